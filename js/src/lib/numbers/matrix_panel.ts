// A confusion matrix with its controls.

import { button, h, select } from "../core/dom";
import {
  type Matrix,
  matrixRows,
  SHARES,
  type Share,
  type Side,
  withoutEmpty,
} from "./confusion_table";
import { createNumberTable } from "./number_table";

/** What stands in place of a matrix of too many classes. */
export const TOO_LARGE = "confusion matrix: too many classes to show, choose one of them";

export interface MatrixPanelParts {
  caption: string;
  /** Index of the background. */
  background: number;
  /** A cell was clicked; null where pictures are not counted one by one. */
  choose: ((truth: Side, predicted: Side) => void) | null;
  changed(): void;
}

export function createMatrixPanel({ caption, background, choose, changed }: MatrixPanelParts) {
  let now: Matrix = { rows: [], columns: [], values: [] };
  let hides = true;
  const shares = select(
    "cells",
    SHARES.map((share) => [share]),
    changed,
  );
  const hide = button("hide empty classes", "Classes without targets and predictions", () => {
    hides = !hides;
    changed();
  });
  const table = createNumberTable({
    caption,
    clicked: choose ? "cell" : "none",
    choose: (row, column) => choose?.(now.rows[row], now.columns[column]),
  });
  return {
    element: h("div", {}, h("div", "foot", shares, hide), table.element),
    update(matrix: Matrix): void {
      hide.hidden = matrix.rows.length < 3;
      hide.ariaPressed = String(hides);
      now = hides && !hide.hidden ? withoutEmpty(matrix, background) : matrix;
      table.update(
        now.columns.map(({ name }) => name),
        matrixRows(now, shares.value as Share),
      );
    },
  };
}
