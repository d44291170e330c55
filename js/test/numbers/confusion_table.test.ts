import { expect, it } from "vitest";
import { EACH } from "../../src/lib/core/image_choice";
import {
  binaryMatrix,
  classMatrix,
  matrixRows,
  withoutEmpty,
} from "../../src/lib/numbers/confusion_table";

const sides = (...names: string[]) => names.map((name, index) => ({ name, index }));

it("counts what passes each class's stop, the rest as none", () => {
  // (target, argmax, at least level): 2 classes, 2 stops
  const above = Float64Array.of(10, 8, 3, 4, 4, 1, 6, 2, 0, 20, 15, 9);
  expect(classMatrix(above, ["a", "b"], [0, 1])).toEqual({
    rows: sides("a", "b"),
    columns: sides("a", "b", "none"),
    values: [
      [8, 1, 5],
      [2, 9, 15],
    ],
  });
});

it.each([
  [[0], 0],
  [[0, 1], EACH],
])("pools classes %j against their rest", (classes, target) => {
  const counts = {
    numImages: 1,
    numClasses: 2,
    numStops: 1,
    tp: Float64Array.of(8, 3),
    fp: Float64Array.of(1, 2),
    positives: Float64Array.of(10, 4),
    negatives: Float64Array.of(6, 12),
  };
  const { rows, columns, values } = binaryMatrix(counts, [0, 0], classes, ["a", "b"]);
  expect([rows, columns].map((some) => some.map(({ index }) => index))).toEqual([
    [2, target],
    [2, target],
  ]);
  expect(values.flat()).toEqual(classes.length > 1 ? [15, 3, 3, 11] : [5, 1, 2, 8]);
});

it("leaves out classes that count nothing, never the background", () => {
  const matrix = {
    rows: sides("a", "b", "c", "nothing there"),
    columns: sides("a", "b", "c", "missed"),
    values: [
      [3, 0, 0, 0],
      [0, 0, 0, 0],
      [0, 0, 0, 2],
      [0, 0, 0, 0],
    ],
  };
  expect(withoutEmpty(matrix, 3)).toEqual({
    rows: [matrix.rows[0], matrix.rows[2], matrix.rows[3]],
    columns: [matrix.columns[0], matrix.columns[2], matrix.columns[3]],
    values: [
      [3, 0, 0],
      [0, 0, 2],
      [0, 0, 0],
    ],
  });
});

it.each([
  [
    "counts",
    [
      ["1,000", "0"],
      ["3,000", "0"],
    ],
    [1, 0, 1, 0],
  ],
  [
    "% of row",
    [
      ["100.0 %", "0.0 %"],
      ["100.0 %", "0.0 %"],
    ],
    [1, 0, 1, 0],
  ],
  [
    "% of column",
    [
      ["25.0 %", "0.0 %"],
      ["75.0 %", "0.0 %"],
    ],
    [0.25, 0, 0.75, 0],
  ],
] as const)("says %s", (share, texts, shares) => {
  const matrix = {
    rows: sides("a", "b"),
    columns: sides("a", "b"),
    values: [
      [1000, 0],
      [3000, 0],
    ],
  };
  const rows = matrixRows(matrix, share);
  expect(rows.map(({ cells }) => cells.map(({ text }) => text))).toEqual(texts);
  expect(rows.flatMap(({ cells }) => cells.map((cell) => cell.share))).toEqual(shares);
  expect(rows[0].cells[0].title).toContain("target a, predicted a: 1,000");
});
