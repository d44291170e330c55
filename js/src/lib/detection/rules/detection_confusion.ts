// The confusion matrix at a setting, as `confuse` in src/torchdial/sweeps/boxes/detection_setting.py.

import { missed } from "./detection_counts";
import type { Scene } from "./image_decisions";
import { FALSE, IGNORED, type Outcome } from "./matching";

/** An image at one setting. */
export interface DecidedImage extends Scene {
  outcome: Outcome;
  shown: Int32Array;
}

/** Something that the confusion matrix counts: a detection, a target, or both. */
export interface CountedBox {
  /** The class of the target, C for the background. */
  truth: number;
  /** The class of the detection, C for a missed target. */
  predicted: number;
  /** Index of the detection, -1 for none. */
  detection: number;
  /** Index of the target, -1 for none. */
  target: number;
}

/**
 * What the matrix counts in an image. Matches within a class come first; then, in score order, each
 * false positive takes the best free target of another class.
 */
export function countedBoxes(image: DecidedImage, numClasses: number): CountedBox[] {
  const { found, truth, outcome, shown } = image;
  const other = confused(image);
  const counted: CountedBox[] = [];
  for (const detection of shown) {
    if (outcome.state[detection] === IGNORED) continue;
    const target = outcome.taken[detection] >= 0 ? outcome.taken[detection] : other[detection];
    const row = target >= 0 ? truth.labels[target] : numClasses;
    counted.push({ truth: row, predicted: found.labels[detection], detection, target });
  }
  const taken = new Set(other);
  for (const target of missed(truth, outcome, shown)) {
    if (taken.has(target)) continue;
    counted.push({
      truth: truth.labels[target],
      predicted: numClasses,
      detection: -1,
      target,
    });
  }
  return counted;
}

/** The confusion matrix, (C + 1, C + 1): rows are targets, columns detections, the last of each the background. */
export function confusion(images: readonly DecidedImage[], numClasses: number): Uint32Array {
  const size = numClasses + 1;
  const cells = new Uint32Array(size * size);
  for (const image of images) {
    for (const { truth, predicted } of countedBoxes(image, numClasses)) {
      cells[truth * size + predicted]++;
    }
  }
  return cells;
}

/** For each detection the index of the target of another class that it is confused with, or -1. */
export function confused({ found, truth, pairs, outcome, shown }: DecidedImage): Int32Array {
  const result = new Int32Array(found.count).fill(-1);
  const searching = new Uint8Array(found.count);
  const free = new Uint8Array(truth.count);
  for (const i of shown) searching[i] = Number(outcome.state[i] === FALSE);
  for (const j of missed(truth, outcome, shown)) free[j] = 1;
  for (let p = 0; p < pairs.detection.length; p++) {
    const [i, j] = [pairs.detection[p], pairs.target[p]];
    if (!searching[i] || !free[j] || found.labels[i] === truth.labels[j]) continue;
    result[i] = j;
    searching[i] = free[j] = 0;
  }
  return result;
}
