// The best stop of a plateau, by the rule of src/torchdial/sweeps/plateau.py.

export interface LongestRun {
  start: number;
  length: number;
}

/** The longest run of chosen positions, of equal ones the first. */
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

/** The middle position of a run; the lower one of two. */
export function lowerMiddle({ start, length }: LongestRun): number {
  return start + ((length - 1) >> 1);
}
