// What stands at the edges of a chart for the events beyond its window.

import { expect, test } from "vitest";
import { beyond } from "../../src/lib/charts/chart_picture";

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
