// Layers × steps in the browser: columns, the tree of rows, colours.

import { describe, expect, test, vi } from "vitest";
import {
  colorOf,
  fillHeat,
  NOT_FINITE,
  pixelsOf,
  rangeOf,
  ZERO,
} from "../../src/lib/charts/heat_colors";
import { Columns, larger, MISSING, MOST_COLUMNS } from "../../src/lib/charts/layer_columns";
import type { Ink } from "../../src/lib/charts/line_colors";
import { pack } from "../../src/lib/core/colors";
import { drawSpread, filled, notFiniteWords } from "../../src/lib/training/gradient_histogram";
import { seen, treeOf, unfold } from "../../src/lib/training/layer_tree";

describe("columns", () => {
  const column = (value: number) => new Float32Array([value, value / 2]);

  test("later columns take the place of those from their first step on", () => {
    const columns = new Columns();
    columns.splice(["a", "b"], [0, 10], new Float32Array([1, 2, 3, 4]));
    columns.splice(null, [10, 20], new Float32Array([5, 6, 7, 8]));
    expect(columns.steps).toEqual([0, 10, 20]);
    expect([columns.value(0, 1), columns.value(1, 2)]).toEqual([5, 8]);
    expect([columns.at(-1), columns.at(0), columns.at(15), columns.at(99)]).toEqual([-1, 0, 1, 2]);
  });

  test("older columns merge and keep their largest value", () => {
    const columns = new Columns();
    for (let step = 0; step < 5 * MOST_COLUMNS; step++) {
      columns.splice(["a", "b"], [step], column(step === 3 ? 1e6 : 1));
    }
    expect(columns.steps.length).toBeLessThanOrEqual(MOST_COLUMNS);
    expect(columns.value(0, columns.at(3))).toBe(1e6);
    expect(columns.steps.at(-1)).toBe(5 * MOST_COLUMNS - 1);
  });

  test("what is no number wins, what is missing loses", () => {
    const merged = larger(
      new Float32Array([1, Number.NaN, MISSING]),
      new Float32Array([2, 5, 0, 7]),
    );
    expect([...merged]).toEqual([2, Number.NaN, 0, 7]);
  });
});

describe("layers", () => {
  const names = ["net.0.weight", "net.0.bias", "net.1.weight", "head.weight"];

  test("are a tree in the order of the network, chains of only children in one", () => {
    const [net, head] = treeOf(names);
    expect([net.label, net.rows, net.children.map(({ label }) => label)]).toEqual([
      "net",
      [0, 1, 2],
      ["0", "1.weight"],
    ]);
    expect([head.label, head.path, head.children]).toEqual(["head.weight", "head.weight", []]);
  });

  test("are unfolded from the top as far as they fit", () => {
    const tree = treeOf(names);
    expect(seen(tree, unfold(tree, 2)).map(({ path }) => path)).toEqual(["net", "head.weight"]);
    expect(seen(tree, unfold(tree, 99)).length).toBe(6);
  });

  test("of many columns in one pixel show the largest, and what is not finite", () => {
    const columns = new Columns();
    const flat = new Float32Array([1, 100, 1, 1, Number.POSITIVE_INFINITY, 0]);
    columns.splice(["a"], [0, 1, 2, 3, 4, 5], flat);
    const pixels = pixelsOf(columns, [0, 6], 2);
    expect([...pixels.from, ...pixels.to]).toEqual([0, 3, 3, 6]);
    const out = new Uint32Array(2);
    fillHeat(out, columns, [[0]], pixels, [0, 2]);
    expect([...out]).toEqual([pack([253, 231, 37]), pack(NOT_FINITE)]);
    expect(rangeOf(columns)).toEqual([0, 2]);
  });

  test.each([
    [MISSING, 0],
    [0, pack(ZERO)],
    [Number.NaN, pack(NOT_FINITE)],
    [1, pack([68, 1, 84])],
  ])("%d has its colour", (value, color) => expect(colorOf(value, [0, 2])).toBe(color));

  test("the spread begins and ends where there is anything", () => {
    expect(filled([9, 0, 0, 3, 0, 1, 0])).toEqual([3, 5]);
    expect(filled([9, 0, 0])).toEqual([1, 1]);
  });

  test.each([100, 240, 480])("the labels of a spread end with a canvas of %d pixels", (width) => {
    vi.stubGlobal("devicePixelRatio", 1);
    const ends: number[] = [];
    const context = {
      scale() {},
      fillRect() {},
      measureText: (text: string) => ({ width: 7 * text.length }),
      fillText: (text: string, x: number) => ends.push(x + 7 * text.length),
    };
    const canvas = { clientWidth: width, getContext: () => context };
    const ink = { faint: "", font: "", curve: () => "" };
    const counts = Float32Array.from({ length: 16 }, (_, bin) => bin);
    drawSpread(canvas as unknown as HTMLCanvasElement, counts, -20, ink as unknown as Ink);
    expect(ends.length).toBeGreaterThan(1);
    expect(Math.max(...ends)).toBeLessThanOrEqual(width);
    vi.unstubAllGlobals();
  });
});

test.each([
  ["all of them", [0, 0, 8], Number.NaN, ": 8 of 8 are NaN or infinite, no distribution"],
  [
    "some of them",
    [1, 5, 2],
    Number.POSITIVE_INFINITY,
    ": 2 of 8 are NaN or infinite, no distribution",
  ],
  ["none", [1, 7, 0], 0.5, ""],
  ["none, but very large ones", [0, 0, 8], 1e6, ""],
  ["a layer whose norm is not known", [1, 7, 0], Number.NaN, ""],
])("gradients that are not finite are said: %s", (_, counts, rms, words) => {
  const found = {
    step: 3,
    rows: ["a", "b"],
    low: -24,
    counts: new Map([["b", new Float32Array(counts)]]),
    rms: new Float32Array([1, rms]),
    max: new Float32Array([1, rms]),
  };
  expect(notFiniteWords(found, "b")).toBe(words);
});
