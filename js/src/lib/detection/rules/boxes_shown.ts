// Which detections are drawn at a setting; `detect` in src/torchdial/sweeps/boxes/detect.py is the rule.

import { type Detections, keptAt } from "./image_decisions";

export interface DetectionSetting {
  /** A box needs a higher score than this, unless its class has a threshold of its own. */
  score: number;
  /** Index of the NMS stop. */
  stop: number;
  /** Thresholds of single classes, [] or null where a class follows. */
  own: readonly (number | null)[];
  maxDet: number;
}

/** Indices of the detections that are kept, above their class's threshold and among the best. */
export function shownBoxes(
  found: Detections,
  { score, stop, own, maxDet }: DetectionSetting,
): Int32Array {
  const chosen = new Int32Array(Math.min(found.count, maxDet));
  let size = 0;
  for (let i = 0; i < found.count && size < chosen.length; i++) {
    const above = found.scores[i] > Math.fround(own[found.labels[i]] ?? score);
    if (above && keptAt(found, stop, i)) chosen[size++] = i;
  }
  return chosen.subarray(0, size);
}
