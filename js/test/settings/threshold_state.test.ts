import type { AnyModel } from "@anywidget/types";
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { SegmentationTraits } from "../../src/lib/segmentation/segmentation_wire";
import { createThresholdState } from "../../src/lib/settings/threshold_state";

function modelOf(traits: Partial<SegmentationTraits>, config: object) {
  const values: Record<string, unknown> = {
    threshold: 0.5,
    class_thresholds: [],
    label: null,
    view: "mask",
    _notice: "",
    _config: {
      task: "multiclass",
      class_names: ["a", "b", "c"],
      sources: ["model"],
      stops: [0, 0.25, 0.5, 0.75, 1],
      initial_threshold: 0.5,
      initial_class_thresholds: [],
      ...config,
    },
    ...traits,
  };
  const listeners = new Set<string>();
  const model = {
    get: (name: string) => values[name],
    set: (name: string, value: unknown) => {
      values[name] = value;
    },
    on: (event: string) => listeners.add(event),
    off: (event: string) => listeners.delete(event),
    save_changes: vi.fn(),
    send: vi.fn(),
  };
  return {
    model: model as unknown as AnyModel<SegmentationTraits>,
    values,
    listeners,
    save: model.save_changes,
  };
}

describe("the dial", () => {
  let changed: () => void;
  beforeEach(() => {
    changed = vi.fn();
  });

  it("moves the threshold of all classes when all are shown", () => {
    const { model, values, save } = modelOf({ class_thresholds: [null, 1, null] }, {});
    const state = createThresholdState(model, changed);
    state.stop = 1;
    expect(values.threshold).toBe(0.25);
    expect(state.stops).toEqual([1, 4, 1]);
    expect(save).not.toHaveBeenCalled(); // the picture is first
    state.flush();
    expect(save).toHaveBeenCalledTimes(1);
    expect(changed).toHaveBeenCalled();
  });

  it.each([
    [null, [], [1, 1, 1]],
    [2, [null, 1, 0.25], [2, 4, 1]],
  ])("of a demand leaves no shown class at its own threshold: %j", (label, own, stops) => {
    const { model, values } = modelOf({ label, class_thresholds: [null, 1, null] }, {});
    const state = createThresholdState(model, changed);
    state.moveTogether(1);
    expect(values.class_thresholds).toEqual(own);
    expect(state.stops).toEqual(stops);
    state.undo();
    expect(state.stops).toEqual([2, 4, 2]);
  });

  it("moves the shown class alone", () => {
    const { model, values } = modelOf({ label: 2 }, {});
    const state = createThresholdState(model, changed);
    state.stop = 3;
    expect(values.threshold).toBe(0.5);
    expect(values.class_thresholds).toEqual([null, null, 0.75]);
    expect(state.stop).toBe(3);
    expect(state.toJson()).toBe(
      '{"class_thresholds":[0.5,0.5,0.75],"task":"multiclass","label":2}',
    );
  });

  it("of a binary task has one threshold, whatever class is named", () => {
    const { model, values } = modelOf({}, { task: "binary", class_names: ["on"] });
    const state = createThresholdState(model, changed);
    state.stop = 0;
    expect(values.threshold).toBe(0);
    expect(values.class_thresholds).toEqual([]);
    expect(state.toJson()).toBe('{"threshold":0,"task":"binary"}');
  });

  it("shows the nearest stop of a value set elsewhere", () => {
    const { model } = modelOf({ threshold: 0.64 }, {});
    expect(createThresholdState(model, changed).stop).toBe(3);
  });

  it("sends its value again, in a message, when it rests", () => {
    vi.useFakeTimers();
    const { model } = modelOf({}, {});
    const state = createThresholdState(model, changed);
    for (const k of [1, 2, 3]) {
      state.stop = k;
      vi.advanceTimersByTime(100);
    }
    expect(model.send).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1000);
    const settled = { threshold: 0.75, class_thresholds: [], label: null, view: "mask" };
    expect(model.send).toHaveBeenCalledExactlyOnceWith({
      type: "settle",
      id: 0,
      page: expect.any(String),
      state: settled,
    });
    vi.useRealTimers();
  });

  it("resets to the initial setting", () => {
    const { model, values } = modelOf({ label: 0, class_thresholds: [1, null, null] }, {});
    createThresholdState(model, changed).reset();
    expect(values).toMatchObject({ threshold: 0.5, class_thresholds: [] });
  });

  it("resets one shown class alone", () => {
    const own = { label: 0, class_thresholds: [1, null, 0.25], threshold: 0.75 };
    const { model, values } = modelOf(own, {});
    createThresholdState(model, changed).reset();
    expect(values).toMatchObject({ threshold: 0.75, class_thresholds: [null, null, 0.25] });
  });

  it("takes back a drag as one change, and changes of the view not at all", () => {
    vi.useFakeTimers();
    const { model, values } = modelOf({}, {});
    const state = createThresholdState(model, changed);
    expect(state.canUndo()).toBe(false);
    for (const k of [1, 3]) {
      for (const step of [0, k]) state.stop = step;
      state.set({ view: "heat" });
      vi.advanceTimersByTime(1000);
    }
    state.stop = 3;
    expect(values.threshold).toBe(0.75);
    state.undo();
    expect(values).toMatchObject({ threshold: 0.25, view: "heat" });
    state.undo();
    expect(values.threshold).toBe(0.5);
    expect(state.canUndo()).toBe(false);
    state.undo();
    expect(values.threshold).toBe(0.5);
    vi.useRealTimers();
  });

  it("goes to a pasted setting that names no minimum size", () => {
    const { model, values } = modelOf({ min_size: 25 }, { min_sizes: [0, 25], connectivity: 4 });
    const state = createThresholdState(model, changed);
    state.apply('{"threshold": 0.75}');
    expect(values).toMatchObject({ threshold: 0.75, min_size: 0 });
    state.apply('{"threshold": 0.75, "min_size": 25}');
    expect(values.min_size).toBe(25);
  });

  it("goes to a pasted setting", () => {
    const { model, values } = modelOf({}, {});
    const state = createThresholdState(model, changed);
    state.stop = 3;
    state.set({ label: 1 });
    const text = state.toJson();
    state.reset();
    state.set({ label: null, threshold: 0, class_thresholds: [0, 0, 0] });
    state.apply(text);
    expect(values).toMatchObject({ threshold: 0.75, class_thresholds: [], label: 1 });
    expect(() => state.apply("{}")).toThrow("does not fit");
  });

  it("leaves no listener behind", () => {
    const { model, listeners } = modelOf({}, {});
    const state = createThresholdState(model, changed);
    expect(listeners.size).toBeGreaterThan(0);
    state.dispose();
    expect(listeners.size).toBe(0);
  });
});
