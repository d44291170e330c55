import { expect, it } from "vitest";
import { type DisplayWindow, windowText } from "../../src/lib/preview/window_text";
import { type PixelTally, Scope } from "../../src/lib/segmentation/model_counts";
import type { SegmentationConfig } from "../../src/lib/segmentation/segmentation_wire";

const config = (more: Partial<SegmentationConfig>) =>
  ({
    task: "multiclass",
    class_names: ["background", "cat", "dog"],
    stops: [0.5],
    average: "macro",
    zero_division: 1,
    include_background: true,
    window: null,
    ...more,
  }) as SegmentationConfig;

/** One image, one stop; precision of the classes is 8/8, 3/4 and 1/4. */
const counts = {
  numImages: 1,
  numClasses: 3,
  numStops: 1,
  tp: Float64Array.of(8, 3, 1),
  fp: Float64Array.of(0, 1, 3),
  positives: Float64Array.of(10, 4, 2),
  negatives: Float64Array.of(6, 12, 14),
};
const tally: PixelTally = {
  totalImages: 1,
  counts,
  argmaxCounts: counts,
  joint: null,
  curves: new Map(),
};

it.each([
  ["macro", true, null, (8 / 8 + 3 / 4 + 1 / 4) / 3, "macro with background"],
  ["macro", false, null, (3 / 4 + 1 / 4) / 2, "macro without background"],
  ["micro", false, null, 4 / 8, "micro without background"],
  ["image", false, null, 4 / 8, "image without background"],
  ["macro", false, 0, 8 / 8, "macro"],
] as const)("averages %s, include_background %s, class %s", (average, all, shown, value, words) => {
  const scope = new Scope(config({ average, include_background: all }), shown);
  expect(scope.metric(tally, "precision", [0, 0, 0])).toBeCloseTo(value, 12);
  expect(scope.average).toBe(words);
});

it.each([
  [null, ""],
  [[-1024, 3071], "[-1024, 3071]"],
  [[0.123456, 7], "[0.1235, 7]"],
] as const)("says the window %j as %j", (window, words) => {
  expect(windowText(window as DisplayWindow)).toBe(words);
});
