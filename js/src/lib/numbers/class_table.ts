// Counts and metrics of each class that occurs, the worst pictures of a class a click away.

import { formatCount } from "../charts/axis_scale";
import { range } from "../core/metrics";
import { formatMetric } from "./metric_text";
import { createNumberTable, type NumberCell } from "./number_table";

export interface ClassNumbers {
  tp: number;
  fp: number;
  fn: number;
  /** Metrics, by the names of their columns. */
  metrics: Record<string, number>;
}

export function createClassTable(
  names: readonly string[],
  caption: string,
  choose: ((index: number) => void) | null,
) {
  let there: number[] = [];
  const table = createNumberTable({
    caption,
    clicked: choose ? "row" : "none",
    choose: (row) => choose?.(there[row]),
  });
  return {
    element: table.element,
    update(numbersOf: (index: number) => ClassNumbers): void {
      const all = names.map((_, c) => numbersOf(c));
      there = range(names.length).filter((c) => all[c].tp + all[c].fp + all[c].fn > 0);
      const columns = ["targets", "TP", "FP", "FN", ...Object.keys(all[0].metrics)];
      const rows = there.map((c) => {
        const { tp, fp, fn, metrics } = all[c];
        const counts = [tp + fn, tp, fp, fn].map(countCell);
        return { name: names[c], cells: [...counts, ...Object.values(metrics).map(metricCell)] };
      });
      table.update(columns, rows);
    },
  };
}

const countCell = (value: number): NumberCell => ({ value, text: formatCount(value) });

const metricCell = (value: number): NumberCell => ({
  value,
  text: formatMetric(value),
});
