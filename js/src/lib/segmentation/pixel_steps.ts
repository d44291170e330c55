// The numbers of the step dial over maps.

import type { PixelMetric } from "../core/metrics";
import { formatMetric } from "../numbers/metric_text";
import type { StepTrack } from "../steps/step_dial";
import type { StepCounts } from "../steps/step_frames";
import { curvesOf, type MetricCurves, metricsAt } from "./metric_curves";
import { type ModelCounts, readModelCounts, type Scope } from "./model_counts";
import type { SegmentationConfig, WireNumbers } from "./segmentation_wire";

export type PixelStep = StepCounts<WireNumbers>;

const countsRead = new WeakMap<object, ModelCounts>(); // a step's counts never change
const stepsRead = new WeakMap<readonly PixelStep[], ModelCounts[]>();
const maps = new WeakMap<MetricCurves, Float64Array>();

/** Return what is known of a key, made when it is first asked for. */
function remembered<K extends object, V>(known: WeakMap<K, V>, key: K, make: () => V): V {
  const value = known.get(key) ?? make();
  known.set(key, value);
  return value;
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
  const models = remembered(stepsRead, steps, () =>
    steps.map(({ counts }) =>
      remembered(countsRead, counts, () => readModelCounts(config, 0, counts, null)),
    ),
  );
  const curves = curvesOf(scope, metric.key, models);
  const hasBest = config.has_targets;
  return {
    values: remembered(maps, curves, () => Float64Array.from(curves.values.flat())),
    here: metricsAt(scope, metric.key, models, at, stop),
    best: hasBest ? curves.best : [],
    bestAt: hasBest ? curves.bestAt : [],
    bestWith: () => "",
    name: hasBest ? metric.name : "share on",
    top: "1",
    text: formatMetric,
  };
}
