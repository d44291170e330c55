// The confusion matrix at a setting, as `confuse` in src/torchdial/sweeps/boxes/detection_setting.py.

import { missed } from "./detection_counts";
import type { Scene } from "./image_decisions";
import { FALSE, IGNORED, type Outcome } from "./matching";

/** An image at one setting. */
export interface DecidedImage extends Scene {
  outcome: Outcome;
  shown: Int32Array;
}

/**
 * Detections and missed targets as (C + 1, C + 1): rows are targets, columns detections, the last of
 * each is the background. Matches within a class come first; then, in score order, each false
 * positive takes the best free target of another class.
 */
export function confusion(images: readonly DecidedImage[], numClasses: number): Uint32Array {
  const size = numClasses + 1;
  const cells = new Uint32Array(size * size);
  for (const image of images) {
    const { found, truth, outcome, shown } = image;
    const other = confused(image);
    for (const i of shown) {
      if (outcome.state[i] === IGNORED) continue;
      const target = outcome.taken[i] >= 0 ? outcome.taken[i] : other[i];
      const row = target >= 0 ? truth.labels[target] : numClasses;
      cells[row * size + found.labels[i]]++;
    }
    const taken = new Set(other);
    for (const j of missed(truth, outcome, shown)) {
      if (!taken.has(j)) cells[truth.labels[j] * size + numClasses]++;
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
