import { expect, test } from "vitest";
import { placeLabels } from "../../src/lib/detection/label_placement";
import { mulberry32 } from "../../src/lib/detection/rules/bootstrap";

const FRAME = { width: 200, height: 100 };
const place = (rects: number[][], sizes: number[][], frame = FRAME) => {
  const places = placeLabels(rects.flat(), sizes.flat(), frame);
  return sizes.map((_, i) => [places[2 * i], places[2 * i + 1]]);
};

test.each([
  ["above its box", [50, 50, 90, 80], [30, 10], [50, 40]],
  ["below a box at the top", [50, 0, 90, 30], [30, 10], [50, 30]],
  ["nowhere at one that fills the height", [50, 0, 90, 100], [30, 10], [Number.NaN, Number.NaN]],
  ["drawn in from the right edge", [190, 50, 200, 80], [30, 10], [170, 40]],
  ["drawn in from the left edge", [-20, 50, 40, 80], [30, 10], [0, 40]],
  ["nowhere if it is wider than all", [50, 50, 90, 80], [300, 10], [Number.NaN, Number.NaN]],
])("a label goes %s", (_, rect, size, expected) => {
  expect(place([rect], [size])).toEqual([expected]);
});

test("labels at one box take its sides in turn, and the last finds no room", () => {
  const box = [50, 40, 120, 60];
  const places = place(Array(6).fill(box), Array(6).fill([30, 10]));
  expect(places.slice(0, 3)).toEqual([
    [50, 30],
    [90, 30],
    [50, 60],
  ]);
  expect(places[3]).toEqual([Number.NaN, Number.NaN]);
});

test.each([
  ["side by side", [0, 50, 30, 80], [30, 50, 60, 80], [0, 40], [30, 40]],
  ["one below the other", [0, 15, 30, 80], [0, 25, 30, 80], [0, 5], [0, 15]],
])("labels may touch: %s", (_, one, other, ...expected) => {
  expect(place([one, other], Array(2).fill([30, 10]))).toEqual(expected);
});

test("of many labels none covers another, none leaves the frame, and most are placed", () => {
  const random = mulberry32(0);
  const frame = { width: 1000, height: 800 };
  const rects = Array.from({ length: 500 }, () => {
    const [x, y] = [950 * random(), 750 * random()];
    return [x, y, x + 20 + 50 * random(), y + 20 + 50 * random()];
  });
  const sizes = rects.map(() => [15 + 60 * random(), 10 + 4 * random()]);
  const places = place(rects, sizes, frame);
  const drawn = places.flatMap(([x, y], i) =>
    Number.isNaN(x) ? [] : [[x, y, x + sizes[i][0], y + sizes[i][1]]],
  );
  expect(drawn.length).toBeGreaterThan(300);
  drawn.forEach((a, i) => {
    expect(Math.min(a[0], a[1])).toBeGreaterThanOrEqual(0);
    expect(a[2]).toBeLessThanOrEqual(1000);
    expect(a[3]).toBeLessThanOrEqual(800);
    for (const b of drawn.slice(i + 1)) {
      expect(a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3]).toBe(false);
    }
  });
});
