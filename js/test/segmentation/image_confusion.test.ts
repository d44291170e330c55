// tests/golden/images.json, written by tests/golden/make_images.py, which describes it.

import { readFileSync } from "node:fs";
import { describe, expect, it, test } from "vitest";
import { ANY, mostFirst, worstFirst } from "../../src/lib/core/image_choice";
import { range } from "../../src/lib/core/metrics";
import {
  countByArgmax,
  countLevels,
  countOutcomes,
} from "../../src/lib/segmentation/image_confusion";
import { TABLES } from "../golden";

interface ImagesCase {
  name: string;
  num_images: number;
  num_classes: number;
  num_stops: number;
  at: number[];
  wire: { histograms: number[]; cells: number[] | null; pixels: number[] | null };
  rest: number[];
  matrix: number[] | null;
}

const path = new URL("../../../tests/golden/images.json", import.meta.url);
const CASES: ImagesCase[] = JSON.parse(readFileSync(path, "utf-8"));
const sides = (wanted: number, all: number) => (wanted === ANY ? range(all) : [wanted]);

describe.each(CASES)("$name", ({ num_images: n, num_classes: c, num_stops, at, ...the }) => {
  /** Sum of the chosen cells of a table (N, …, R, S) of one image, or of one class of it. */
  const sum = (table: number[], start: number, columns: number, rows: number[], chosen: number[]) =>
    rows.reduce(
      (total, r) => total + chosen.reduce((t, s) => t + table[start + r * columns + s], 0),
      0,
    );

  it("counts a class against the rest", () => {
    const { counts } = TABLES.find(({ title }) => title === `${the.name}: classes`) as never as {
      counts: Parameters<typeof countOutcomes>[0];
    };
    for (const truth of [ANY, 0, 1])
      for (const found of [ANY, 0, 1])
        for (const classes of [range(c), ...range(c).map((one) => [one])]) {
          const expected = range(n).map((i) =>
            classes.reduce(
              (total, one) =>
                total + sum(the.rest, (i * c + one) * 4, 2, sides(truth, 2), sides(found, 2)),
              0,
            ),
          );
          const counted = countOutcomes(counts, at, classes, truth, found);
          expect([...counted], `${classes}: ${truth}, ${found}`).toEqual(expected);
        }
  });

  it("counts by argmax", () => {
    const { cells, pixels } = the.wire;
    if (!cells || !pixels || !the.matrix) return;
    const confusion = {
      cells: Uint32Array.from(cells),
      pixels: Uint32Array.from(pixels),
      numImages: n,
      numClasses: c,
      numStops: num_stops,
    };
    for (const truth of [ANY, ...range(c)])
      for (const found of [ANY, ...range(c + 1)]) {
        const expected = range(n).map((i) =>
          sum(the.matrix ?? [], i * c * (c + 1), c + 1, sides(truth, c), sides(found, c + 1)),
        );
        expect([...countByArgmax(confusion, at, truth, found)]).toEqual(expected);
      }
  });

  it("counts levels", () => {
    const bins = num_stops + 1;
    const rows = c + Number(the.matrix !== null);
    const histograms = Uint32Array.from(the.wire.histograms);
    for (const chosen of [range(rows), [rows - 1]])
      for (const [first, last] of [[0, num_stops] as const, [1, 1] as const]) {
        const expected = range(n).map((i) =>
          chosen.reduce(
            (total, r) =>
              total +
              the.wire.histograms
                .slice((i * rows + r) * bins + first, (i * rows + r) * bins + last + 1)
                .reduce((a, b) => a + b, 0),
            0,
          ),
        );
        const counted = countLevels(histograms, rows, num_stops, chosen, [first, last]);
        expect([...counted]).toEqual(expected);
      }
  });
});

test("the highest count comes first, and what is not counted is left out", () => {
  expect(mostFirst([3, 0, 5, 3])).toEqual([2, 0, 3]);
});

test("the worst come first, and undefined ones last", () => {
  expect(worstFirst([0.9, 0.1, Number.NaN, 0.5, Number.NaN], [4, 0, 2, 9, 1])).toEqual([
    3, 0, 2, 4,
  ]);
});
