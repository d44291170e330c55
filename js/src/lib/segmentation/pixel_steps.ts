// The numbers of the step dial over maps.

import { bestStop, type PixelMetric } from "../core/metrics";
import type { StepTrack } from "../steps/step_dial";
import type { StepCounts } from "../steps/step_frames";
import { type ModelCounts, readModelCounts, type Scope } from "./model_counts";
import { formatMetric } from "./segmentation_text";
import type { SegmentationConfig, WireNumbers } from "./segmentation_wire";

export type PixelStep = StepCounts<WireNumbers>;

const countsRead = new WeakMap<object, ModelCounts>(); // a step's counts never change

function countsOf(config: SegmentationConfig, { counts }: PixelStep): ModelCounts {
  const known = countsRead.get(counts) ?? readModelCounts(config, 0, counts, null);
  countsRead.set(counts, known);
  return known;
}

/** The metric of each step, or without targets the share of pixels that are on. */
export function pixelTrack(
  config: SegmentationConfig,
  scope: Scope,
  metric: { key: PixelMetric; name: string },
  steps: readonly PixelStep[],
  at: readonly number[],
  stop: number,
): StepTrack {
  const read = steps.map((step) => countsOf(config, step));
  const columns = config.stops.length;
  const values = new Float64Array(steps.length * columns);
  const here: number[] = [];
  const best: number[] = [];
  const bestAt: number[] = [];
  read.forEach((counts, i) => {
    const { shown: tally } = counts;
    const curve = tally ? scope.curve(tally, metric.key) : sharesOn(scope.histogram(counts));
    values.set(curve, i * columns);
    here.push(tally ? scope.metric(tally, metric.key, at) : curve[stop]);
    if (!tally) return;
    const k = bestStop(curve);
    bestAt.push(k);
    best.push(curve[k] ?? Number.NaN);
  });
  const name = config.has_targets ? metric.name : "share on";
  return { values, here, best, bestAt, name, top: "1", text: formatMetric };
}

/** The share of pixels that are on at each stop. */
export function sharesOn(histogram: Float64Array): number[] {
  const total = histogram.reduce((sum, count) => sum + count, 0);
  let on = total;
  return Array.from(histogram.subarray(0, -1), (count) => {
    on -= count;
    return on / total;
  });
}
