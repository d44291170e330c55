// How many detections are drawn at every NMS stop: the track of its dial.

import type { Found } from "./scene";
import type { Setting } from "./shown";

/** Detections of all images, or of one class of them, at each NMS stop and an otherwise fixed setting. */
export function keptCounts(
  images: readonly Found[],
  { score, own, maxDet }: Omit<Setting, "stop">,
  numStops: number,
  label: number | null,
): Float64Array {
  const counts = new Float64Array(numStops);
  const lowest = Math.fround(Math.min(score, ...own.filter((t) => t !== null)));
  for (const { count, scores, labels, kept, bytesPerRow } of images) {
    const left = new Float64Array(numStops).fill(maxDet);
    for (let i = 0; i < count && scores[i] > lowest; i++) {
      if (!(scores[i] > Math.fround(own[labels[i]] ?? score))) continue;
      const counted = Number(label === null || labels[i] === label);
      for (let k = 0; k < numStops; k++) {
        const bit = (kept[i * bytesPerRow + (k >> 3)] >> (k & 7)) & 1;
        if (bit === 0 || left[k] === 0) continue;
        left[k]--;
        counts[k] += counted;
      }
    }
  }
  return counts;
}
