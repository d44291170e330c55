// Bootstrap band of a metric: the images are sampled with replacement.

import type { Average } from "../../core/metrics";
import { type DetectionMetric, metricAtStops, pooled } from "./detection_metrics";
import type { StopCounts } from "./detection_tally";

export interface Band {
  /** The 5 % quantile, (S,). */
  low: Float64Array;
  /** The 95 % quantile, (S,). */
  high: Float64Array;
}

/**
 * The band of a metric at every score stop; undefined samples are left out.
 *
 * @param classes for each class the counts of each image, from `imagesAt`; for the band of one
 *   class that class alone, and "micro".
 */
export function bootstrap(
  classes: readonly (readonly StopCounts[])[],
  name: DetectionMetric,
  how: Average,
  zeroDivision: number,
  draws = 200,
  seed = 0,
): Band {
  const random = mulberry32(seed);
  const images = classes[0].map((_, image) => pooled(classes.map((of) => of[image])));
  const parts = how === "macro" ? classes : [images];
  const values = Array.from({ length: draws }, () => {
    const drawn = images.map(() => Math.floor(random() * images.length));
    const sample = {
      classes: parts.map((of) => pooled(drawn.map((image) => of[image]))),
      images: drawn.map((image) => images[image]),
    };
    return metricAtStops(sample, name, how, null, zeroDivision);
  });
  const sorted = Array.from(images[0].tp, (_, s) =>
    Float64Array.from(values, (of) => of[s])
      .filter((value) => !Number.isNaN(value))
      .sort(),
  );
  const band = (share: number) => Float64Array.from(sorted, (row) => quantile(row, share));
  return { low: band(0.05), high: band(0.95) };
}

/** A quantile of sorted numbers, linearly interpolated; NaN for none. */
function quantile(sorted: Float64Array, share: number): number {
  const place = share * (sorted.length - 1);
  const low = Math.floor(place);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low] + (place - low) * (sorted[high] - sorted[low]);
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
