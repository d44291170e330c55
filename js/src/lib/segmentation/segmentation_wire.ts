// The traits of a segmentation preview; src/torchdial/widgets/preview/segmentation_packing.py
// writes them.

import type { Bytes } from "../core/bytes";
import type { Average } from "../core/metrics";
import type { PreviewTraits, WireCounts, WireTile } from "../preview/preview_wire";
import type { DisplayWindow } from "../preview/window_text";

export type SegmentationView = "mask" | "overlay" | "heat" | "outline" | "errors" | "difference";

/** The traits of src/torchdial/widgets/preview/segmentation_preview.py. */
export interface SegmentationTraits extends PreviewTraits {
  threshold: number;
  /** A threshold for each class, null where it follows `threshold`; empty when none has its own. */
  class_thresholds: (number | null)[];
  label: number | null;
  /** Connected parts of fewer pixels are off. */
  min_size: number;
  view: SegmentationView;
  _config: SegmentationConfig;
  _frame: WireFrame;
  _curves: (WireTally | null)[];
}

/** The trait `_config`, which is constant. */
export interface SegmentationConfig {
  task: "binary" | "multilabel" | "multiclass";
  class_names: string[];
  stops: number[];
  /** Whether maps are scores of any range, in place of probabilities. */
  of_scores: boolean;
  num_images: number;
  /** Number of images in a report, where some were left out. */
  in_file?: number;
  height: number;
  width: number;
  channels: number;
  average: Average;
  zero_division: number | null;
  /** Whether class 0 of a multiclass task is in the averages. */
  include_background: boolean;
  window: DisplayWindow;
  has_targets: boolean;
  page_size: number;
  initial_threshold: number;
  initial_class_thresholds: (number | null)[];
  sources: string[];
  /** Positions of the dial of minimum sizes, in pixels; [0] without one. */
  min_sizes: number[];
  /** Whether all classes together are drawn from those that are seen at some stop. */
  has_tops: boolean;
  /** 4, or 8 to count corners as connected. */
  connectivity: number;
  /** Id of the history whose steps the frames are of, where they are kept. */
  run?: string | null;
}

/** Counts of a set of images; null without targets. */
export interface WireTally {
  /** Number of counted images, also where they are pooled into one. */
  total_images: number;
  counts: WireCounts;
  argmax_counts: WireCounts | null;
  /** Pixels over (target, argmax) whose maximum has at least each level, (C, C, T + 1). */
  joint: Bytes | null;
}

/** One model's part of the trait `_frame`. */
export interface WireSource extends WireNumbers {
  tiles: WireTile[];
  /** The numbers at each minimum size above 0. */
  opened: WireNumbers[];
}

/** The counts of one model's maps. */
export interface WireNumbers {
  /** Pixels at each level: (C, T + 1), for multiclass (C + 1, T + 1) with the maximum's last. */
  histogram: Bytes;
  /** The same of each image, uint32 (N, R, T + 1); null if it is too large. */
  histograms: Bytes | null;
  /** For multiclass, the cells of (N, C, C, T + 1) over (target, argmax, level) with pixels. */
  confusion: { cells: Bytes; pixels: Bytes } | null;
  tally: WireTally | null;
}

/** The trait `_frame`: the newest output of the models, replaced as a whole. */
export interface WireFrame {
  version: number;
  sources: WireSource[];
}
