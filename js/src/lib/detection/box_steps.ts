// The numbers of the step dial over boxes: counts at all stops, which come compressed.

import { formatCount } from "../charts/axis_scale";
import { type Bytes, float64Of, uint32Of } from "../core/bytes";
import { formatStop } from "../core/stops";
import { formatMetric } from "../numbers/metric_text";
import { inflate } from "../preview/plane_coding";
import type { StepTrack } from "../steps/step_dial";
import type { StepCounts } from "../steps/step_frames";
import { LONG } from "./detection_readout";
import type { DetectionConfig } from "./detection_wire";
import { type BestSetting, bestSetting } from "./rules/best_setting";
import { type DetectionMetric, metricOf } from "./rules/detection_metrics";

/** Counts of one step; `pack_step` of src/torchdial/widgets/preview/detection_packing.py. */
export interface WireBoxStep {
  /** True positives and other kept boxes, uint32 (C, T, S), compressed. */
  tp: Bytes;
  fp: Bytes;
  /** Targets of each class, uint32. */
  positives: Bytes;
  /** Each metric of all classes, float64 (T, S), compressed, unless it is of pooled counts. */
  overall: Partial<Record<DetectionMetric, Bytes>>;
}

/** A metric (T, S), or without targets how many boxes are kept, and where it is best. */
interface Metric {
  values: Float64Array;
  top: BestSetting | null;
}

/** Reads the metric of each step at all stops; `changed` is called when more of them are there. */
export function createBoxSteps(config: DetectionConfig, changed: () => void) {
  const { stops, score_stops: scores, has_targets: hasTargets } = config;
  const columns = scores.length;
  const size = stops.length * columns;
  const zeroDivision = config.zero_division ?? Number.NaN;
  const read = new WeakMap<object, Map<string, Metric | null>>();

  /** The values of the last map, which the score dial leaves as they are. */
  let map: { steps: unknown; key: string; values: number[] } = { steps: null, key: "", values: [] };

  /** A metric of one class or all; null while it is being read. */
  function metricAt(counts: WireBoxStep, metric: DetectionMetric, c: number | null): Metric | null {
    const known = read.get(counts) ?? new Map<string, Metric | null>();
    read.set(counts, known);
    const key = `${metric}/${c}`;
    if (!known.has(key)) {
      known.set(key, null);
      make(counts, metric, c).then((values) => {
        known.set(key, { values, top: hasTargets ? bestSetting(values, columns) : null });
        changed();
      });
    }
    return known.get(key) ?? null;
  }

  async function make(counts: WireBoxStep, metric: DetectionMetric, c: number | null) {
    const overall = counts.overall[metric];
    if (overall && c === null) return float64Of(await inflate(overall));
    const [tp, fp] = (await Promise.all([counts.tp, counts.fp].map(inflate))).map(uint32Of);
    const positives = uint32Of(counts.positives);
    const [first, last] = c === null ? [0, positives.length - 1] : [c, c];
    const truths = positives.subarray(first, last + 1).reduce((all, one) => all + one, 0);
    return Float64Array.from({ length: size }, (_, cell) => {
      const sum = (counts: Uint32Array) => {
        let all = 0;
        for (let k = first; k <= last; k++) all += counts[k * size + cell];
        return all;
      };
      return hasTargets ? metricOf(metric, sum(tp), sum(fp), truths, zeroDivision) : sum(fp);
    });
  }

  return (
    steps: readonly StepCounts<WireBoxStep>[],
    metric: DetectionMetric,
    c: number | null,
    { score, stop }: { score: number; stop: number },
  ): StepTrack => {
    const each = steps.map(({ counts }) => metricAt(counts, metric, c));
    const at = (k: number, one: Metric | null) =>
      one ? one.values[stop * columns + k] : Number.NaN;
    const most = hasTargets ? 1 : Math.max(1, ...each.map((one) => at(0, one) || 0));
    const key = [metric, c, stop, each.filter(Boolean).length].join();
    if (hasTargets && (map.steps !== steps || map.key !== key)) {
      map = { steps, key, values: each.flatMap((one) => scores.map((_, k) => at(k, one))) };
    }
    return {
      values: hasTargets ? map.values : null,
      here: each.map((one) => at(score, one) / most),
      best: hasTargets
        ? each.map((one) =>
            one?.top ? one.values[one.top.stop * columns + one.top.score] : Number.NaN,
          )
        : [],
      bestAt: each.map((one) => one?.top?.score ?? -1),
      bestWith: (k) => `, NMS IoU ${formatStop(stops, each[k]?.top?.stop ?? 0)}`,
      name: hasTargets ? LONG[metric] : "boxes kept",
      top: formatCount(most),
      text: hasTargets ? formatMetric : (height) => formatCount(Math.round(height * most)),
    };
  };
}
