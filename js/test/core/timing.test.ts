import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { debounce, throttle } from "../../src/lib/core/timing";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe("throttle", () => {
  it("acts at most ten times a second, and once at the end", () => {
    const action = vi.fn();
    const save = throttle(100, action);
    for (let ms = 0; ms < 1000; ms += 10) {
      save.call();
      vi.advanceTimersByTime(10);
    }
    expect(action.mock.calls.length).toBe(11);
    vi.advanceTimersByTime(1000);
    expect(action.mock.calls.length).toBe(11);
  });

  it("runs at once when flushed, and not again", () => {
    const action = vi.fn();
    const save = throttle(100, action);
    save.call();
    save.call();
    save.flush();
    expect(action.mock.calls.length).toBe(2);
    save.flush();
    vi.advanceTimersByTime(1000);
    expect(action.mock.calls.length).toBe(2);
  });

  it("drops a pending call when cancelled", () => {
    const action = vi.fn();
    const save = throttle(100, action);
    save.call();
    save.call();
    save.cancel();
    vi.advanceTimersByTime(1000);
    expect(action.mock.calls.length).toBe(1);
  });
});

describe("whenResting", () => {
  it("runs after a time without calls", () => {
    const action = vi.fn();
    const resting = debounce(100, action);
    for (let ms = 0; ms < 1000; ms += 50) {
      resting.call();
      vi.advanceTimersByTime(50);
    }
    expect(action).not.toHaveBeenCalled();
    vi.advanceTimersByTime(50);
    expect(action).toHaveBeenCalledTimes(1);
  });

  it("waits no longer than the maximum", () => {
    const action = vi.fn();
    const resting = debounce(100, action, 300);
    for (let ms = 0; ms < 1000; ms += 50) {
      resting.call();
      vi.advanceTimersByTime(50);
    }
    expect(action).toHaveBeenCalledTimes(3);
  });

  it("drops a pending call", () => {
    const action = vi.fn();
    const resting = debounce(100, action);
    resting.call();
    resting.cancel();
    vi.advanceTimersByTime(1000);
    expect(action).not.toHaveBeenCalled();
  });
});
