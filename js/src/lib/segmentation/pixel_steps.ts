// The numbers of the step dial over maps.

import { bestStop, type PixelMetric } from "../core/metrics";
import { formatMetric } from "../numbers/metric_text";
import type { StepTrack } from "../steps/step_dial";
import type { StepCounts } from "../steps/step_frames";
import { type ModelCounts, type PixelTally, readModelCounts, type Scope } from "./model_counts";
import type { SegmentationConfig, WireNumbers } from "./segmentation_wire";

export type PixelStep = StepCounts<WireNumbers>;

const countsRead = new WeakMap<object, ModelCounts>(); // a step's counts never change

function countsOf(config: SegmentationConfig, { counts }: PixelStep): ModelCounts {
  const known = countsRead.get(counts) ?? readModelCounts(config, 0, counts, null);
  countsRead.set(counts, known);
  return known;
}

/** What no dial changes: of each step the metric at every stop, and where it is best. */
interface Curves {
  tallies: (PixelTally | null)[];
  values: Float64Array;
  best: number[];
  bestAt: number[];
}

const curvesKnown = new WeakMap<readonly PixelStep[], Map<string, Curves>>();

/** The metric of each step, or without targets the share of pixels that are on. */
export function pixelTrack(
  config: SegmentationConfig,
  scope: Scope,
  metric: { key: PixelMetric; name: string },
  steps: readonly PixelStep[],
  at: readonly number[],
  stop: number,
): StepTrack {
  const key = `${metric.key}/${scope.shown}`;
  const known = curvesKnown.get(steps) ?? new Map<string, Curves>();
  const curves = known.get(key) ?? curvesOf(config, scope, metric.key, steps);
  curvesKnown.set(steps, known.set(key, curves));
  const { tallies, values, best, bestAt } = curves;
  const isOnCurve = at.every((k) => k === stop);
  const here = tallies.map((tally, i) => {
    const value = values[i * config.stops.length + stop];
    const isKnown = !tally || (isOnCurve && !Number.isNaN(value));
    return isKnown ? value : scope.metric(tally, metric.key, at);
  });
  const name = config.has_targets ? metric.name : "share on";
  const bestWith = () => "";
  return { values, here, best, bestAt, bestWith, name, top: "1", text: formatMetric };
}

function curvesOf(
  config: SegmentationConfig,
  scope: Scope,
  metric: PixelMetric,
  steps: readonly PixelStep[],
): Curves {
  const read = steps.map((step) => countsOf(config, step));
  const curves = read.map((counts) =>
    counts.shown ? scope.curve(counts.shown, metric) : sharesOn(scope.histogram(counts)),
  );
  const counted = curves.filter((_, i) => read[i].shown);
  const bestAt = counted.map(bestStop);
  return {
    tallies: read.map(({ shown }) => shown),
    values: Float64Array.from(curves.flat()),
    best: counted.map((curve, i) => curve[bestAt[i]] ?? Number.NaN),
    bestAt,
  };
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
