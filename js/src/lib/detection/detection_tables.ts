// Precision over recall, counts of each class, and the confusion matrix.

import { svg } from "../core/dom";
import { range } from "../core/metrics";
import type { ClassNumbers } from "../numbers/class_table";
import type { Matrix } from "../numbers/confusion_table";
import { linePath } from "../preview/curve_slider";
import { type DetectionCounts, sumCounts } from "./rules/detection_counts";
import { type DetectionMetric, metricOf } from "./rules/detection_metrics";

/** A line of precision over recall, with the point of the dials. */
export interface PrLine {
  precision: ArrayLike<number>;
  recall: ArrayLike<number>;
  at: { precision: number; recall: number };
}

const SIDE = 200;

export function prChart(lines: readonly PrLine[]): Element {
  const x = (recall: number) => recall * SIDE;
  const y = (precision: number) => (1 - precision) * SIDE;
  const path = (className: string, d: string) =>
    svg("path", { class: className, d, transform: `scale(${SIDE})` });
  const paths = lines.map(({ precision, recall }, i) =>
    path(`dial-line model-${i}`, linePath(precision, recall)),
  );
  const dots = lines.flatMap(({ at }, i) => {
    if (Number.isNaN(at.precision) || Number.isNaN(at.recall)) return [];
    const place = { cx: x(at.recall), cy: y(at.precision), r: 6 };
    return [svg("circle", { class: `pr-point model-${i}`, ...place })];
  });
  const text = (words: string, attributes: Record<string, string | number>) =>
    svg("text", { class: "pr-text", ...attributes }, words);
  const grid = [0, 0.25, 0.5, 0.75, 1].map((at) => path("pr-grid", `M0 ${at}H1M${at} 0V1`));
  const marks = [0, 0.5, 1].flatMap((at) => [
    text(String(at), { x: x(at), y: SIDE + 14, "text-anchor": "middle" }),
    text(String(at), { x: -5, y: y(at) + 4, "text-anchor": "end" }),
  ]);
  return svg(
    "svg",
    { class: "pr", viewBox: `-44 -10 ${SIDE + 58} ${SIDE + 46}`, role: "img" },
    svg("title", {}, "precision over recall at every score stop"),
    ...grid,
    ...marks,
    text("recall", { x: SIDE / 2, y: SIDE + 30, "text-anchor": "middle" }),
    text("precision", {
      transform: `translate(-30 ${SIDE / 2}) rotate(-90)`,
      "text-anchor": "middle",
    }),
    ...paths,
    ...dots,
  );
}

/** Counts and metrics of one class in some images. */
export function classNumbers(
  images: readonly DetectionCounts[],
  label: number,
  zeroDivision: number,
  ap: Record<string, number>,
): ClassNumbers {
  const { tp, fp, positives } = sumCounts(images, label);
  const of = (metric: DetectionMetric) => metricOf(metric, tp, fp, positives, zeroDivision);
  const metrics = { precision: of("precision"), recall: of("recall"), F1: of("f1"), ...ap };
  return { tp, fp, fn: positives - tp, metrics };
}

/** The confusion matrix of the classes and the background. */
export function confusionMatrix(cells: Uint32Array, names: readonly string[]): Matrix {
  const size = names.length + 1;
  const sides = (last: string) => [...names, last].map((name, index) => ({ name, index }));
  return {
    rows: sides("no target"),
    columns: sides("missed"),
    values: range(size).map((row) => range(size).map((column) => cells[row * size + column])),
  };
}
