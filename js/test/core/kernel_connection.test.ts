// A kernel that ends while the widget is not used.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { GONE, LOOK_MS, watchKernel } from "../../src/lib/core/kernel_connection";
import { FakeModel, frameOf } from "../live/live_model";

type HostKernel = { id: string; status: string };

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function watched(manager: object) {
  const model = Object.assign(new FakeModel(frameOf(0, 0, [])), { widget_manager: manager });
  const changed = vi.fn();
  return { model, changed, kernel: watchKernel(model, changed) };
}

test.each<[string, HostKernel | null]>([
  ["is shut down", null],
  ["is restarted", { id: "a", status: "restarting" }],
  ["died and is restarted", { id: "a", status: "autorestarting" }],
  ["is dead", { id: "a", status: "dead" }],
  ["is another one", { id: "b", status: "idle" }],
])("a kernel that %s is gone within a look", (_, now) => {
  const manager: { kernel: HostKernel | null } = { kernel: { id: "a", status: "idle" } };
  const { changed, kernel, model } = watched(manager);
  manager.kernel = { id: "a", status: "busy" };
  vi.advanceTimersByTime(10 * LOOK_MS);
  expect(kernel.message).toBe("");
  manager.kernel = now;
  vi.advanceTimersByTime(LOOK_MS);
  expect(kernel.message).toBe(GONE);
  expect(changed).toHaveBeenCalledTimes(1);
  model.trigger("msg:custom", {}, []); // its last message
  expect(kernel.message).toBe(GONE);
  expect(changed).toHaveBeenCalledTimes(1);
});

test("a widget that is gone no longer looks", () => {
  const manager: { kernel: HostKernel | null } = { kernel: { id: "a", status: "idle" } };
  const { changed, kernel, model } = watched(manager);
  kernel.dispose();
  manager.kernel = null;
  vi.advanceTimersByTime(10 * LOOK_MS);
  expect(changed).not.toHaveBeenCalled();
  expect(model.listeners).toBe(0);
  expect(vi.getTimerCount()).toBe(0);
});

test.each([
  ["knows no kernel", {}],
  ["has none yet", { kernel: null }],
])("a host that %s is not watched", (_, manager) => {
  watched(manager);
  expect(vi.getTimerCount()).toBe(0);
});
