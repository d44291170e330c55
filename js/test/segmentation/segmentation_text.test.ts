// The texts about metrics and pixels, counted by hand.

import { describe, expect, test } from "vitest";
import { formatMetric, gainText, imageCountText } from "../../src/lib/numbers/metric_text";
import {
  argmaxKey,
  createTileStore,
  levelKey,
  maskTargetKey,
  maximumKey,
  type TileStore,
  targetKey,
} from "../../src/lib/preview/tile_store";
import { readModelCounts, Scope } from "../../src/lib/segmentation/model_counts";
import {
  imageNumbers,
  metricsText,
  nothingText,
  pixelText,
  shareText,
} from "../../src/lib/segmentation/segmentation_text";
import type { SegmentationConfig, WireTally } from "../../src/lib/segmentation/segmentation_wire";

const STOPS = [0, 0.25, 0.5, 0.75];
const WIDTH = 4;
const HEIGHT = 2;

function configOf(
  task: SegmentationConfig["task"],
  class_names: string[],
  has_targets = true,
): SegmentationConfig {
  const fixed = {
    stops: STOPS,
    width: WIDTH,
    height: HEIGHT,
    sources: ["model"],
    average: "micro",
  };
  return {
    ...fixed,
    task,
    class_names,
    has_targets,
    zero_division: 1,
  } as unknown as SegmentationConfig;
}

test.each([
  [0.84249, "0.842"],
  [1, "1.000"],
  [Number.NaN, "–"],
])("the metric %d is written %s", (value, text) => {
  expect(formatMetric(value)).toBe(text);
});

test.each([
  [1, "1 image"],
  [2, "2 images"],
  [12_345, "12,345 images"],
])("%i in words", (images, text) => {
  expect(imageCountText(images)).toBe(text);
});

test.each([
  [0.842, 0.839, "(+0.003)"],
  [0.842, 0.8417, ""],
  [0.8, 0.9, ""],
  [0.5, Number.NaN, "(+0.500)"],
])("from %d to the best, %d, it gains %s", (best, now, text) => {
  expect(gainText(best, now)).toBe(text);
});

test.each([
  [0, 0, "nothing to find"],
  [0, 1, "nothing to find, 1 pixel of false alarms"],
  [0, 1204, "nothing to find, 1,204 pixels of false alarms"],
  [1, 1204, ""],
])("%i positive and %i wrong pixels: %s", (positives, fp, text) => {
  expect(nothingText({ tp: 0, fp, positives, negatives: 9999 })).toBe(text);
});

test.each([
  ["all above the lowest stop", [0, 2, 3, 0, 5], 0, "100.0 % of pixels on"],
  ["a pixel on level 1 is not on at stop 1", [0, 2, 3, 0, 5], 1, "80.0 % of pixels on"],
  ["only levels above the stop", [0, 2, 3, 0, 5], 2, "50.0 % of pixels on"],
  ["nothing above the highest stop", [7, 2, 3, 4, 0], 3, "0.0 % of pixels on"],
  ["to a tenth", [2, 1, 0, 0, 0], 0, "33.3 % of pixels on"],
])("the share that is on: %s", (_, histogram, stop, text) => {
  expect(shareText(Float64Array.from(histogram), stop, "pixels")).toBe(text);
});

describe("texts of metrics", () => {
  const bytes = (...numbers: number[]) => new Uint8Array(Float64Array.from(numbers).buffer);
  // 10 pixels, 4 of them positive: at the stops 4, 3, 2, 0 found and 6, 2, 0, 0 false alarms.
  const wire: WireTally = {
    total_images: 1,
    counts: {
      num_images: 1,
      num_classes: 1,
      tp: bytes(4, 3, 2, 0),
      fp: bytes(6, 2, 0, 0),
      positives: bytes(4),
      negatives: bytes(6),
    },
    argmax_counts: null,
    joint: null,
  };
  const config = configOf("binary", ["cell"]);
  const scope = new Scope(config, null);
  const histogram = bytes(0, 5, 3, 2, 0);

  test.each([
    [1, "Dice 0.667  IoU 0.500  precision 0.600  recall 0.750"],
    [3, "Dice 0.000  IoU 0.000  precision –  recall 0.000"],
  ])("at stop %i", (stop, text) => {
    const source = readModelCounts(
      config,
      0,
      { histograms: null, confusion: null, histogram, tally: wire },
      null,
    );
    const { shown } = source;
    expect(shown && metricsText(scope, source, shown, [stop])).toEqual([
      text,
      "micro over 1 image",
    ]);
  });

  test("of one image are all metrics, and what they come from", () => {
    const bare = { histograms: null, confusion: null };
    const { shown } = readModelCounts(config, 0, { ...bare, histogram, tally: wire }, null);
    expect(imageNumbers(scope, shown, [1], 0)).toEqual([
      ["Dice", "0.667"],
      ["IoU", "0.500"],
      ["precision", "0.600"],
      ["recall", "0.750"],
      ["specificity", "0.667"],
      ["accuracy", "0.700"],
      ["found", "3 pixels"],
      ["false alarms", "2 pixels"],
      ["missed", "1 pixel"],
    ]);
  });

  test("name the shown images where the dial's curves are of others", () => {
    const curves = { ...wire, total_images: 64 };
    const source = readModelCounts(
      config,
      0,
      { histograms: null, confusion: null, histogram, tally: wire },
      curves,
    );
    const over = (tally: typeof source.shown) => tally && metricsText(scope, source, tally, [1])[1];
    expect(over(source.shown)).toBe("micro over the shown 1 image");
    expect(over(source.track)).toBe("micro over 64 images");
  });
});

describe("a pixel of a map that is not square", () => {
  const [x, y] = [1, 1]; // place 5 of 8; with width and height exchanged it would be 3

  function tilesOf(planes: Record<string, number>): TileStore {
    const tiles = createTileStore(() => {});
    for (const [key, value] of Object.entries(planes)) {
      const data = new Uint8Array(WIDTH * HEIGHT);
      data[y * WIDTH + x] = value;
      tiles.put([{ key, data }]);
    }
    return tiles;
  }

  const SCORES = "(1, 1), score in (0.25, 0.5]";
  const binary = configOf("binary", ["cell"]);
  const several = configOf("multiclass", ["sky", "sea", "land"]);
  const labels = configOf("multilabel", ["red", "round"]);

  test.each<[string, SegmentationConfig, number | null, Record<string, number>, string]>([
    [
      "binary",
      binary,
      null,
      { [levelKey(0, 2, 0)]: 2, [targetKey(2)]: 1 },
      "(1, 1), target 1, p in (0.25, 0.50]",
    ],
    [
      "an ignored target",
      binary,
      null,
      { [levelKey(0, 2, 0)]: 4, [targetKey(2)]: 255 },
      "(1, 1), target ignored, p > 0.75",
    ],
    [
      "without targets",
      configOf("binary", ["cell"], false),
      null,
      { [levelKey(0, 2, 0)]: 1 },
      "(1, 1), p in (0.00, 0.25]",
    ],
    ["planes that are still to come", binary, null, {}, "(1, 1)"],
    [
      "multiclass, by the argmax",
      several,
      null,
      { [maximumKey(0, 2)]: 3, [argmaxKey(0, 2)]: 2, [targetKey(2)]: 1 },
      "(1, 1), target sea, land p in (0.50, 0.75]",
    ],
    [
      "multiclass, one class",
      several,
      1,
      { [levelKey(0, 2, 1)]: 1, [targetKey(2)]: 2 },
      "(1, 1), target land, sea p in (0.00, 0.25]",
    ],
    [
      "multilabel, one class",
      labels,
      1,
      { [levelKey(0, 2, 1)]: 2, [maskTargetKey(2, 1)]: 1 },
      "(1, 1), target 1, round p in (0.25, 0.50]",
    ],
    ["scores", { ...binary, of_scores: true }, 0, { [levelKey(0, 2, 0)]: 2 }, SCORES],
    ["multilabel, all classes", labels, null, { [levelKey(0, 2, 0)]: 2 }, "(1, 1)"],
  ])("%s", (_, config, shown, planes, text) => {
    expect(pixelText(config, tilesOf(planes), shown, 2, 0, x, y)).toBe(text);
  });
});
