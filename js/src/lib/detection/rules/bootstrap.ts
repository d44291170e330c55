// Bootstrap band of a metric: the images are sampled with replacement.

import type { Average } from "../../core/metrics";
import { type DetectionMetric, metricOf } from "./detection_metrics";
import type { CountTable } from "./detection_tally";

export interface Band {
  /** The 5 % quantile, (S,). */
  low: Float64Array;
  /** The 95 % quantile, (S,). */
  high: Float64Array;
}

/** The metric at every score stop, (S,), with each image counted so many times. */
type Measure = (times: Uint32Array) => Float64Array;

/**
 * The band of a metric at every score stop; undefined samples are left out.
 *
 * @param classes for each class the counts of each image, from `imagesAt`; for the band of one
 *   class that class alone, and "micro".
 */
export function bootstrap(
  classes: readonly CountTable[],
  name: DetectionMetric,
  how: Average,
  zeroDivision: number,
  draws = 200,
  seed = 0,
): Band {
  const { numGroups: numImages, numScores } = classes[0];
  const of = (tp: number, fp: number, positives: number) =>
    metricOf(name, tp, fp, positives, zeroDivision);
  const measure = how === "macro" ? meanOfClasses(classes, of) : measureOf(sumOf(classes), how, of);
  const random = mulberry32(seed);
  const values = new Float64Array(numScores * draws);
  for (let draw = 0; draw < draws; draw++) {
    const times = new Uint32Array(numImages);
    for (let i = 0; i < numImages; i++) times[Math.floor(random() * numImages)]++;
    measure(times).forEach((value, s) => {
      values[s * draws + draw] = value;
    });
  }
  const sorted = Array.from({ length: numScores }, (_, s) =>
    values
      .subarray(s * draws, (s + 1) * draws)
      .filter((v) => !Number.isNaN(v))
      .sort(),
  );
  return {
    low: Float64Array.from(sorted, (row) => quantile(row, 0.05)),
    high: Float64Array.from(sorted, (row) => quantile(row, 0.95)),
  };
}

type MetricOf = (tp: number, fp: number, positives: number) => number;

function measureOf(images: CountTable, how: "micro" | "image", of: MetricOf): Measure {
  return how === "image" ? meanOfImages(images, of) : (times) => drawn(images, times, of).values;
}

/** The mean over the sampled images. */
function meanOfImages({ tp, fp, positives, numScores }: CountTable, of: MetricOf): Measure {
  const values = Float64Array.from(tp, (v, cell) =>
    of(v, fp[cell], positives[Math.floor(cell / numScores)]),
  );
  return (times) => {
    const total = new Float64Array(numScores);
    const number = new Uint32Array(numScores);
    for (let i = 0; i < times.length; i++) {
      for (let s = 0; s < numScores && times[i] > 0; s++) {
        const value = values[i * numScores + s];
        if (Number.isNaN(value)) continue;
        total[s] += times[i] * value;
        number[s] += times[i];
      }
    }
    return total.map((sum, s) => sum / number[s]);
  };
}

/** The mean over the classes with targets in the sampled images. */
function meanOfClasses(classes: readonly CountTable[], of: MetricOf): Measure {
  const somewhere = classes.filter((table) => table.positives.some((number) => number > 0));
  return (times) => {
    const total = new Float64Array(classes[0].numScores);
    const number = new Uint32Array(total.length);
    for (const table of somewhere) {
      const { values, positives } = drawn(table, times, of);
      for (let s = 0; s < total.length && positives > 0; s++) {
        if (Number.isNaN(values[s])) continue;
        total[s] += values[s];
        number[s]++;
      }
    }
    return total.map((sum, s) => sum / number[s]);
  };
}

/** The metric of the summed counts of the sampled images, and their number of targets. */
function drawn(table: CountTable, times: Uint32Array, of: MetricOf) {
  const { numScores } = table;
  const tp = new Float64Array(numScores);
  const fp = new Float64Array(numScores);
  let positives = 0;
  for (let i = 0; i < times.length; i++) {
    positives += times[i] * table.positives[i];
    for (let s = 0; s < numScores && times[i] > 0; s++) {
      tp[s] += times[i] * table.tp[i * numScores + s];
      fp[s] += times[i] * table.fp[i * numScores + s];
    }
  }
  return { positives, values: tp.map((v, s) => of(v, fp[s], positives)) };
}

/** The sum over the classes of each image. */
function sumOf(classes: readonly CountTable[]): CountTable {
  const sum = (name: "tp" | "fp" | "positives") =>
    classes[0][name].map((_, cell) => classes.reduce((total, t) => total + t[name][cell], 0));
  return { ...classes[0], tp: sum("tp"), fp: sum("fp"), positives: sum("positives") };
}

/** A quantile of sorted numbers, linearly interpolated; NaN for none. */
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
