// Precision over recall, counts of each class, and the confusion matrix.

import { h, svg } from "../core/dom";
import { range } from "../core/metrics";
import type { Matrix } from "../preview/confusion_table";
import { formatMetric } from "../segmentation/segmentation_text";
import type { DetectionCounts } from "./rules/detection_counts";
import { metricOf } from "./rules/detection_metrics";

/** A line of precision over recall, with the point of the dials. */
export interface PrLine {
  precision: ArrayLike<number>;
  recall: ArrayLike<number>;
  at: { precision: number; recall: number };
}

const SIDE = 200;

export function prChart(lines: readonly PrLine[]): Element {
  const x = (recall: number) => Math.round(recall * SIDE * 100) / 100;
  const y = (precision: number) => Math.round((1 - precision) * SIDE * 100) / 100;
  const paths = lines.map(({ precision, recall }, i) => {
    const points = range(recall.length)
      .filter((s) => !Number.isNaN(precision[s]) && !Number.isNaN(recall[s]))
      .map((s) => `${x(recall[s])} ${y(precision[s])}`);
    const d = points.length ? `M${points.join("L")}` : "";
    return svg("path", { class: `dial-line model-${i}`, d });
  });
  const dots = lines
    .filter(({ at }) => !Number.isNaN(at.precision) && !Number.isNaN(at.recall))
    .map(({ at }, i) =>
      svg("circle", { class: `pr-point model-${i}`, cx: x(at.recall), cy: y(at.precision), r: 6 }),
    );
  const text = (words: string, attributes: Record<string, string | number>) =>
    svg("text", { class: "pr-text", ...attributes }, words);
  const grid = [0, 0.25, 0.5, 0.75, 1].map((at) =>
    svg("path", { class: "pr-grid", d: `M0 ${y(at)}H${SIDE}M${x(at)} 0V${SIDE}` }),
  );
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

/** Counts and metrics of each class that occurs. */
export function countsTable(
  images: readonly DetectionCounts[],
  names: readonly string[],
  zeroDivision: number,
  apOf: ((label: number) => number) | null,
  apName: string,
): HTMLElement {
  const columns = ["class", "targets", "TP", "FP", "FN", "precision", "recall", "F1"];
  const sum = (label: number, name: keyof DetectionCounts) =>
    images.reduce((total, counts) => total + counts[name][label], 0);
  const rows = names.flatMap((name, label) => {
    const [tp, fp, positives] = [sum(label, "tp"), sum(label, "fp"), sum(label, "positives")];
    if (tp + fp + positives === 0) return [];
    const metrics = (["precision", "recall", "f1"] as const).map((metric) =>
      formatMetric(metricOf(metric, tp, fp, positives, zeroDivision)),
    );
    const counts = [positives, tp, fp, positives - tp].map((n) => n.toLocaleString("en"));
    const ap = apOf ? [formatMetric(apOf(label))] : [];
    const cells = [...counts, ...metrics, ...ap].map((text) => h("td", {}, text));
    return [h("tr", {}, h("th", { scope: "row", title: name }, name), ...cells)];
  });
  const head = [...columns, ...(apOf ? [apName] : [])].map((name) =>
    h("th", { scope: "col" }, name),
  );
  return h(
    "table",
    { class: "matrix" },
    h("thead", {}, h("tr", {}, ...head)),
    h("tbody", {}, ...rows),
  );
}

/** The confusion matrix of the classes that occur and of the background. */
export function confusionMatrix(cells: Uint32Array, names: readonly string[]): Matrix {
  const size = names.length + 1;
  const there = range(names.length).filter((c) =>
    range(size).some((other) => cells[c * size + other] + cells[other * size + c] > 0),
  );
  const groups = [...there, names.length];
  return {
    rows: groups.map((c) => names[c] ?? "nothing there"),
    columns: groups.map((c) => names[c] ?? "missed"),
    values: groups.map((row) => groups.map((column) => cells[row * size + column])),
  };
}
