// Metrics of detection at every stop, as `DetectionCurves.metric` in Python.

import { type Average, evaluate } from "../../core/metrics";
import type { DetectionTally, StopCounts } from "./detection_tally";

export const DETECTION_METRICS = ["f1", "precision", "recall"] as const;
export type DetectionMetric = (typeof DETECTION_METRICS)[number];

/** A metric over (T, S), NaN where it is undefined; of one class if there is a label. */
export function metricAtStops(
  { classes, images }: DetectionTally,
  name: DetectionMetric,
  how: Average,
  label: number | null,
  zeroDivision: number,
): Float64Array {
  let groups = how === "image" ? images : classes.filter((one) => one.positives > 0);
  if (how === "micro") groups = [pooled(classes)];
  if (label !== null) groups = [classes[label]];
  return meanAtStops(groups, name, zeroDivision, classes[0].tp.length);
}

/** A metric of one sum of counts, NaN where it is undefined. */
export function metricOf(
  name: DetectionMetric,
  tp: number,
  fp: number,
  positives: number,
  zeroDivision: number,
): number {
  const cell = { tp, fp, positives, negatives: fp }; // detection has no true negatives
  return evaluate(name === "f1" ? "dice" : name, cell, zeroDivision);
}

/** The sum over groups. */
export function pooled(groups: readonly StopCounts[]): StopCounts {
  const sum = (of: "tp" | "fp") => {
    const total = new Uint32Array(groups[0].tp.length);
    for (const { [of]: counts } of groups) {
      for (let cell = 0; cell < total.length; cell++) total[cell] += counts[cell];
    }
    return total;
  };
  const positives = groups.reduce((total, one) => total + one.positives, 0);
  return { tp: sum("tp"), fp: sum("fp"), positives };
}

/** The mean over the groups where a metric is defined, summed in order; NaN at all stops for none. */
export function meanAtStops(
  groups: readonly StopCounts[],
  name: DetectionMetric,
  zeroDivision: number,
  size = groups[0].tp.length,
): Float64Array {
  const total = new Float64Array(size);
  const number = new Uint32Array(size);
  for (const { tp, fp, positives } of groups) {
    for (let cell = 0; cell < size; cell++) {
      const value = metricOf(name, tp[cell], fp[cell], positives, zeroDivision);
      if (Number.isNaN(value)) continue;
      total[cell] += value;
      number[cell]++;
    }
  }
  return total.map((sum, cell) => sum / number[cell]);
}
