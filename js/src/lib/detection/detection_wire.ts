// The traits of a detection preview; src/torchdial/widgets/preview/detection_packing.py writes them.

import { type Bytes, bytesOf, float32Of, float64Of, int32Of, uint16Of } from "../core/bytes";
import { type Average, range } from "../core/metrics";
import type { PreviewTraits, WireTile } from "../preview/preview_wire";
import type { DisplayWindow } from "../preview/window_text";
import type { MatchPairs, Scene, Targets } from "./rules/image_decisions";

export type DetectionView = "boxes" | "errors" | "ghosts";

export interface DetectionTraits extends PreviewTraits {
  score_threshold: number;
  nms_iou: number;
  /** A threshold for each class, null where it follows `score_threshold`; empty when all do. */
  class_thresholds: (number | null)[];
  max_det: number;
  label: number | null;
  view: DetectionView;
  _config: DetectionConfig;
  _targets: WireTargets | null;
  _frame: { version: number; sources: WireDetections[] };
  _curves: (WireCurves | null)[];
}

/** The trait `_config`, which is constant. */
export interface DetectionConfig {
  class_names: string[];
  /** Label of each class in Python; there may be gaps. */
  labels: number[];
  /** Stops of the NMS dial. */
  stops: number[];
  /** Scores at which curves and the map have points. */
  score_stops: number[];
  num_images: number;
  /** Number of images in a report, where some were left out. */
  in_file?: number;
  /** Height and width of each image. */
  sizes: [number, number][];
  /** The largest height and width of all images. */
  height: number;
  width: number;
  channels: number;
  average: Average;
  zero_division: number | null;
  has_targets: boolean;
  page_size: number;
  match_iou: number;
  class_agnostic: boolean;
  /** Whether the boxes come from an NMS, so that the dial can only suppress more. */
  after_nms: boolean;
  window: DisplayWindow;
  sources: string[];
  /** Id of the history whose steps the frames are of, where they are kept. */
  run?: string | null;
  initial: {
    score_threshold: number;
    nms_iou: number;
    class_thresholds: (number | null)[];
    max_det: number;
  };
}

interface WireTargets {
  counts: Bytes;
  boxes: Bytes;
  labels: Bytes;
  /** Bit 0: a crowd; bit 1: ignored. */
  flags: Bytes;
}

export interface WireAp {
  /** At `match_iou`, (T,). */
  match: Bytes;
  /** The mean over 0.50:0.95, (T,). */
  coco: Bytes;
  /** At `match_iou`, (C, T). */
  match_by_class: Bytes;
}

export interface WireDetections {
  counts: Bytes;
  boxes: Bytes;
  scores: Bytes;
  labels: Bytes;
  index: Bytes;
  kept: Bytes;
  pairs: { counts: Bytes; detection: Bytes; target: Bytes; iou: Bytes } | null;
  ap: WireAp | null;
  score_floor: number | null;
  /** Instance masks that are sent with the frame. */
  tiles: WireTile[];
  /** Of each image. */
  has_masks: boolean[];
  /** The lowest NMS stop that keeps every box, null where some are suppressed at all stops. */
  overlap: number | null;
}

/** Curves of a larger set of images; arrays are (T, S) or (C, T, S). */
export interface WireCurves {
  total_images: number;
  overall: { precision: Bytes; recall: Bytes; f1: Bytes };
  tp: Bytes | null;
  fp: Bytes | null;
  positives: Bytes;
  ap: WireAp | null;
}

export interface Ap {
  match: Float64Array;
  coco: Float64Array;
  matchByClass: Float64Array;
}

export function apOf(wire: WireAp | null): Ap | null {
  if (!wire) return null;
  return {
    match: float64Of(wire.match),
    coco: float64Of(wire.coco),
    matchByClass: float64Of(wire.match_by_class),
  };
}

type Numbers = Float32Array | Int32Array | Uint16Array | Uint8Array;

/** The rows of each image of some arrays, with so many numbers a row; throws if numbers are missing. */
function byImage<Columns extends Record<string, Numbers>>(
  wireCounts: Bytes,
  columns: Columns,
  perRow: { [name in keyof Columns]?: number } = {},
): (Columns & { count: number })[] {
  const counts = int32Of(wireCounts);
  const rows = counts.reduce((sum, count) => sum + count, 0);
  for (const [name, { length }] of Object.entries(columns)) {
    const wanted = rows * (perRow[name] ?? 1);
    if (length !== wanted) {
      throw new Error(`torchdial: expected ${wanted} numbers for ${rows} boxes, got ${length}`);
    }
  }
  let end = 0;
  return Array.from(counts, (count) => {
    const start = end;
    end += count;
    const parts = Object.entries(columns).map(([name, numbers]) => {
      const each = perRow[name] ?? 1;
      return [name, numbers.subarray(each * start, each * end)];
    });
    return { count, ...Object.fromEntries(parts) };
  });
}

/** The targets of each image; without targets, empty ones. */
export function readTruths(wire: WireTargets | null, numImages: number): Targets[] {
  if (!wire) {
    const none = new Uint8Array();
    const truth = { count: 0, boxes: new Float32Array(), labels: new Uint16Array() };
    return range(numImages).map(() => ({ ...truth, crowd: none, ignore: none }));
  }
  const flags = bytesOf(wire.flags);
  const columns = {
    boxes: float32Of(wire.boxes),
    labels: uint16Of(wire.labels),
    crowd: flags.map((flag) => flag & 1),
    ignore: flags.map((flag) => (flag >> 1) & 1),
  };
  return byImage(wire.counts, columns, { boxes: 4 });
}

/** One model's detections of each image, with the targets that they may match. */
export function readScenes(
  { counts, boxes, scores, labels, index, kept, pairs }: WireDetections,
  truths: readonly Targets[],
  numStops: number,
): Scene[] {
  const bytesPerRow = Math.ceil(numStops / 8);
  const columns = {
    boxes: float32Of(boxes),
    scores: float32Of(scores),
    labels: uint16Of(labels),
    index: int32Of(index),
    kept: bytesOf(kept),
  };
  const matches = pairs && {
    detection: int32Of(pairs.detection),
    target: int32Of(pairs.target),
    iou: float32Of(pairs.iou),
  };
  const pairsOf = matches && byImage(pairs.counts, matches);
  return byImage(counts, columns, { boxes: 4, kept: bytesPerRow }).map((found, image) => ({
    found: { ...found, bytesPerRow },
    truth: truths[image],
    pairs: pairsOf?.[image] ?? NO_PAIRS,
  }));
}

const NO_PAIRS: MatchPairs = {
  detection: new Int32Array(),
  target: new Int32Array(),
  iou: new Float32Array(),
};
