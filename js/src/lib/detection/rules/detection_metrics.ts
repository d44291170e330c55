// Metrics of detection at every stop, as `DetectionCurves.metric` in Python.

import { type Average, evaluate } from "../../core/metrics";
import type { CountTable, DetectionTally } from "./detection_tally";

export const DETECTION_METRICS = ["f1", "precision", "recall"] as const;
export type DetectionMetric = (typeof DETECTION_METRICS)[number];

/** A metric over (T, S), NaN where it is undefined; of one class if there is a label. */
export function metricAtStops(
  tally: DetectionTally,
  name: DetectionMetric,
  how: Average,
  label: number | null,
  zeroDivision: number,
): Float64Array {
  const { classes, images } = tally;
  if (label !== null) return meanOf(classes, [label], name, zeroDivision);
  if (how === "micro") return meanOf(pooled(classes), [0], name, zeroDivision);
  const table = how === "image" ? images : classes;
  const groups = [...table.positives.keys()];
  const chosen = how === "image" ? groups : groups.filter((c) => table.positives[c] > 0);
  return meanOf(table, chosen, name, zeroDivision);
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

/** The sum over groups, as a table of one. */
export function pooled(table: CountTable): CountTable {
  const size = table.numStops * table.numScores;
  const [tp, fp] = [table.tp, table.fp].map((counts) => {
    const sum = new Uint32Array(size);
    for (let g = 0; g < table.numGroups; g++) {
      for (let cell = 0; cell < size; cell++) sum[cell] += counts[g * size + cell];
    }
    return sum;
  });
  const positives = Uint32Array.of(table.positives.reduce((sum, v) => sum + v, 0));
  return { ...table, numGroups: 1, tp, fp, positives };
}

/** The mean over groups where a metric is defined, summed in order. */
function meanOf(
  table: CountTable,
  groups: readonly number[],
  name: DetectionMetric,
  zeroDivision: number,
): Float64Array {
  const size = table.numStops * table.numScores;
  const total = new Float64Array(size);
  const number = new Uint32Array(size);
  for (const g of groups) {
    for (let cell = 0; cell < size; cell++) {
      const at = g * size + cell;
      const value = metricOf(name, table.tp[at], table.fp[at], table.positives[g], zeroDivision);
      if (Number.isNaN(value)) continue;
      total[cell] += value;
      number[cell]++;
    }
  }
  return total.map((sum, cell) => sum / number[cell]);
}
