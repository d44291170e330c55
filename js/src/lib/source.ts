// One model under the dial: its counts over the shown images and over the dial's track.

import { type Average, average, bestStop, type Counts, type Metric, range } from "./metrics";
import { type Config, countsOf, float64Of, type WireSource, type WireTally } from "./wire";

/** Counts of a set of images. */
export interface Tally {
  totalImages: number;
  counts: Counts;
  argmaxCounts: Counts | null;
  joint: Float64Array | null;
}

export interface Source {
  name: string;
  /** The shown images; null without targets. */
  shown: Tally | null;
  /** What the dial's track stands for: the given curves, or the shown images. */
  track: Tally | null;
  histogram: Float64Array;
}

export function readTally(wire: WireTally): Tally {
  return {
    totalImages: wire.total_images,
    counts: countsOf(wire.counts),
    argmaxCounts: wire.argmax_counts && countsOf(wire.argmax_counts),
    joint: wire.joint && float64Of(wire.joint),
  };
}

export function readSource(name: string, wire: WireSource, curves: WireTally | null): Source {
  const shown = wire.tally && readTally(wire.tally);
  return {
    name,
    shown,
    track: curves ? readTally(curves) : shown,
    histogram: float64Of(wire.histogram),
  };
}

/** Which numbers are meant: one class, or all of them (null). */
export class Scope {
  readonly classes: number[];

  constructor(
    private readonly config: Config,
    readonly shown: number | null,
  ) {
    this.classes = shown === null ? range(config.class_names.length) : [shown];
  }

  /** All classes of a multiclass task go by the argmax rule. */
  countsIn(tally: Tally): Counts {
    return this.shown === null && tally.argmaxCounts ? tally.argmaxCounts : tally.counts;
  }

  metric(tally: Tally, metric: Metric, at: readonly number[], how: Average = this.config.average) {
    const { zero_division: zeroDivision } = this.config;
    return average(this.countsIn(tally), metric, how, at, this.classes, zeroDivision);
  }

  /** A metric at every stop, all classes at the same one. */
  curve(tally: Tally, metric: Metric): number[] {
    const everywhere = range(this.config.class_names.length);
    return this.config.stops.map((_, k) =>
      this.metric(
        tally,
        metric,
        everywhere.map(() => k),
      ),
    );
  }

  best(tally: Tally, metric: Metric): number {
    return bestStop(this.curve(tally, metric));
  }

  /** Pixels at each level, T + 1 of them. */
  histogram(source: Source): Float64Array {
    const bins = this.config.stops.length + 1;
    const row = (i: number) => source.histogram.subarray(i * bins, (i + 1) * bins);
    if (this.shown !== null) return row(this.shown);
    if (this.config.task === "multiclass") return row(this.config.class_names.length);
    const sum = new Float64Array(bins);
    for (const c of this.classes)
      row(c).forEach((count, level) => {
        sum[level] += count;
      });
    return sum;
  }
}
