// The best point of both dials; `choose` in src/torchdial/sweeps/boxes/detection_setting.py.

import { longestRun, lowerMiddle } from "../../core/plateau";

export interface BestSetting {
  /** Index of the NMS stop. */
  stop: number;
  /** Index of the score stop. */
  score: number;
}

/**
 * Where values (T, S) are highest. Over a plateau the NMS stops with the longest run of score
 * stops, of these the lower middle of the longest run, and there the lower middle of its run.
 */
export function bestSetting(values: Float64Array, numScores: number): BestSetting | null {
  const top = values.reduce((most, v) => (v > most ? v : most), -Infinity);
  if (top === -Infinity) return null;
  const rows = values.length / numScores;
  const runs = Array.from({ length: rows }, (_, k) =>
    longestRun(numScores, (s) => values[k * numScores + s] === top),
  );
  const longest = Math.max(...runs.map((run) => run.length));
  const stop = lowerMiddle(longestRun(rows, (k) => runs[k].length === longest));
  return { stop, score: lowerMiddle(runs[stop]) };
}
