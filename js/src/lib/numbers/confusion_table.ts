// Confusion matrices at the dial, and what their cells say.

import { formatCount } from "../charts/axis_scale";
import { EACH } from "../core/image_choice";
import { type PixelCounts, pool, range } from "../core/metrics";
import type { NumberRow } from "./number_table";

/** A row or a column: its name, and the class that it stands for. */
export interface Side {
  name: string;
  index: number;
}

export interface Matrix {
  rows: Side[];
  columns: Side[];
  values: number[][];
}

/** What the cells say: counts, or percent of their row or column. */
export type Share = "counts" | "% of row" | "% of column";
export const SHARES: readonly Share[] = ["counts", "% of row", "% of column"];

/** The rest against some classes pooled, from their counts; the rest is the background. */
export function binaryMatrix(
  counts: PixelCounts,
  at: readonly number[],
  classes: readonly number[],
  names: readonly string[],
): Matrix {
  const { tp, fp, positives, negatives } = pool(counts, at, range(counts.numImages), classes);
  const isOne = classes.length === 1;
  const sides = [
    { name: "background", index: names.length },
    { name: isOne ? names[classes[0]] : "class", index: isOne ? classes[0] : EACH },
  ];
  return {
    rows: sides,
    columns: sides,
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
  const sides = names.map((name, index) => ({ name, index }));
  return { rows: sides, columns: [...sides, { name: "none", index: count }], values };
}

/** The matrix without the classes, below the background's index, that count nothing. */
export function withoutEmpty({ rows, columns, values }: Matrix, background: number): Matrix {
  const counted = new Set<number>([background]);
  values.forEach((row, r) => {
    row.forEach((value, c) => {
      if (value === 0) return;
      counted.add(rows[r].index);
      counted.add(columns[c].index);
    });
  });
  const [keptRows, keptColumns] = [rows, columns].map((sides) =>
    range(sides.length).filter((i) => counted.has(sides[i].index)),
  );
  return {
    rows: keptRows.map((r) => rows[r]),
    columns: keptColumns.map((c) => columns[c]),
    values: keptRows.map((r) => keptColumns.map((c) => values[r][c])),
  };
}

/** The rows of a table, its cells shaded by their share of the row or column. */
export function matrixRows({ rows, columns, values }: Matrix, share: Share): NumberRow[] {
  const total = (numbers: readonly number[]) => numbers.reduce((sum, v) => sum + v, 0);
  const ofColumns = range(columns.length).map((c) => total(values.map((row) => row[c])));
  return rows.map(({ name }, r) => ({
    name,
    cells: values[r].map((value, c) => {
      const byColumn = share === "% of column";
      const all = byColumn ? ofColumns[c] : total(values[r]);
      const part = all === 0 ? 0 : value / all;
      const percent = `${(100 * part).toFixed(1)} %`;
      const whole = byColumn ? columns[c].name : name;
      const count = formatCount(value);
      return {
        value,
        text: share === "counts" ? count : percent,
        title: `target ${name}, predicted ${columns[c].name}: ${count}, ${percent} of ${whole}`,
        share: part,
      };
    }),
  }));
}
