// What stands at the edges of a chart for the events beyond its window.

import { expect, test } from "vitest";
import { beyond, inside, type Mark } from "../../src/lib/charts/chart_picture";

const line = (x: number) => ({ x, color: `#${x}`, label: `step ${x}` });
const texts = (xs: number[]) => beyond(xs.map(line), [100, 200]).map(({ text }) => text);

test.each([
  ["none", [], []],
  ["all inside, both ends included", [100, 150, 200], []],
  ["one before", [40, 150], ["◂ step 40"]],
  [
    "several on both sides: the nearest",
    [10, 99, 40, 900, 201],
    ["◂ step 99, 2 more", "step 201, 1 more ▸"],
  ],
])("%s", (_, xs, expected) => {
  expect(texts(xs)).toEqual(expected);
});

test("has the colour of the nearest", () => {
  expect(beyond([line(10), line(99)], [100, 200])[0].color).toBe("#99");
});

test.each<[string, Partial<Mark>, boolean]>([
  ["a best value within both", { x: 100, y: 1 }, true],
  ["a best value above a zoomed axis", { y: 1.01 }, false],
  ["a best value below it", { y: -0.01 }, false],
  ["a best value before the window", { x: 99 }, false],
  ["an arrow at the edge, of a value beyond it", { y: 7, sign: "above" }, true],
  ["a cross, which has no value", { y: Number.NaN, sign: "cross" }, true],
])("marks %s: %j", (_, change, marked) => {
  const mark: Mark = { x: 150, y: 0.5, color: "#123", sign: "best", ...change };
  expect(inside([mark], [100, 200], [0, 1])).toHaveLength(Number(marked));
});
