// Texts about metrics and pixels.

import { IGNORED_PIXEL } from "../canvas/level_painting";
import { formatCount } from "../charts/axis_scale";
import { type CountSum, nameOf, PIXEL_METRICS, type PixelMetric } from "../core/metrics";
import { intervalOf } from "../core/stops";
import { formatMetric, imageCountText } from "../numbers/metric_text";
import type { NamedValue } from "../preview/preview_shell";
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
import { formatOf, symbolOf } from "./stop_text";

const READOUT: readonly PixelMetric[] = ["dice", "iou", "precision", "recall"];

/** The metrics at the dial and their scope: ["Dice 0.842  IoU 0.727 …", "micro over 16 images"]. */
export function metricsText(
  scope: Scope,
  source: ModelCounts,
  tally: PixelTally,
  at: readonly number[],
): [string, string] {
  const metrics = READOUT.map((m) => `${nameOf(m)} ${formatMetric(scope.metric(tally, m, at))}`);
  const which = tally === source.track ? "" : "the shown ";
  const nothing = nothingText(scope.pixels(tally, at));
  const over = `${scope.average} over ${which}${imageCountText(tally.totalImages)}`;
  return [nothing || metrics.join("  "), over];
}

/** "nothing to find, 1,204 pixels of false alarms"; empty where there is something to find. */
export function nothingText({ positives, fp }: CountSum): string {
  if (positives > 0) return "";
  return `nothing to find${fp > 0 ? `, ${pixelCountText(fp)} of false alarms` : ""}`;
}

function pixelCountText(count: number): string {
  return `${formatCount(count)} pixel${count === 1 ? "" : "s"}`;
}

/** A metric of one image, or that there is nothing to find in it. */
export function imageText(
  scope: Scope,
  tally: PixelTally | null,
  metric: PixelMetric,
  at: readonly number[],
  image: number,
): string {
  if (!tally || !scope.isByImage(tally)) return "";
  const value = formatMetric(scope.imageMetric(tally, metric, at, image));
  return nothingText(scope.pixels(tally, at, image)) || `${nameOf(metric)} ${value}`;
}

/** All metrics of one image, and its counts of pixels. */
export function imageNumbers(
  scope: Scope,
  tally: PixelTally | null,
  at: readonly number[],
  image: number,
): NamedValue[] {
  if (!tally || !scope.isByImage(tally)) return [];
  const sum = scope.pixels(tally, at, image);
  const counts: NamedValue[] = [
    ["found", pixelCountText(sum.tp)],
    ["false alarms", pixelCountText(sum.fp)],
    ["missed", pixelCountText(sum.positives - sum.tp)],
  ];
  if (sum.positives === 0) return [["nothing to find", ""], counts[1]];
  const metrics = PIXEL_METRICS.map(
    (m) => [nameOf(m), formatMetric(scope.imageMetric(tally, m, at, image))] as const,
  );
  return [...metrics, ...counts];
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
    const [level, words] = [levels[pixel], [symbolOf(config), formatOf(config)] as const];
    parts.push(`${name}${intervalOf(config.stops, level, level, ...words)}`);
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
