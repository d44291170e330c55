// The number of detections drawn at every NMS stop, recomputed whenever a dial moves.

import type { DetectionSetting } from "./boxes_shown";
import type { Detections } from "./image_decisions";

/** The lower and the upper four bits of a byte, each spread to a whole byte. */
const LOWER_BITS = Uint32Array.from({ length: 256 }, (_, byte) => spread(byte));
const UPPER_BITS = LOWER_BITS.map((_, byte) => spread(byte >> 4));
const MOST_ROWS = 255; // the largest count of a byte

function spread(bits: number): number {
  return [0, 1, 2, 3].reduce((word, k) => word | (((bits >> k) & 1) << (8 * k)), 0) >>> 0;
}

/** Number of detections of all images, or of one class among them, at each NMS stop. */
export function keptCounts(
  images: readonly Detections[],
  { score, own, maxDet }: Omit<DetectionSetting, "stop">,
  numStops: number,
  label: number | null,
): Float64Array {
  const counts = new Float64Array(numStops);
  const lowest = Math.fround(Math.min(score, ...own.filter((t) => t !== null)));
  for (const found of images) {
    const { count, scores, labels } = found;
    const above: number[] = [];
    for (let i = 0; i < count && scores[i] > lowest; i++) {
      if (scores[i] > Math.fround(own[labels[i]] ?? score)) above.push(i);
    }
    if (above.length === 0) continue;
    const all = sumOfBits(found, above);
    const ofClass = label === null ? all : ofLabel(found, above, all, label, maxDet);
    for (let k = 0; k < numStops; k++) counts[k] += Math.min(ofClass[k], maxDet);
  }
  return counts;
}

/** Counts of one class among the first `maxDet` of all classes. */
function ofLabel(
  found: Detections,
  above: readonly number[],
  all: Uint32Array,
  label: number,
  maxDet: number,
): Uint32Array {
  const { labels, kept, bytesPerRow } = found;
  if (all.every((count) => count <= maxDet)) {
    return sumOfBits(
      found,
      above.filter((i) => labels[i] === label),
    );
  }
  const left = new Float64Array(all.length).fill(maxDet);
  const counts = new Uint32Array(all.length);
  for (const i of above) {
    for (let k = 0; k < all.length; k++) {
      const bit = (kept[i * bytesPerRow + (k >> 3)] >> (k & 7)) & 1;
      if (bit === 0 || left[k] === 0) continue;
      left[k]--;
      counts[k] += Number(labels[i] === label);
    }
  }
  return counts;
}

/** How many of these detections NMS keeps at each stop; one addition counts four stops. */
function sumOfBits({ kept, bytesPerRow }: Detections, rows: readonly number[]): Uint32Array {
  const counts = new Uint32Array(8 * bytesPerRow);
  const words = new Uint32Array(2 * bytesPerRow);
  const bytes = new Uint8Array(words.buffer); // hosts are little-endian
  for (let start = 0; start < rows.length; start += MOST_ROWS) {
    words.fill(0);
    const end = Math.min(start + MOST_ROWS, rows.length);
    for (let r = start; r < end; r++) {
      const row = rows[r] * bytesPerRow;
      for (let b = 0; b < bytesPerRow; b++) {
        const byte = kept[row + b];
        words[2 * b] += LOWER_BITS[byte];
        words[2 * b + 1] += UPPER_BITS[byte];
      }
    }
    for (let k = 0; k < counts.length; k++) counts[k] += bytes[k];
  }
  return counts;
}
