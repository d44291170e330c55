import { describe, expect, test } from "vitest";
import {
  ancestors,
  children,
  makeTree,
  openTo,
  type TreeView,
  visibleRows,
} from "../../src/lib/tree/module_table";

// model ─ stem, blocks ─ 3 × (block ─ conv, norm), head
const DEPTH = [0, 1, 1, 2, 3, 3, 2, 3, 3, 2, 3, 3, 1];
const WORDS = [
  "model",
  "stem conv2d",
  "blocks sequential",
  ...[0, 1, 2].flatMap((i) => [`blocks.${i}`, `blocks.${i}.conv`, `blocks.${i}.norm`]),
  "head linear",
];
const TREE = makeTree(DEPTH, [{ start: 3, size: 3, count: 3 }], WORDS);

const look = (change: Partial<TreeView> = {}): TreeView => ({
  open: openTo(TREE, 9),
  unfolded: new Set(),
  query: "",
  cost: null,
  ...change,
});
const rows = (change: Partial<TreeView> = {}) =>
  visibleRows(TREE, look(change)).map(({ row }) => row);

test("parents, ends and children follow from the depths", () => {
  expect([...TREE.parent]).toEqual([-1, 0, 0, 2, 3, 3, 2, 6, 6, 2, 9, 9, 0]);
  expect(TREE.end[2]).toBe(12);
  expect(children(TREE, 0)).toEqual([1, 2, 12]);
  expect(ancestors(TREE, 7)).toEqual([6, 2, 0]);
});

describe("the visible rows", () => {
  test("only opened rows have their children", () => {
    expect(rows({ open: new Set([0]) })).toEqual([0, 1, 2, 12]);
    expect(rows({ open: openTo(TREE, 2) })).toEqual([0, 1, 2, 3, 12]);
  });

  test("the first of equal blocks, with their number", () => {
    expect(rows()).toEqual([0, 1, 2, 3, 4, 5, 12]);
    expect(visibleRows(TREE, look())[3]).toMatchObject({ row: 3, times: 3 });
  });

  test("all of them once the fold is opened", () => {
    expect(rows({ unfolded: new Set([3]) })).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  });

  test("siblings by cost, the largest first, equal ones in the order of the model", () => {
    const cost = [9, 1, 3, 1, 1, 2, 0, 0, 0, 0, 0, 0, 5];
    expect(rows({ cost })).toEqual([0, 12, 2, 3, 5, 4, 1]);
  });

  test("a search shows what it finds with all above it, opened or not", () => {
    const shown = visibleRows(TREE, look({ query: " CONV ", open: new Set() }));
    expect(shown.map(({ row }) => row)).toEqual([0, 1, 2, 3, 4]);
    expect(shown.map(({ found }) => found)).toEqual([false, true, false, false, true]);
  });

  test("a search for a block behind the first one opens the fold", () => {
    expect(rows({ query: "blocks.1" })).toEqual([0, 2, 6, 7, 8]);
  });

  test("a search that finds nothing leaves the model", () => {
    expect(rows({ query: "attention" })).toEqual([0]);
  });
});
