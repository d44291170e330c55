// The live tree without a browser: rings of columns, colours, texts, heights of sparklines.

import { describe, expect, test } from "vitest";
import { NOT_FINITE } from "../../src/lib/charts/heat_colors";
import { MISSING } from "../../src/lib/charts/layer_columns";
import {
  type LiveFrame,
  LiveModules,
  MOST_RING_COLUMNS,
  Ring,
} from "../../src/lib/tree/live_columns";
import {
  decadesOf,
  sparklineHeights,
  statisticColor,
  statisticShortText,
  statisticText,
} from "../../src/lib/tree/statistic_styles";

/** A frame of one statistic with two rows, as module_packing.py packs it. */
function frameOf(steps: number[], values: number[], marks: LiveFrame["marks"] = []) {
  const data = new Uint8Array(8 * steps.length + 4 * values.length);
  data.set(new Uint8Array(new Float64Array(steps).buffer));
  data.set(new Uint8Array(new Float32Array(values).buffer), 8 * steps.length);
  const packed = {
    steps: { at: 0, dtype: "f8" as const, length: steps.length },
    values: { at: 8 * steps.length, dtype: "f4" as const, length: values.length },
  };
  return { frame: { columns: { grad_norm: packed }, marks }, data };
}

describe("ring", () => {
  test("keeps the newest columns", () => {
    const ring = new Ring();
    for (let step = 1; step <= MOST_RING_COLUMNS + 2; step++) {
      ring.take([step], new Float32Array([step, -step]));
    }
    expect(ring.steps.length).toBe(MOST_RING_COLUMNS);
    expect([ring.steps[0], ring.row(1)[0]]).toEqual([3, -3]);
    expect([...(ring.newest ?? [])]).toEqual([MOST_RING_COLUMNS + 2, -MOST_RING_COLUMNS - 2]);
  });

  test("a column that has grown, or covers more steps, replaces those that it covers", () => {
    const ring = new Ring();
    ring.take([1, 2, 3], new Float32Array([1, 10, 2, 20, 3, 30]));
    ring.take([3], new Float32Array([4, 40]));
    expect([ring.steps, ring.row(0)]).toEqual([
      [1, 2, 3],
      [1, 2, 4],
    ]);
    ring.take([2], new Float32Array([5, 50]));
    expect([ring.steps, ring.row(1)]).toEqual([
      [1, 2],
      [10, 50],
    ]);
  });

  test("no columns change nothing", () => {
    const ring = new Ring();
    ring.take([1], new Float32Array([1]));
    ring.take([], new Float32Array());
    expect(ring.steps).toEqual([1]);
  });
});

test("a frame is added, a whole one replaces all", () => {
  const live = new LiveModules(frameOf([1, 2], [1, 10, 2, 20]));
  const next = frameOf([3], [3, 30], [{ row: 1, words: "dead" }]);
  live.take(next.frame, next.data);
  expect([live.rings.grad_norm.row(1), live.marks[0].words]).toEqual([[10, 20, 30], "dead"]);
  const whole = frameOf([9], [9, 90]);
  live.take(whole.frame, whole.data, true);
  expect([live.rings.grad_norm.steps, live.marks]).toEqual([[9], []]);
});

describe("colours", () => {
  test.each<[string, Parameters<typeof statisticColor>, readonly number[] | null]>([
    ["none without a value", ["grad_norm", MISSING, [-3, 0]], null],
    ["none without a column", ["near_zero", undefined as unknown as number, [0, 0]], null],
    ["not finite", ["update_ratio", Number.NaN, [0, 0]], NOT_FINITE],
    ["a usual update is grey", ["update_ratio", 1e-3, [0, 0]], [200, 200, 200]],
    ["a large one is orange", ["update_ratio", 1, [0, 0]], [213, 94, 0]],
    ["a small one is blue", ["update_ratio", 1e-9, [0, 0]], [0, 114, 178]],
    ["none is as small as can be", ["update_ratio", 0, [0, 0]], [0, 114, 178]],
    ["the least gradient", ["grad_norm", 1e-3, [-3, 0]], [68, 1, 84]],
    ["the largest", ["grad_norm", 1, [-3, 0]], [253, 231, 37]],
    ["zero gradient", ["grad_norm", 0, [-3, 0]], [68, 1, 84]],
    ["all near zero", ["near_zero", 1, [0, 0]], [253, 231, 37]],
  ])("%s", (_, given, color) => {
    expect(statisticColor(...given)).toEqual(color);
  });

  test("range over what has a logarithm", () => {
    expect(decadesOf([0, MISSING, Number.NaN, Number.POSITIVE_INFINITY, 0.01, 10])).toEqual([
      -2, 1,
    ]);
    expect(decadesOf(undefined)).toEqual([0, 0]);
  });
});

test.each<[string, Parameters<typeof statisticShortText>, string]>([
  ["two digits", ["grad_norm", 0.012345], "0.012"],
  ["small", ["update_ratio", 0.0000123], "1.2e-5"],
  ["large", ["grad_norm", 123456], "1.2e5"],
  ["zero", ["grad_norm", 0], "0"],
  ["share", ["near_zero", 0.432], "43 %"],
  ["small share", ["near_zero", 0.004], "0.4 %"],
  ["nothing", ["grad_norm", MISSING], "–"],
  ["not a number", ["grad_norm", Number.NaN], "NaN"],
])("short: %s", (_, given, text) => {
  expect(statisticShortText(...given)).toBe(text);
});

test.each<[string, number[], string]>([
  ["nothing", [MISSING, MISSING], "no gradient yet"],
  ["one value", [MISSING, 0.5], "gradient 0.5 at step 1,001"],
  [
    "several",
    [0.25, 0.5, Number.NaN],
    "gradient NaN at step 1,002, 0.25 … 0.5 since step 1,000, 1 not finite",
  ],
])("in words: %s", (_, values, words) => {
  const steps = values.map((_, i) => 1000 + i);
  expect(statisticText("grad_norm", steps, values)).toBe(words);
});

test.each<[string, Parameters<typeof sparklineHeights>, number[]]>([
  ["by decades", ["grad_norm", [1e-4, 1e-2, 1]], [0, 0.5, 1]],
  ["little change stays little", ["grad_norm", [1, 10 ** 0.5]], [0.25, 0.75]],
  ["zero is at the bottom", ["grad_norm", [0, 1, 100]], [0, 0, 1]],
  ["shares as they are", ["near_zero", [0.1, 0.9]], [0.1, 0.9]],
  ["gaps and bars", ["near_zero", [MISSING, Number.NaN]], [Number.NaN, Number.POSITIVE_INFINITY]],
])("heights: %s", (_, given, expected) => {
  const rounded = sparklineHeights(...given).map((height) => Number(height.toFixed(9)));
  expect(rounded).toEqual(expected);
});
