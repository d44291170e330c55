// Which images a cell of a confusion matrix counts, and in which order they are shown, as
// src/torchdial/sweeps/image_choice.py. The background is the number of classes.

import { range } from "./metrics";

/** Any class, or the background. */
export const ANY = -1;

/** Each class by itself, where classes are counted against the rest and pooled. */
export const EACH = -2;

export const is = (value: number, wanted: number): boolean => wanted === ANY || value === wanted;

/** The images whose count is not zero, the highest count first. */
export function mostFirst(counts: ArrayLike<number>): number[] {
  const counted = range(counts.length).filter((i) => counts[i] > 0);
  return counted.sort((a, b) => counts[b] - counts[a] || a - b);
}

/** The images whose count is not zero by ascending value, those with NaN last. */
export function worstFirst(values: ArrayLike<number>, counts: ArrayLike<number>): number[] {
  const key = (i: number) => (Number.isNaN(values[i]) ? Number.POSITIVE_INFINITY : values[i]);
  const counted = range(counts.length).filter((i) => counts[i] > 0);
  // The difference of two infinities is NaN.
  return counted.sort((a, b) => Number(key(a) > key(b)) - Number(key(a) < key(b)) || a - b);
}
