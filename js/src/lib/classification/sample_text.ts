// Texts about samples.

import { formatCount } from "../charts/axis_scale";
import { formatMetric } from "../numbers/metric_text";
import { abstains, type ClassificationMetric, nameOf } from "./classification_metrics";
import type { ClassificationConfig, Samples } from "./classification_wire";
import { answerOf, type Outcome, outcomeOf, type Setting, truthOf } from "./outcomes";

export function sampleCountText(count: number): string {
  return `${formatCount(count)} sample${count === 1 ? "" : "s"}`;
}

/** "F1 0.842  precision 0.881 …". */
export function metricsText(
  metrics: readonly ClassificationMetric[],
  metricOf: (metric: ClassificationMetric) => number,
): string {
  return metrics.map((metric) => `${nameOf(metric)} ${formatMetric(metricOf(metric))}`).join("  ");
}

/** "(+0.003)": how much a metric gains at its best, or "(−0.02)" of the cost; empty for nothing. */
export function gainText(metric: ClassificationMetric, best: number, now: number): string {
  const gain = best - (Number.isNaN(now) ? 0 : now);
  if (Math.abs(gain) < 0.0005) return "";
  return `(${metric === "cost" ? "−" : "+"}${Math.abs(gain).toFixed(3)})`;
}

/** What a sample is of, what is predicted, and its score: "3 → 5 · p 0.431". */
export function sampleText(
  config: ClassificationConfig,
  samples: Samples,
  place: number,
  setting: Setting,
): string {
  const { class_names: names, task } = config;
  const { label } = setting;
  const p = (row: number) => samples.scores[row][place].toFixed(3);
  const name = (index: number | undefined) => names[index ?? -1] ?? "ignored";
  if (abstains(task, label)) {
    const answer = answerOf(samples, place, setting);
    const argmax = name(samples.argmax?.[place]);
    const predicted = answer < 0 ? `none (${argmax})` : argmax;
    const target = name(samples.labels[0][place]);
    return `${target} → ${predicted} · p ${p(samples.scores.length - 1)}`;
  }
  if (label !== null) {
    return `p ${p(label)} · ${outcomeText(outcomeOf(samples, place, setting), truthOf(samples, place, label))}`;
  }
  const wrong = names.flatMap((text, c) => {
    const { fp, fn } = outcomeOf(samples, place, { ...setting, label: c });
    return fp || fn ? [`${fp ? "+" : "−"}${text} ${p(c)}`] : [];
  });
  return wrong.length ? wrong.join(", ") : "all labels right";
}

function outcomeText({ tp, fp, fn }: Outcome, truth: number): string {
  if (tp) return "TP";
  if (fp) return "FP";
  if (fn) return "FN";
  return truth === 0 ? "TN" : "ignored";
}
