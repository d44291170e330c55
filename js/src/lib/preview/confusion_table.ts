// Confusion matrices at the dial, and their tables.

import { h } from "../core/dom";
import { type PixelCounts, pool, range } from "../core/metrics";

export interface Matrix {
  rows: string[];
  columns: string[];
  values: number[][];
}

/** Background against target, from the pooled counts of some classes. */
export function binaryMatrix(
  counts: PixelCounts,
  at: readonly number[],
  classes: readonly number[],
): Matrix {
  const { tp, fp, positives, negatives } = pool(counts, at, range(counts.numImages), classes);
  return {
    rows: ["background", "target"],
    columns: ["background", "predicted"],
    values: [
      [negatives - fp, fp],
      [positives - tp, tp],
    ],
  };
}

/**
 * All classes, with a last column for pixels whose highest probability is not above its threshold.
 *
 * @param above pixels over (target, argmax) whose maximum has at least each level, (C, C, T + 1).
 */
export function classMatrix(
  above: Float64Array,
  names: readonly string[],
  at: readonly number[],
): Matrix {
  const count = names.length;
  const numStops = above.length / (count * count) - 1;
  const cell = (target: number, label: number, k: number) =>
    above[(target * count + label) * (numStops + 1) + k];
  const values = range(count).map((target) => {
    const kept = range(count).map((label) => cell(target, label, at[label] + 1));
    const total = range(count).reduce((sum, label) => sum + cell(target, label, 0), 0);
    return [...kept, total - kept.reduce((sum, v) => sum + v, 0)];
  });
  return { rows: [...names], columns: [...names, "none"], values };
}

/** A table, its cells shaded by their share of the row. */
export function matrixTable({ rows, columns, values }: Matrix, caption: string): HTMLElement {
  const head = columns.map((name) => h("th", { scope: "col" }, name));
  const body = rows.map((name, r) => {
    const total = values[r].reduce((sum, v) => sum + v, 0);
    const cells = values[r].map((value) => {
      const share = total === 0 ? 0 : value / total;
      const cell = h("td", { title: `${(100 * share).toFixed(1)} % of ${name}` });
      cell.style.setProperty("--torchdial-share", `${Math.round(60 * share)}%`);
      cell.append(value.toLocaleString("en"));
      return cell;
    });
    return h("tr", {}, h("th", { scope: "row" }, name), ...cells);
  });
  return h(
    "table",
    { class: "matrix" },
    h("caption", {}, caption),
    h("thead", {}, h("tr", {}, h("td"), ...head)),
    h("tbody", {}, ...body),
  );
}
