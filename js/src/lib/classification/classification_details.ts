// The confusion matrix at the dial, and the table of the classes.

import { h } from "../core/dom";
import { EACH } from "../core/image_choice";
import { pool } from "../core/metrics";
import { createClassTable } from "../numbers/class_table";
import { binaryMatrix, classMatrix, type Matrix } from "../numbers/confusion_table";
import { createMatrixPanel, TOO_LARGE } from "../numbers/matrix_panel";
import { abstains, type ClassificationMetric, nameOf, valueAt } from "./classification_metrics";
import type { Classification, ClassificationConfig } from "./classification_wire";

const IN_TABLE: readonly ClassificationMetric[] = ["precision", "recall", "f1", "specificity"];

export interface DetailsEvents {
  chooseCell(truth: number, predicted: number, text: string): void;
  showClass(index: number): void;
  changed(): void;
}

export function createClassificationDetails(
  { class_names: names, task }: ClassificationConfig,
  { chooseCell, showClass, changed }: DetailsEvents,
) {
  const panel = createMatrixPanel({
    caption: "rows: target, columns: prediction, in samples",
    background: names.length,
    choose: (truth, predicted) =>
      chooseCell(truth.index, predicted.index, `target ${truth.name}, predicted ${predicted.name}`),
    changed,
  });
  const tooLarge = h("div", {}, TOO_LARGE);
  const table = createClassTable(
    names,
    "each class against the rest; click a row to show it",
    (c) => showClass(c),
  );
  const classes = h(
    "details",
    { class: "details" },
    h("summary", {}, "metrics of each class"),
    table.element,
  );
  classes.hidden = names.length === 1;

  return {
    matrix: h("div", { class: "score-matrix" }, panel.element, tooLarge),
    elements: [classes],

    update({ counts, joint }: Classification, shown: number | null, at: readonly number[]): void {
      const withheld = abstains(task, shown);
      panel.element.hidden = withheld && !joint;
      tooLarge.hidden = !panel.element.hidden;
      if (withheld && joint) panel.update(classMatrix(joint, names, at));
      else if (!withheld) {
        const labels = shown === null ? [...names.keys()] : [shown];
        panel.update(inWords(binaryMatrix(counts.counts, at, labels, names), names.length));
      }
      if (!classes.open || classes.hidden) return;
      table.update((c) => {
        const { tp, fp, positives } = pool(counts.counts, at, [0], [c]);
        const metrics = IN_TABLE.map((m) => [nameOf(m), valueAt(counts, m, c, at)] as const);
        return { tp, fp, fn: positives - tp, metrics: Object.fromEntries(metrics) };
      });
    },
  };
}

/** The matrix of labels against the rest, in the words of samples. */
function inWords(matrix: Matrix, background: number): Matrix {
  const words = new Map([
    [background, "the rest"],
    [EACH, "the labels"],
  ]);
  const sides = matrix.rows.map((side) => ({
    ...side,
    name: words.get(side.index) ?? side.name,
  }));
  return { ...matrix, rows: sides, columns: sides };
}
