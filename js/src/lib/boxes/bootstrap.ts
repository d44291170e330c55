// How far a metric would move with other images: drawn with replacement from those at hand.

import type { Average } from "../metrics";
import { type DetectionMetric, metricOf } from "./metric";
import type { Table } from "./tally";

export interface Band {
  /** 5 % of the draws lie below, (S,). */
  low: Float64Array;
  /** 5 % lie above, (S,). */
  high: Float64Array;
}

/**
 * The band of a metric at every score stop.
 *
 * @param classes for each class the counts of each image, from `imagesAt`; of one class alone for
 *   the band of that class.
 */
export function bootstrap(
  classes: readonly Table[],
  name: DetectionMetric,
  how: Average,
  zeroDivision: number,
  draws = 200,
  seed = 0,
): Band {
  const tables = how === "macro" ? classes : [sumOf(classes)];
  const { numGroups: numImages, numScores } = tables[0];
  const random = mulberry32(seed);
  const times = new Uint32Array(numImages);
  const values = new Float64Array(draws * numScores);
  for (let draw = 0; draw < draws; draw++) {
    times.fill(0);
    for (let i = 0; i < numImages; i++) times[Math.floor(random() * numImages)]++;
    for (let s = 0; s < numScores; s++) {
      const mean = how === "image" ? meanOfImages : meanOfClasses;
      values[s * draws + draw] = mean(tables, times, s, name, zeroDivision);
    }
  }
  const rows = Array.from({ length: numScores }, (_, s) =>
    values
      .subarray(s * draws, (s + 1) * draws)
      .filter((v) => !Number.isNaN(v))
      .sort(),
  );
  return {
    low: Float64Array.from(rows, (row) => quantile(row, 0.05)),
    high: Float64Array.from(rows, (row) => quantile(row, 0.95)),
  };
}

function sumOf(tables: readonly Table[]): Table {
  const sum = (name: "tp" | "fp" | "positives") =>
    tables[0][name].map((_, cell) => tables.reduce((total, t) => total + t[name][cell], 0));
  return { ...tables[0], tp: sum("tp"), fp: sum("fp"), positives: sum("positives") };
}

/** The mean over the classes present of what is pooled over the images drawn. */
function meanOfClasses(
  tables: readonly Table[],
  times: Uint32Array,
  s: number,
  name: DetectionMetric,
  zeroDivision: number,
): number {
  let [total, number] = [0, 0];
  for (const table of tables) {
    let [tp, fp, positives] = [0, 0, 0];
    for (let i = 0; i < times.length; i++) {
      const cell = i * table.numScores + s;
      tp += times[i] * table.tp[cell];
      fp += times[i] * table.fp[cell];
      positives += times[i] * table.positives[i];
    }
    const value = metricOf(name, tp, fp, positives, zeroDivision);
    if (Number.isNaN(value) || (tables.length > 1 && positives === 0)) continue;
    total += value;
    number++;
  }
  return total / number;
}

/** The mean over the images drawn. */
function meanOfImages(
  [table]: readonly Table[],
  times: Uint32Array,
  s: number,
  name: DetectionMetric,
  zeroDivision: number,
): number {
  let [total, number] = [0, 0];
  for (let i = 0; i < times.length; i++) {
    const cell = i * table.numScores + s;
    const value = metricOf(name, table.tp[cell], table.fp[cell], table.positives[i], zeroDivision);
    if (Number.isNaN(value)) continue;
    total += times[i] * value;
    number += times[i];
  }
  return total / number;
}

/** A quantile of sorted numbers, between the two nearest; NaN of none. */
function quantile(sorted: Float64Array, share: number): number {
  const place = share * (sorted.length - 1);
  const low = Math.floor(place);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted.length === 0 ? NaN : sorted[low] + (place - low) * (sorted[high] - sorted[low]);
}

/** Random numbers in [0, 1), the same for the same seed. */
export function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
