// Which detections are drawn at a setting, as `detect` in src/torchdial/sweeps/boxes/detect.py.

import { type Detections, keptAt } from "./image_decisions";

export interface DetectionSetting {
  /** Boxes above this score are shown, unless their class has its own threshold. */
  score: number;
  /** Index of the NMS stop. */
  stop: number;
  /** Own thresholds of classes; [] or null where the common one holds. */
  own: readonly (number | null)[];
  maxDet: number;
}

/** Indices of the kept detections above their threshold, at most `maxDet` by score. */
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
