// Metrics computed from counts, as in src/torchdial/sweeps/metric_formulas.py;
// tests/golden/curves.json tests both.

import { longestRun, lowerMiddle } from "./plateau";

export const PIXEL_METRICS = [
  "dice",
  "iou",
  "precision",
  "recall",
  "specificity",
  "accuracy",
] as const;
export type PixelMetric = (typeof PIXEL_METRICS)[number];
export type Average = "micro" | "macro" | "image";

/** A metric's name on screen. */
export function nameOf(metric: PixelMetric): string {
  return metric === "dice" ? "Dice" : metric === "iou" ? "IoU" : metric;
}

/** Counts of N images, C classes and T stops, row-major; tp and fp are (N, C, T). */
export interface PixelCounts {
  numImages: number;
  numClasses: number;
  numStops: number;
  tp: Float64Array;
  fp: Float64Array;
  positives: Float64Array;
  negatives: Float64Array;
}

/** The counts of one image and class at one stop, or a sum of such counts. */
export interface CountSum {
  tp: number;
  fp: number;
  positives: number;
  negatives: number;
}

/** A metric of one sum of counts; NaN where it is undefined. */
export function evaluate(metric: PixelMetric, cell: CountSum, zeroDivision: number): number {
  const { tp, fp } = cell;
  const fn = cell.positives - tp;
  const tn = cell.negatives - fp;
  const divide = (a: number, b: number, empty = Number.NaN) => (b === 0 ? empty : a / b);
  switch (metric) {
    case "dice":
      return divide(2 * tp, 2 * tp + fp + fn, zeroDivision);
    case "iou":
      return divide(tp, tp + fp + fn, zeroDivision);
    case "precision":
      return divide(tp, tp + fp);
    case "recall":
      return divide(tp, tp + fn);
    case "specificity":
      return divide(tn, tn + fp);
    case "accuracy":
      return divide(tp + tn, tp + fp + fn + tn);
  }
}

/** Sum of the cells of some images and classes, class c at stop `at[c]`. */
export function pool(
  counts: PixelCounts,
  at: readonly number[],
  images: readonly number[],
  classes: readonly number[],
): CountSum {
  const sum = { tp: 0, fp: 0, positives: 0, negatives: 0 };
  for (const i of images) {
    for (const c of classes) {
      const row = i * counts.numClasses + c;
      const cell = row * counts.numStops + at[c];
      sum.tp += counts.tp[cell];
      sum.fp += counts.fp[cell];
      sum.positives += counts.positives[row];
      sum.negatives += counts.negatives[row];
    }
  }
  return sum;
}

/** A metric averaged over images and classes, class c at stop `at[c]`. */
export function average(
  counts: PixelCounts,
  metric: PixelMetric,
  how: Average,
  at: readonly number[],
  classes: readonly number[],
  zeroDivision: number,
): number {
  const images = range(counts.numImages);
  const of = (cell: CountSum) => evaluate(metric, cell, zeroDivision);
  if (how === "micro") return of(pool(counts, at, images, classes));
  if (how === "image") return meanOfDefined(images.map((i) => of(pool(counts, at, [i], classes))));
  const cells = classes.map((c) => pool(counts, at, images, [c]));
  return meanOfDefined(cells.filter((cell) => cell.positives > 0).map(of));
}

/** Index of the best stop: of a plateau the lower middle of its longest run; -1 if all are NaN. */
export function bestStop(values: ArrayLike<number>): number {
  const top = Math.max(...definedOf(values));
  const run = longestRun(values.length, (k) => values[k] === top);
  return run.length === 0 ? -1 : lowerMiddle(run);
}

/** Index of the highest value, of equal ones the first; -1 if all are NaN. */
export function highestAt(values: readonly number[]): number {
  return values.indexOf(Math.max(...definedOf(values)));
}

export function definedOf(values: ArrayLike<number>): number[] {
  return Array.from(values).filter((value) => !Number.isNaN(value));
}

export function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

/** NaN if none is defined. Summed in order as in Python, or a plateau might break in two. */
export function meanOfDefined(values: number[]): number {
  const defined = definedOf(values);
  return defined.reduce((sum, v) => sum + v, 0) / defined.length;
}
