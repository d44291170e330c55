import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { beforePaint, debounce, throttle } from "../../src/lib/core/timing";

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

  it("leaves time before the first call, and acts no more often", () => {
    const action = vi.fn();
    const save = throttle(100, action, 30);
    const acted = [0, 10, 20, 30, 40, 120, 130].map((ms, i, all) => {
      vi.advanceTimersByTime(ms - (all[i - 1] ?? 0));
      save.call();
      return action.mock.calls.length;
    });
    expect(acted).toEqual([0, 0, 0, 1, 1, 1, 2]);
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

describe("beforePaint", () => {
  let frames: Map<number, FrameRequestCallback>;

  function frame(): void {
    const due = [...frames.values()];
    frames.clear();
    for (const callback of due) callback(0);
  }

  beforeEach(() => {
    frames = new Map();
    let last = 0;
    vi.stubGlobal("requestAnimationFrame", (callback: FrameRequestCallback) => {
      frames.set(++last, callback);
      return last;
    });
    vi.stubGlobal("cancelAnimationFrame", (id: number) => frames.delete(id));
  });
  afterEach(() => {
    vi.unstubAllGlobals();
  });

  it("acts once in a frame, however often it is called", () => {
    const action = vi.fn();
    const update = beforePaint(action);
    update.call();
    update.call();
    expect(action).not.toHaveBeenCalled();
    frame();
    frame();
    expect(action).toHaveBeenCalledTimes(1);
  });

  it("acts at once for the first event of a frame, and in the frame for later ones", () => {
    const action = vi.fn();
    const update = beforePaint(action);
    for (const calls of [1, 1, 1]) {
      update.call();
      update.atOnce();
      expect(action).toHaveBeenCalledTimes(calls);
    }
    frame();
    expect(action).toHaveBeenCalledTimes(2);
    update.call();
    update.atOnce();
    expect(action).toHaveBeenCalledTimes(3);
    frame();
    expect(action).toHaveBeenCalledTimes(3);
  });

  it("does nothing at once where nothing is pending", () => {
    const action = vi.fn();
    const update = beforePaint(action);
    update.atOnce();
    update.call();
    update.cancel();
    update.atOnce();
    frame();
    expect(action).not.toHaveBeenCalled();
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
