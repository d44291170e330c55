// Classification metrics from counts, as in src/torchdial/sweeps/samples/classification_metrics.py;
// tests/golden/classification.json tests both against scikit-learn.

import {
  type CountSum,
  evaluate,
  meanOfDefined,
  type PixelCounts,
  pool,
  range,
} from "../core/metrics";

export type Task = "binary" | "multilabel" | "multiclass";
export type Costs = Record<string, number>;

const ONE_LABEL = [
  "f1",
  "precision",
  "recall",
  "specificity",
  "balanced_accuracy",
  "accuracy",
] as const;
const ABSTAINING = [
  "accuracy",
  "selective_accuracy",
  "coverage",
  "balanced_accuracy",
  "f1",
] as const;
export type ClassificationMetric =
  | (typeof ONE_LABEL)[number]
  | (typeof ABSTAINING)[number]
  | "cost";

/** Counts of one row: all samples, by class and stop. */
export interface SampleCounts {
  task: Task;
  counts: PixelCounts;
  /** For multiclass, of each class by argmax. */
  argmaxCounts: PixelCounts | null;
  average: "micro" | "macro";
  costs: Costs;
}

/** Whether answers are given or withheld: for multiclass, while no label is shown. */
export const abstains = (task: Task, label: number | null) =>
  task === "multiclass" && label === null;

/** The names of the metrics of a label, or of all (null). */
export function metricsOf({ task, costs }: SampleCounts, label: number | null) {
  const withheld = abstains(task, label);
  const names: readonly ClassificationMetric[] = withheld ? ABSTAINING : ONE_LABEL;
  const known = Object.keys(costs).length > 0 && withheld === (task === "multiclass");
  return known ? [...names, "cost" as const] : [...names];
}

/** A metric's name on screen. */
export function nameOf(metric: ClassificationMetric): string {
  return metric === "f1" ? "F1" : metric.replaceAll("_", " ");
}

/** A metric with class c at stop `at[c]`; NaN where it is undefined. */
export function valueAt(
  of: SampleCounts,
  metric: ClassificationMetric,
  label: number | null,
  at: readonly number[],
): number {
  if (abstains(of.task, label) && of.argmaxCounts) {
    return ofAbstaining(metric, of.argmaxCounts, at, of.costs);
  }
  const sums = sumsOf(of.counts, at, label === null ? range(of.counts.numClasses) : [label]);
  if (of.average === "micro" || label !== null) return ofOneLabel(metric, total(sums), of.costs);
  return meanOfDefined(
    sums.filter(({ positives }) => positives > 0).map((one) => ofOneLabel(metric, one, of.costs)),
  );
}

/** A metric at every stop, the same one for all classes. */
export function curveOf(
  of: SampleCounts,
  metric: ClassificationMetric,
  label: number | null,
): Float64Array {
  const { numStops, numClasses } = of.counts;
  return Float64Array.from({ length: numStops }, (_, k) =>
    valueAt(of, metric, label, new Array(numClasses).fill(k)),
  );
}

/** The counts of a label, or of all pooled; where answers are withheld, fp are the wrong ones. */
export function countsAt(of: SampleCounts, label: number | null, at: readonly number[]): CountSum {
  const counts = (abstains(of.task, label) && of.argmaxCounts) || of.counts;
  return total(sumsOf(counts, at, label === null ? range(counts.numClasses) : [label]));
}

function ofOneLabel(metric: ClassificationMetric, sum: CountSum, costs: Costs): number {
  const { tp, fp, positives, negatives } = sum;
  if (metric === "cost") {
    return (costs.fp * fp + costs.fn * (positives - tp)) / (positives + negatives);
  }
  const ratio = (of: "recall" | "specificity") => evaluate(of, sum, Number.NaN);
  if (metric === "balanced_accuracy") return (ratio("recall") + ratio("specificity")) / 2;
  if (metric === "selective_accuracy" || metric === "coverage") return Number.NaN;
  return evaluate(metric === "f1" ? "dice" : metric, sum, Number.NaN);
}

function ofAbstaining(
  metric: ClassificationMetric,
  counts: PixelCounts,
  at: readonly number[],
  costs: Costs,
): number {
  const sums = sumsOf(counts, at, range(counts.numClasses));
  const { tp: right, fp: wrong, positives: all } = total(sums);
  const occurring = sums.filter(({ positives }) => positives > 0);
  switch (metric) {
    case "accuracy":
      return right / all;
    case "selective_accuracy":
      return right / (right + wrong);
    case "coverage":
      return (right + wrong) / all;
    case "balanced_accuracy":
      return meanOfDefined(occurring.map(({ tp, positives }) => tp / positives));
    case "f1":
      return meanOfDefined(
        occurring.map(({ tp, fp, positives }) => (2 * tp) / (tp + fp + positives)),
      );
    case "cost":
      return (costs.error * wrong + costs.abstain * (all - right - wrong)) / all;
    default:
      return Number.NaN;
  }
}

function sumsOf(counts: PixelCounts, at: readonly number[], classes: readonly number[]) {
  return classes.map((c) => pool(counts, at, [0], [c]));
}

function total(sums: readonly CountSum[]): CountSum {
  const add = (name: keyof CountSum) => sums.reduce((all, one) => all + one[name], 0);
  return { tp: add("tp"), fp: add("fp"), positives: add("positives"), negatives: add("negatives") };
}
