import { expect, test } from "vitest";
import { columnsOf } from "../../src/lib/canvas/picture_grid";

test.each([
  ["as many as fit", 12, 6, 1, 6],
  ["rows are filled evenly", 8, 7, 1, 4],
  ["no more than cells", 3, 9, 1, 3],
  ["one, however narrow", 5, 0, 1, 1],
  ["pairs in three columns are in two", 14, 3, 2, 2],
  ["pairs in seven columns are in six", 12, 7, 2, 6],
  ["pairs fill rows evenly, too", 14, 9, 2, 8],
  ["a pair without room beside each other is in one column", 14, 1, 2, 1],
  ["one pair", 2, 9, 2, 2],
])("the columns of a grid: %s", (_, cells, fit, together, columns) => {
  expect(columnsOf(cells, fit, together)).toBe(columns);
});
