// Which numbers lead to pictures: counts of each image may be pooled, where they would be large.

import { beforeAll, expect, it } from "vitest";
import { range } from "../../src/lib/core/metrics";
import type { LegendCounts } from "../../src/lib/numbers/legend_counts";
import type { ModelCounts, PixelTally } from "../../src/lib/segmentation/model_counts";
import { createPixelChoices } from "../../src/lib/segmentation/pixel_choices";
import { createSegmentationDetails } from "../../src/lib/segmentation/segmentation_details";
import type { SegmentationConfig } from "../../src/lib/segmentation/segmentation_wire";
import { fake, useFakeDocument } from "../fake_document";

beforeAll(useFakeDocument);

const CONFIG = {
  class_names: ["sky", "road"],
  stops: [0, 0.5],
  num_images: 3,
  has_targets: true,
  task: "multiclass",
} as unknown as SegmentationConfig;

const table = (numImages: number) => Float64Array.from(range(numImages * 4), () => 1);

/** Counts of three images, kept of each or pooled. */
function tallyOf(numImages: number): PixelTally {
  const [tp, fp] = [table(numImages), table(numImages)];
  const [positives, negatives] = [table(numImages), table(numImages)].map((all) =>
    all.subarray(0, 2 * numImages),
  );
  const counts = { numImages, numClasses: 2, numStops: 2, tp, fp, positives, negatives };
  return { totalImages: 3, counts, argmaxCounts: null, joint: null, curves: new Map() };
}

const HISTOGRAMS = new Uint32Array(3 * 3 * 3);
const CONFUSION = {
  cells: new Uint32Array(0),
  pixels: new Uint32Array(0),
  numImages: 3,
  numClasses: 2,
  numStops: 2,
};

it.each<[string, string, Partial<ModelCounts>, boolean, LegendCounts[]]>([
  ["nothing", "multiclass", {}, false, []],
  ["pooled counts", "multiclass", { shown: tallyOf(1) }, false, []],
  ["counts", "multiclass", { shown: tallyOf(3) }, true, ["tp", "fp"]],
  [
    "counts by argmax",
    "multiclass",
    { shown: tallyOf(3), confusion: CONFUSION },
    true,
    [0, "tp", "fp", "fn"],
  ],
  ["histograms", "multiclass", { histograms: HISTOGRAMS }, false, []],
  ["histograms", "multilabel", { histograms: HISTOGRAMS }, false, [0]],
  ["counts", "multilabel", { shown: tallyOf(3) }, true, [0, "tp", "fp", "fn"]],
])("%s of a %s task are known", (_, task, known, canChoose, counted) => {
  const config = { ...CONFIG, task } as SegmentationConfig;
  const source = { shown: null, histograms: null, confusion: null, ...known } as ModelCounts;
  const setting = { source, shown: null, at: [1, 1], metric: "dice", where: "" } as const;
  const choices = createPixelChoices(config, () => setting);
  expect(choices.canChoose()).toBe(canChoose);
  const entries: LegendCounts[] = [0, "tp", "fp", "fn"];
  expect(entries.filter(choices.canCount)).toEqual(counted);
  expect(entries.filter((entry) => choices.ofLegend(entry, ""))).toEqual(counted);

  const events = { choices, choose() {}, changed() {} };
  const words = createSegmentationDetails(config, events).elements.map(
    (element) => fake(element).textContent,
  );
  expect(words.join().includes("click a row")).toBe(canChoose);
});

it.each<[LegendCounts, string, number | null, number]>([
  ["tp", "multiclass", null, 1],
  ["tp", "multiclass", 0, 1],
  ["tp", "multilabel", null, 2],
  ["fp", "multiclass", null, 2],
])("%s of a %s task, class %j shown, are of %i classes in each picture", (...given) => {
  const [counts, task, shown, classes] = given;
  const config = { ...CONFIG, task } as SegmentationConfig;
  const source = { shown: tallyOf(3), histograms: null, confusion: null } as ModelCounts;
  const setting = { source, shown, at: [1, 1], metric: "dice", where: "p > 0.50" } as const;
  const choice = createPixelChoices(config, () => setting).ofLegend(counts, "found");
  expect(choice?.text).toBe(`found at p > 0.50: ${3 * classes} pixels`);
});
