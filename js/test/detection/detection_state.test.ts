import type { AnyModel } from "@anywidget/types";
import { expect, it, vi } from "vitest";
import { createDetectionState, formatScore } from "../../src/lib/detection/detection_state";
import type { DetectionTraits } from "../../src/lib/detection/detection_wire";
import { CONFIG } from "./fixtures";

function stateOf(traits: Partial<DetectionTraits> = {}) {
  const values: Record<string, unknown> = {
    ...{ ...CONFIG.initial, label: null, view: "boxes", _config: CONFIG },
    ...traits,
  };
  const model = {
    get: (name: string) => values[name],
    set: (name: string, value: unknown) => {
      values[name] = value;
    },
    on: vi.fn(),
    off: vi.fn(),
    save_changes: vi.fn(),
    send: vi.fn(),
  };
  const state = createDetectionState(model as unknown as AnyModel<DetectionTraits>, () => {});
  return { state, values };
}

it("moves the score of all classes when all are shown", () => {
  const { state, values } = stateOf({ class_thresholds: [null, 0.5] });
  state.move({ score: 0.4321 });
  expect(values).toMatchObject({ score_threshold: 0.432, class_thresholds: [null, 0.5] });
});

it("moves the shown class alone", () => {
  const { state, values } = stateOf({ label: 17 });
  state.move({ score: 0.7, stop: 1 });
  expect(values).toMatchObject({ score_threshold: 0.25, class_thresholds: [null, 0.7] });
  expect(values.nms_iou).toBe(0.9);
  expect(state.score).toBe(0.7);
});

it("removes own thresholds where every class has one", () => {
  const { state, values } = stateOf({ class_thresholds: [0.1, 0.2] });
  state.move({ score: 0.5 });
  expect(values).toMatchObject({ score_threshold: 0.5, class_thresholds: [] });
});

it.each([
  [null, { score_threshold: 0.5, class_thresholds: [] }],
  [1, { score_threshold: 0.25, class_thresholds: [0.5, 0.2] }],
])("leaves no shown class at its own threshold after a demand: %j", (label, expected) => {
  const { state, values } = stateOf({ label, class_thresholds: [null, 0.2] });
  state.moveTogether({ score: 0.5, stop: 1 });
  expect(values).toMatchObject({ ...expected, nms_iou: 0.9 });
});

it("stays within the dials", () => {
  const { state, values } = stateOf();
  state.move({ score: -0.1, stop: 9 });
  expect(values).toMatchObject({ score_threshold: 0, nms_iou: 0.9 });
  state.move({ score: 1.1, stop: -1 });
  expect(values).toMatchObject({ score_threshold: 1, nms_iou: 0.3 });
});

it("resets to the initial setting", () => {
  const { state, values } = stateOf({
    score_threshold: 0.9,
    max_det: 2,
    class_thresholds: [0.1, 1],
  });
  state.reset();
  expect(values).toMatchObject(CONFIG.initial);
});

it("is copied as a Python dict, with the labels of the classes", () => {
  const { state } = stateOf({ class_thresholds: [null, 0.5] });
  expect(state.toPython()).toBe(
    '{"score_threshold": 0.25, "nms_iou": 0.3, "class_thresholds": {17: 0.5}, ' +
      '"class_agnostic": False, "max_det": 300}',
  );
});

it.each([
  [0.3, "0.30"],
  [0.312, "0.312"],
  [0.3456, "0.3456"],
  [1, "1.00"],
  [0, "0.00"],
])("says a score of %s as %s", (score, text) => {
  expect(formatScore(score)).toBe(text);
});
