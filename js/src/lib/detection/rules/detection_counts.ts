// Counts of found and missed targets in one image at one setting.

import type { Detections, Targets } from "./image_decisions";
import { FALSE, type Outcome, TRUE } from "./matching";

/** Counts of each class; the missed targets are positives - tp. */
export interface DetectionCounts {
  tp: Uint32Array;
  fp: Uint32Array;
  positives: Uint32Array;
}

export function count(
  found: Detections,
  truth: Targets,
  outcome: Outcome,
  shown: Int32Array,
  numClasses: number,
): DetectionCounts {
  const tp = new Uint32Array(numClasses);
  const fp = new Uint32Array(numClasses);
  for (const i of shown) {
    tp[found.labels[i]] += Number(outcome.state[i] === TRUE);
    fp[found.labels[i]] += Number(outcome.state[i] === FALSE);
  }
  return { tp, fp, positives: positives(truth, numClasses) };
}

export interface CountSum {
  tp: number;
  fp: number;
  positives: number;
}

/** The counts of a class, or of all (null), in some images. */
export function sumCounts(counts: readonly DetectionCounts[], label: number | null): CountSum {
  const sum = { tp: 0, fp: 0, positives: 0 };
  for (const one of counts) {
    for (const c of label === null ? one.tp.keys() : [label]) {
      sum.tp += one.tp[c];
      sum.fp += one.fp[c];
      sum.positives += one.positives[c];
    }
  }
  return sum;
}

/** Number of targets of each class, without ignored ones. */
export function positives(truth: Targets, numClasses: number): Uint32Array {
  const number = new Uint32Array(numClasses);
  for (let j = 0; j < truth.count; j++) number[truth.labels[j]] += 1 - truth.ignore[j];
  return number;
}

/** Indices of the targets, without ignored ones, that no shown detection took. */
export function missed(truth: Targets, outcome: Outcome, shown: Int32Array): Int32Array {
  const left = truth.ignore.map((ignore) => 1 - ignore);
  for (const i of shown) if (outcome.taken[i] >= 0) left[outcome.taken[i]] = 0;
  return Int32Array.from(left.keys()).filter((j) => left[j] === 1);
}
