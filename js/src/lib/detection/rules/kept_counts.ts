// The number of detections drawn at every NMS stop, recomputed whenever the score dial moves.

import type { DetectionSetting } from "./boxes_shown";
import type { Detections } from "./image_decisions";

/** Number of detections of all images, or of one class among them, at each NMS stop. */
export function keptCounts(
  images: readonly Detections[],
  { score, own, maxDet }: Omit<DetectionSetting, "stop">,
  numStops: number,
  label: number | null,
): Float64Array {
  const counts = new Float64Array(numStops);
  for (const { count, scores, labels, kept, bytesPerRow } of images) {
    const all = new Uint32Array(numStops);
    for (let i = 0; i < count; i++) {
      if (!(scores[i] > Math.fround(own[labels[i]] ?? score))) continue;
      const isCounted = Number(label === null || labels[i] === label);
      const row = i * bytesPerRow;
      for (let k = 0; k < numStops; k++) {
        const bit = (kept[row + (k >> 3)] >> (k & 7)) & Number(all[k] < maxDet);
        all[k] += bit;
        counts[k] += bit & isCounted;
      }
    }
  }
  return counts;
}
