// The best stop over a plateau; src/torchdial/sweeps/plateau.py has the same rule.

export interface LongestRun {
  start: number;
  length: number;
}

/** The first of the longest runs of chosen positions. */
export function longestRun(size: number, isChosen: (i: number) => boolean): LongestRun {
  let longest = { start: 0, length: 0 };
  let start = 0;
  for (let i = 0; i <= size; i++) {
    if (i < size && isChosen(i)) continue;
    if (i - start > longest.length) longest = { start, length: i - start };
    start = i + 1;
  }
  return longest;
}

/** The position in the middle of a run, of two the lower one. */
export function lowerMiddle({ start, length }: LongestRun): number {
  return start + ((length - 1) >> 1);
}
