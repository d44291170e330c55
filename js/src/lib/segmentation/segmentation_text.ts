// Texts about metrics and pixels.

import { IGNORED_PIXEL } from "../canvas/level_painting";
import { nameOf, type PixelMetric } from "../core/metrics";
import { intervalOf } from "../core/stops";
import {
  argmaxKey,
  levelKey,
  maskTargetKey,
  maximumKey,
  type TileStore,
  targetKey,
} from "../preview/tile_store";
import type { ModelCounts, PixelTally, Scope } from "./model_counts";
import type { SegmentationConfig } from "./segmentation_wire";

const READOUT: readonly PixelMetric[] = ["dice", "iou", "precision", "recall"];

export function formatMetric(value: number): string {
  return Number.isNaN(value) ? "–" : value.toFixed(3);
}

export function imageCountText(images: number): string {
  return `${images.toLocaleString("en")} image${images === 1 ? "" : "s"}`;
}

/** The metrics at the dial and their scope: ["Dice 0.842  IoU 0.727 …", "micro over 16 images"]. */
export function metricsText(
  scope: Scope,
  source: ModelCounts,
  tally: PixelTally,
  at: readonly number[],
): [string, string] {
  const metrics = READOUT.map((m) => `${nameOf(m)} ${formatMetric(scope.metric(tally, m, at))}`);
  const which = tally === source.track ? "" : "the shown ";
  return [metrics.join("  "), `${scope.average} over ${which}${imageCountText(tally.totalImages)}`];
}

/** Without targets: the share of pixels that are on. */
export function shareText(histogram: Float64Array, stop: number, of: string): string {
  const sum = (values: Float64Array) => values.reduce((total, count) => total + count, 0);
  return `${((100 * sum(histogram.subarray(stop + 1))) / sum(histogram)).toFixed(1)} % of ${of} on`;
}

/** A pixel and its values: "(12, 40), target 1, p in (0.42, 0.43]". */
export function pixelText(
  config: SegmentationConfig,
  tiles: TileStore,
  shown: number | null,
  image: number,
  source: number,
  x: number,
  y: number,
): string {
  const pixel = y * config.width + x;
  const parts = [`(${x}, ${y})`];
  const target = targetText(config, tiles, shown, image, pixel);
  if (target) parts.push(`target ${target}`);
  if (shown === null && config.task === "multilabel") return parts[0]; // of no single class
  const byArgmax = config.task === "multiclass" && shown === null;
  const levels = tiles.get(
    byArgmax ? maximumKey(source, image) : levelKey(source, image, shown ?? 0),
  );
  const label = byArgmax ? tiles.get(argmaxKey(source, image))?.[pixel] : (shown ?? 0);
  if (levels && label !== undefined) {
    const name = config.task === "binary" ? "" : `${config.class_names[label]} `;
    parts.push(`${name}${intervalOf(config.stops, levels[pixel])}`);
  }
  return parts.join(", ");
}

function targetText(
  config: SegmentationConfig,
  tiles: TileStore,
  shown: number | null,
  image: number,
  pixel: number,
): string {
  if (!config.has_targets) return "";
  const key = config.task === "multilabel" ? maskTargetKey(image, shown ?? 0) : targetKey(image);
  const target = tiles.get(key)?.[pixel];
  if (target === undefined) return "";
  if (target === IGNORED_PIXEL) return "ignored";
  return config.task === "multiclass" ? config.class_names[target] : String(target);
}
