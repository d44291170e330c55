// The counts of one model: over the shown images, and for the curve on the dial's track.

import { float64Of, uint32Of } from "../core/bytes";
import {
  average,
  bestStop,
  type CountSum,
  evaluate,
  type PixelCounts,
  type PixelMetric,
  pool,
  range,
} from "../core/metrics";
import { countsOf } from "../preview/preview_wire";
import type { ImageConfusion } from "./image_confusion";
import type { SegmentationConfig, WireNumbers, WireTally } from "./segmentation_wire";

/** Counts of a set of images. */
export interface PixelTally {
  totalImages: number;
  counts: PixelCounts;
  argmaxCounts: PixelCounts | null;
  joint: Float64Array | null;
  /** Metric curves computed so far. */
  curves: Map<string, number[]>;
}

export interface ModelCounts {
  name: string;
  /** The shown images; null without targets. */
  shown: PixelTally | null;
  /** Counts of the dial's track: those of the given curves, or else of the shown images. */
  track: PixelTally | null;
  histogram: Float64Array;
  /** Pixels of each image at each level, (N, R, T + 1). */
  histograms: Uint32Array | null;
  confusion: ImageConfusion | null;
}

const DAMAGED = "torchdial: the kernel sent too few numbers";

const talliesRead = new WeakMap<WireTally, PixelTally>(); // curves stay the same over many frames

function readTally(wire: WireTally): PixelTally {
  const known = talliesRead.get(wire);
  if (known) return known;
  const tally = {
    totalImages: wire.total_images,
    counts: countsOf(wire.counts),
    argmaxCounts: wire.argmax_counts && countsOf(wire.argmax_counts),
    joint: wire.joint && float64Of(wire.joint),
    curves: new Map(),
  };
  talliesRead.set(wire, tally);
  return tally;
}

/** Read the counts of model `i`; throws if numbers are missing. */
export function readModelCounts(
  { sources, class_names: names, stops, task, num_images: numImages }: SegmentationConfig,
  i: number,
  wire: WireNumbers,
  curves: WireTally | null,
): ModelCounts {
  const tallies = [wire.tally, curves].map((tally) => tally && readTally(tally));
  for (const tally of tallies) {
    if (tally && tally.counts.numStops !== stops.length) throw new Error(DAMAGED);
  }
  const [shown, given] = tallies;
  const histogram = float64Of(wire.histogram);
  if (histogram.length < names.length * (stops.length + 1)) throw new Error(DAMAGED);
  const histograms = wire.histograms && uint32Of(wire.histograms);
  const rows = names.length + Number(task === "multiclass");
  if (histograms && histograms.length !== numImages * rows * (stops.length + 1)) {
    throw new Error(DAMAGED);
  }
  const confusion = wire.confusion && {
    cells: uint32Of(wire.confusion.cells),
    pixels: uint32Of(wire.confusion.pixels),
    numImages,
    numClasses: names.length,
    numStops: stops.length,
  };
  if (confusion && confusion.cells.length !== confusion.pixels.length) throw new Error(DAMAGED);
  return { name: sources[i], shown, track: given ?? shown, histogram, histograms, confusion };
}

/** The classes that numbers are computed over: one, or all of them (null). */
export class Scope {
  readonly classes: number[];
  readonly shown: number | null;
  readonly #config: SegmentationConfig;
  readonly #empty: number;

  constructor(config: SegmentationConfig, shown: number | null) {
    this.#empty = config.zero_division ?? Number.NaN;
    this.#config = config;
    this.shown = shown;
    const averaged = range(config.class_names.length).slice(
      config.include_background === false ? 1 : 0,
    );
    this.classes = shown === null ? averaged : [shown];
  }

  metric(tally: PixelTally, metric: PixelMetric, at: readonly number[]): number {
    return average(
      this.countsIn(tally),
      metric,
      this.#config.average,
      at,
      this.classes,
      this.#empty,
    );
  }

  /** A metric of one image, its classes pooled. */
  imageMetric(
    tally: PixelTally,
    metric: PixelMetric,
    at: readonly number[],
    image: number,
  ): number {
    if (!this.isByImage(tally)) return Number.NaN;
    return evaluate(metric, this.pixels(tally, at, image), this.#empty);
  }

  /** What there is to find, and what was found besides: pixels of all images, or of one. */
  pixels(tally: PixelTally, at: readonly number[], image?: number): CountSum {
    const counts = this.countsIn(tally);
    const images = image === undefined ? range(counts.numImages) : [image];
    return pool(counts, at, images, this.classes);
  }

  /** Whether counts are kept of each image. */
  isByImage({ counts, totalImages }: PixelTally): boolean {
    return counts.numImages === totalImages;
  }

  /** A metric at every stop, the same for all classes; undefined where nothing is to be found. */
  curve(tally: PixelTally, metric: PixelMetric): number[] {
    const key = `${metric}/${this.shown}`;
    const known = tally.curves.get(key);
    if (known) return known;
    const { class_names: names, stops } = this.#config;
    const everywhere = (k: number) => names.map(() => k);
    const { positives } = this.pixels(tally, everywhere(0));
    const curve = stops.map((_, k) =>
      positives === 0 ? Number.NaN : this.metric(tally, metric, everywhere(k)),
    );
    tally.curves.set(key, curve);
    return curve;
  }

  /** Index of the best stop; -1 where no stop finds anything. */
  best(tally: PixelTally, metric: PixelMetric): number {
    const curve = this.curve(tally, metric);
    const k = bestStop(curve);
    return k >= 0 && curve[k] > 0 ? k : -1;
  }

  /** Name of the average, and whether it counts the background: "micro without background". */
  get average(): string {
    const { average: how, include_background: all, class_names: names, task } = this.#config;
    if (task !== "multiclass" || this.shown !== null) return how;
    return `${how} ${all === false ? "without" : "with"} ${names[0]}`;
  }

  /** Number of pixels at each level, (T + 1,). */
  histogram(source: ModelCounts): Float64Array {
    const bins = this.#config.stops.length + 1;
    const row = (i: number) => source.histogram.subarray(i * bins, (i + 1) * bins);
    if (this.shown !== null) return row(this.shown);
    if (this.#config.task === "multiclass") return row(this.#config.class_names.length);
    return Float64Array.from({ length: bins }, (_, level) =>
      this.classes.reduce((sum, c) => sum + row(c)[level], 0),
    );
  }

  /** All classes of a multiclass task are counted by the argmax rule. */
  countsIn(tally: PixelTally): PixelCounts {
    return this.shown === null && tally.argmaxCounts ? tally.argmaxCounts : tally.counts;
  }
}
