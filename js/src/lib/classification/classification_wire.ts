// The traits of a classification preview; src/torchdial/widgets/preview/classification_packing.py
// writes them.

import { type Bytes, bytesOf, float32Of, float64Of, uint32Of } from "../core/bytes";
import { range } from "../core/metrics";
import { countsOf, type PreviewTraits } from "../preview/preview_wire";
import type { WireTally } from "../segmentation/segmentation_wire";
import type { Costs, SampleCounts, Task } from "./classification_metrics";

/** The traits of src/torchdial/widgets/preview/classification_dial.py. */
export interface ClassificationTraits extends PreviewTraits {
  threshold: number;
  class_thresholds: (number | null)[];
  label: number | null;
  _config: ClassificationConfig;
  _frame: { version: number; sources: WireSamples[] };
}

/** The trait `_config`, which is constant. */
export interface ClassificationConfig {
  task: Task;
  class_names: string[];
  stops: number[];
  /** Number of samples. */
  num_images: number;
  /** Number of pictures in a report, where some were left out. */
  in_file?: number;
  height: number;
  width: number;
  channels: number;
  average: "micro" | "macro";
  costs: Costs;
  views: string[];
  has_pictures: boolean;
  page_size: number;
  initial_threshold: number;
  initial_class_thresholds: (number | null)[];
  sources: string[];
}

interface WireTable {
  histogram: Bytes;
  sums: Bytes;
  tp: Bytes;
  fp: Bytes;
  roc_auc: number | null;
  average_precision: number | null;
}

interface WireSamples {
  /** Of each class, and for several classes a last one of all. */
  tables: WireTable[];
  tally: WireTally;
  /** Indices of the listed samples, uint32 (L,). */
  listed: Bytes;
  /** Of each class, for multiclass a last row of the highest; float32 (R, L). */
  scores: Bytes;
  /** Labels, uint8 (L,), or for multilabel 0 and 1, (C, L); 255 where ignored. */
  labels: Bytes;
  /** For multiclass the class of the highest score, uint8 (L,). */
  argmax: Bytes | null;
  texts: string[] | null;
}

/** The scores of a class against the rest; see ScoreTable in classification_frame.py. */
export interface ScoreTable {
  negatives: Float64Array;
  positives: Float64Array;
  sums: Float64Array;
  tp: Float64Array;
  fp: Float64Array;
  rocAuc: number;
  averagePrecision: number;
}

/** The samples that a page lists, by their place in the list. */
export interface Samples {
  task: Task;
  /** Their indices. */
  index: Uint32Array;
  scores: Float32Array[];
  /** One row of labels, or one a class for multilabel. */
  labels: Uint8Array[];
  argmax: Uint8Array | null;
  texts: string[] | null;
  /** The place of a sample in the list, -1 for none. */
  placeOf(sample: number): number;
}

export interface Classification {
  counts: SampleCounts;
  /** Pixels over (target, argmax) whose maximum has at least each level, (C, C, T + 1). */
  joint: Float64Array | null;
  tables: ScoreTable[];
  samples: Samples;
}

export function readClassification(
  config: ClassificationConfig,
  wire: WireSamples,
): Classification {
  const { task, average, costs } = config;
  const { tally } = wire;
  return {
    counts: {
      task,
      average,
      costs,
      counts: countsOf(tally.counts),
      argmaxCounts: tally.argmax_counts && countsOf(tally.argmax_counts),
    },
    joint: tally.joint && float64Of(tally.joint),
    tables: wire.tables.map(readTable),
    samples: readSamples(config, wire),
  };
}

function readTable(wire: WireTable): ScoreTable {
  const histogram = float64Of(wire.histogram);
  const bins = histogram.length / 2;
  return {
    negatives: histogram.subarray(0, bins),
    positives: histogram.subarray(bins),
    sums: float64Of(wire.sums),
    tp: float64Of(wire.tp),
    fp: float64Of(wire.fp),
    rocAuc: wire.roc_auc ?? Number.NaN,
    averagePrecision: wire.average_precision ?? Number.NaN,
  };
}

function readSamples(config: ClassificationConfig, wire: WireSamples): Samples {
  const all = uint32Of(wire.listed);
  const index = config.in_file === undefined ? all : all.slice(0, config.in_file);
  const rowsOf = <Row extends Float32Array | Uint8Array>(values: Row) =>
    range(values.length / all.length).map(
      (r) => values.subarray(r * all.length, r * all.length + index.length) as Row,
    );
  const places = new Int32Array(config.num_images).fill(-1);
  index.forEach((sample, place) => {
    places[sample] = place;
  });
  return {
    task: config.task,
    index,
    scores: rowsOf(float32Of(wire.scores)),
    labels: rowsOf(bytesOf(wire.labels)),
    argmax: wire.argmax && bytesOf(wire.argmax),
    texts: wire.texts,
    placeOf: (sample) => places[sample] ?? -1,
  };
}
