// The traits of a detection preview; src/torchdial/widgets/preview/detection_packing.py writes them.

import { type Bytes, bytesOf, float32Of, float64Of, int32Of, uint16Of } from "../core/bytes";
import type { Average } from "../core/metrics";
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
  score_floor: number;
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

/** Call `part` with the start and end of each image's rows. */
function split<T>(counts: Int32Array, part: (start: number, end: number) => T): T[] {
  let end = 0;
  return Array.from(counts, (count) => {
    end += count;
    return part(end - count, end);
  });
}

/** Throw unless each array has its number of values for each row. */
function expectLengths(counts: Int32Array, ...arrays: [{ length: number }, number][]): void {
  const rows = counts.reduce((sum, count) => sum + count, 0);
  for (const [{ length }, each] of arrays) {
    if (length !== rows * each) {
      throw new Error(
        `torchdial: expected ${rows * each} numbers for ${rows} boxes, got ${length}`,
      );
    }
  }
}

/** The targets of each image; without targets, empty ones. */
export function readTruths(wire: WireTargets | null, numImages: number): Targets[] {
  if (!wire) {
    const none = { count: 0, boxes: new Float32Array(), labels: new Uint16Array() };
    const truth = { ...none, crowd: new Uint8Array(), ignore: new Uint8Array() };
    return Array.from({ length: numImages }, () => truth);
  }
  const boxes = float32Of(wire.boxes);
  const labels = uint16Of(wire.labels);
  const flags = bytesOf(wire.flags);
  const crowd = flags.map((flag) => flag & 1);
  const ignore = flags.map((flag) => (flag >> 1) & 1);
  return split(int32Of(wire.counts), (start, end) => ({
    count: end - start,
    boxes: boxes.subarray(4 * start, 4 * end),
    labels: labels.subarray(start, end),
    crowd: crowd.subarray(start, end),
    ignore: ignore.subarray(start, end),
  }));
}

/** One model's detections of each image, with the targets that they may match. */
export function readScenes(
  wire: WireDetections,
  truths: readonly Targets[],
  numStops: number,
): Scene[] {
  const boxes = float32Of(wire.boxes);
  const scores = float32Of(wire.scores);
  const labels = uint16Of(wire.labels);
  const index = int32Of(wire.index);
  const kept = bytesOf(wire.kept);
  const bytesPerRow = Math.ceil(numStops / 8);
  const pairs = readPairs(wire.pairs);
  const counts = int32Of(wire.counts);
  expectLengths(counts, [boxes, 4], [scores, 1], [labels, 1], [index, 1], [kept, bytesPerRow]);
  return split(counts, (start, end) => ({
    count: end - start,
    boxes: boxes.subarray(4 * start, 4 * end),
    scores: scores.subarray(start, end),
    labels: labels.subarray(start, end),
    index: index.subarray(start, end),
    kept: kept.subarray(bytesPerRow * start, bytesPerRow * end),
    bytesPerRow,
  })).map((found, image) => ({ found, truth: truths[image], pairs: pairs[image] ?? NO_PAIRS }));
}

const NO_PAIRS: MatchPairs = {
  detection: new Int32Array(),
  target: new Int32Array(),
  iou: new Float32Array(),
};

function readPairs(wire: WireDetections["pairs"]): MatchPairs[] {
  if (!wire) return [];
  const detection = int32Of(wire.detection);
  const target = int32Of(wire.target);
  const iou = float32Of(wire.iou);
  const counts = int32Of(wire.counts);
  expectLengths(counts, [detection, 1], [target, 1], [iou, 1]);
  return split(counts, (start, end) => ({
    detection: detection.subarray(start, end),
    target: target.subarray(start, end),
    iou: iou.subarray(start, end),
  }));
}
