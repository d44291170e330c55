// The pictures that a clicked number of a segmentation counts, at the setting of the moment; the same
// as `images_of`, `images_between`, `worst` and `to_pandas` of Python.

import { ANY, worstFirst } from "../core/image_choice";
import { nameOf, PIXEL_METRICS, type PixelCounts, type PixelMetric, range } from "../core/metrics";
import type { Bin } from "../numbers/histogram_bars";
import { toCsv } from "../numbers/image_table";
import type { LegendCounts } from "../numbers/legend_counts";
import { byCount, type PictureChoice } from "../numbers/picture_choice";
import { countByArgmax, countLevels, countOutcomes, sideOf } from "./image_confusion";
import { type ModelCounts, type PixelTally, Scope } from "./model_counts";
import type { SegmentationConfig } from "./segmentation_wire";

/** The setting, and the model whose pictures are chosen. */
export interface PixelSetting {
  source: ModelCounts;
  /** Index of the shown class, null for all. */
  shown: number | null;
  /** Index of each class's stop. */
  at: readonly number[];
  metric: PixelMetric;
  /** The setting as text. */
  where: string;
}

export type PixelChoices = ReturnType<typeof createPixelChoices>;

export function createPixelChoices(config: SegmentationConfig, now: () => PixelSetting) {
  const { class_names: names, stops, task, num_images: numImages } = config;
  const numClasses = names.length;
  const numRows = numClasses + Number(task === "multiclass");

  /** The counts of each image; null without targets, and where they came pooled. */
  function countsOfImages(): PixelTally | null {
    const { shown } = now().source;
    return shown?.counts.numImages === numImages ? shown : null;
  }

  const isByArgmax = () => task === "multiclass" && now().shown === null;

  /** Pixels of each image in a cell; null where they are not known. */
  function countCell(truth: number, predicted: number): ArrayLike<number> | null {
    const { source, at, shown } = now();
    if (isByArgmax()) {
      return source.confusion && countByArgmax(source.confusion, at, truth, predicted);
    }
    const named = [shown, truth, predicted].filter((c) => c !== null && c >= 0 && c < numClasses);
    const classes = named.length ? [named[0] as number] : range(numClasses);
    const sides = [truth, predicted].map((side) => sideOf(side, numClasses));
    const counts = countsOfImages()?.counts;
    if (counts) return countOutcomes(counts, at, classes, sides[0], sides[1]);
    if (!source.histograms || sides[0] !== ANY) return null;
    return countOn(source.histograms, classes, at);
  }

  /** Without targets: pixels of each image that are on. */
  function countOn(histograms: Uint32Array, classes: readonly number[], at: readonly number[]) {
    const each = classes.map((c) =>
      countLevels(histograms, numRows, stops.length, [c], [at[c] + 1, stops.length]),
    );
    return each[0].map((_, image) => each.reduce((sum, counts) => sum + counts[image], 0));
  }

  /** Pixels of each image of one outcome, of what is shown. */
  function countOutcome(outcome: "tp" | "fp" | "fn"): ArrayLike<number> | null {
    if (isByArgmax() && outcome === "fn") return countCell(ANY, numClasses);
    const tally = countsOfImages();
    if (!tally) return null;
    const { at, shown } = now();
    const sides = { tp: [0, 0], fp: [1, 0], fn: [0, 1] }[outcome];
    // The errors view does not outline the background where it is found.
    const first = Number(isByArgmax() && outcome === "tp");
    const classes = shown === null ? range(numClasses).slice(first) : [shown];
    const counts = new Scope(config, shown).countsIn(tally);
    return countOutcomes(counts, at, classes, sides[0], sides[1]);
  }

  const chosen = (counts: ArrayLike<number> | null, text: string): PictureChoice | null =>
    counts && byCount(counts, `${text} at ${now().where}`, "pixels");

  return {
    /** Whether the cells and rows of tables lead to pictures. */
    canChoose: () => countsOfImages() !== null,

    /** Whether an entry of the legend leads to pictures. */
    canCount(counts: LegendCounts): boolean {
      const { source } = now();
      const isClass = typeof counts === "number";
      if (isByArgmax() && (isClass || counts === "fn")) return source.confusion !== null;
      return countsOfImages() !== null || (isClass && source.histograms !== null);
    },

    ofCell: (truth: number, predicted: number, text: string) =>
      chosen(countCell(truth, predicted), text),

    ofLegend(counts: LegendCounts, text: string): PictureChoice | null {
      if (typeof counts !== "number") return chosen(countOutcome(counts), text);
      return chosen(countCell(ANY, counts), `predicted ${names[counts]}`);
    },

    /** The pictures with a class, those with the lowest metric first. */
    ofClass(index: number): PictureChoice | null {
      const tally = countsOfImages();
      if (!tally) return null;
      const { at, metric, where } = now();
      const scope = new Scope(config, index);
      const values = range(numImages).map((i) => scope.imageMetric(tally, metric, at, i));
      const counts = countOutcomes(tally.counts, at, [index], ANY, ANY);
      const right = countOutcomes(tally.counts, at, [index], 1, 1);
      const text = `with ${names[index]}, lowest ${nameOf(metric)} first, at ${where}`;
      const there = counts.map((count, i) => count - right[i]);
      return { order: worstFirst(values, there), text };
    },

    ofBin({ first, last, text }: Bin): PictureChoice | null {
      const { source, shown } = now();
      if (!source.histograms) return null;
      const all = task === "multiclass" ? [numClasses] : range(numClasses);
      const rows = shown === null ? all : [shown];
      const levels = [first, last] as const;
      const counts = countLevels(source.histograms, numRows, stops.length, rows, levels);
      return byCount(counts, text, "pixels");
    },

    /** Counts and metrics of each image as CSV; null where they are not known. */
    toCsv(): string | null {
      const tally = countsOfImages();
      if (!tally) return null;
      const { at, shown } = now();
      const scope = new Scope(config, shown);
      const counts: PixelCounts = scope.countsIn(tally);
      const outcomes = [
        [0, 0],
        [1, 0],
        [0, 1],
        [1, 1],
      ].map(([truth, found]) => countOutcomes(counts, at, scope.classes, truth, found));
      const rows = range(numImages).map((image) => [
        image,
        ...outcomes.map((of) => of[image]),
        ...PIXEL_METRICS.map((metric) => scope.imageMetric(tally, metric, at, image)),
      ]);
      return toCsv(["image", "tp", "fp", "fn", "tn", ...PIXEL_METRICS], rows);
    },
  };
}
