// The traits that all previews receive; src/torchdial/widgets/preview/ writes them.

import { type Bytes, float64Of } from "../core/bytes";
import type { PixelCounts } from "../core/metrics";
import type { Coding } from "./plane_coding";

export interface WireTile {
  key: string;
  data: Bytes;
  /** How it is to be decoded; nothing for bytes row by row. */
  coding?: Coding | null;
}

export interface WireCounts {
  num_images: number;
  num_classes: number;
  tp: Bytes;
  fp: Bytes;
  positives: Bytes;
  negatives: Bytes;
}

export interface PreviewTraits {
  view: string;
  _pictures: { tiles: WireTile[] };
  _frame: { version: number };
  _curves: unknown;
  _notice: string;
  /** The training step that is looked at, null for the newest; undefined of a comparison. */
  step?: number | null;
  /** Of a preview that keeps frames, what lib/steps/step_frames.ts makes of it. */
  _steps?: unknown;
}

export function countsOf(wire: WireCounts): PixelCounts {
  const tp = float64Of(wire.tp);
  return {
    numImages: wire.num_images,
    numClasses: wire.num_classes,
    numStops: tp.length / (wire.num_images * wire.num_classes),
    tp,
    fp: float64Of(wire.fp),
    positives: float64Of(wire.positives),
    negatives: float64Of(wire.negatives),
  };
}
