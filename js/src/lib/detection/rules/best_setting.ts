// The best setting of both dials, as `choose` in src/torchdial/sweeps/boxes/detection_setting.py.

import { longestRun, lowerMiddle } from "../../core/plateau";

export interface BestSetting {
  /** Index of the NMS stop. */
  stop: number;
  /** Index of the score stop. */
  score: number;
}

/**
 * Position of the highest of values (T, S). Of a plateau, take the NMS stops with the longest run of
 * score stops, of these the lower middle of their longest run, and there the lower middle of its run.
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
