// How many pixels of each image a number counts, as src/torchdial/sweeps/pixels/image_confusion.py;
// tests/golden/images.json tests both.

import { ANY, is } from "../core/image_choice";
import type { PixelCounts } from "../core/metrics";

/** The cells of (image, target, argmax, level) with pixels, of N images. */
export interface ImageConfusion {
  /** Indices into (N, C, C, T + 1). */
  cells: Uint32Array;
  pixels: Uint32Array;
  numImages: number;
  numClasses: number;
  numStops: number;
}

/**
 * Pixels of each image in a cell of the matrix by argmax, class c at stop `at[c]`. A pixel whose
 * highest probability is not above the threshold of its class is predicted as C.
 */
export function countByArgmax(
  { cells, pixels, numImages, numClasses, numStops }: ImageConfusion,
  at: readonly number[],
  truth: number,
  predicted: number,
): Float64Array {
  const counts = new Float64Array(numImages);
  const bins = numStops + 1;
  for (let m = 0; m < cells.length; m++) {
    const row = Math.floor(cells[m] / bins);
    const label = row % numClasses;
    const found = cells[m] % bins > at[label] ? label : numClasses;
    const rest = Math.floor(row / numClasses);
    if (is(found, predicted) && is(rest % numClasses, truth)) {
      counts[Math.floor(rest / numClasses)] += pixels[m];
    }
  }
  return counts;
}

/**
 * Pixels of each image in a cell of some classes against their rest, pooled; a side is 0 for the
 * class, 1 for the rest, or ANY.
 */
export function countOutcomes(
  counts: PixelCounts,
  at: readonly number[],
  classes: readonly number[],
  truth: number,
  predicted: number,
): Float64Array {
  return Float64Array.from({ length: counts.numImages }, (_, image) => {
    let sum = 0;
    for (const c of classes) {
      const row = image * counts.numClasses + c;
      const [tp, fp] = [counts.tp, counts.fp].map((table) => table[row * counts.numStops + at[c]]);
      const outcomes = [tp, counts.positives[row] - tp, fp, counts.negatives[row] - fp];
      outcomes.forEach((outcome, i) => {
        if (is(i >> 1, truth) && is(i & 1, predicted)) sum += outcome;
      });
    }
    return sum;
  });
}

/** Pixels of each image at the levels from `first` to `last`, of some rows of (N, R, T + 1). */
export function countLevels(
  histograms: Uint32Array,
  numRows: number,
  numStops: number,
  rows: readonly number[],
  [first, last]: readonly [number, number],
): Float64Array {
  const bins = numStops + 1;
  const numImages = histograms.length / (numRows * bins);
  return Float64Array.from({ length: numImages }, (_, image) => {
    let sum = 0;
    for (const row of rows) {
      const start = (image * numRows + row) * bins;
      for (let level = first; level <= last; level++) sum += histograms[start + level];
    }
    return sum;
  });
}

/** Whether a side of a cell of a class against the rest asks for the class, the rest, or ANY. */
export function sideOf(side: number, numClasses: number): number {
  return side === ANY ? ANY : Number(side === numClasses);
}
