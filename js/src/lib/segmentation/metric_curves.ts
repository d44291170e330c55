// A metric of several models, those of steps or of minimum sizes: what no dial changes is computed once.

import { bestStop, type PixelMetric } from "../core/metrics";
import type { ModelCounts, Scope } from "./model_counts";

export interface MetricCurves {
  /** Of each model the metric at every stop, or without targets the share of pixels that are on. */
  values: number[][];
  /** Of each model the best value, NaN without one, and its stop, -1 without one. */
  best: number[];
  bestAt: number[];
}

const known = new WeakMap<readonly ModelCounts[], Map<string, MetricCurves>>();

export function curvesOf(
  scope: Scope,
  metric: PixelMetric,
  models: readonly ModelCounts[],
): MetricCurves {
  const key = `${metric}/${scope.shown}`;
  const of = known.get(models) ?? new Map<string, MetricCurves>();
  const curves = of.get(key) ?? makeCurves(scope, metric, models);
  known.set(models, of.set(key, curves));
  return curves;
}

function makeCurves(
  scope: Scope,
  metric: PixelMetric,
  models: readonly ModelCounts[],
): MetricCurves {
  const values = models.map((model) =>
    model.track ? scope.curve(model.track, metric) : sharesOn(scope.histogram(model)),
  );
  const bestAt = values.map((curve, i) => (models[i].track ? bestStop(curve) : -1));
  return { values, bestAt, best: values.map((curve, i) => curve[bestAt[i]] ?? Number.NaN) };
}

/** The metric of each model with class c at stop `at[c]`, and the dial at `stop`. */
export function metricsAt(
  scope: Scope,
  metric: PixelMetric,
  models: readonly ModelCounts[],
  at: readonly number[],
  stop: number,
): number[] {
  const { values } = curvesOf(scope, metric, models);
  const isOnCurve = at.every((k) => k === stop);
  return models.map(({ track }, i) => {
    const value = values[i][stop];
    const isKnown = !track || (isOnCurve && !Number.isNaN(value));
    return isKnown ? value : scope.metric(track, metric, at);
  });
}

/** The share of pixels that are on at each stop. */
function sharesOn(histogram: Float64Array): number[] {
  const total = histogram.reduce((sum, count) => sum + count, 0);
  let on = total;
  return Array.from(histogram.subarray(0, -1), (count) => {
    on -= count;
    return on / total;
  });
}
