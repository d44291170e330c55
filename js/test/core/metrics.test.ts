import { describe, expect, it, test } from "vitest";
import {
  average,
  bestStop,
  evaluate,
  PIXEL_METRICS,
  type PixelCounts,
  pool,
  range,
} from "../../src/lib/core/metrics";
import { numberOf, TABLES } from "../golden";

function expectClose(actual: number, expected: number, what: string) {
  if (Number.isNaN(expected)) expect(actual, what).toBeNaN();
  else expect(Math.abs(actual - expected), what).toBeLessThanOrEqual(1e-14);
}

describe.each(TABLES)("$title", ({ table, counts, zeroDivision }) => {
  const classes = range(counts.numClasses);

  it("gives every metric and average with a stop for each class", () => {
    for (const [metric, how, at, expected] of table.values) {
      const value = average(counts, metric, how, at, classes, zeroDivision);
      expectClose(value, numberOf(expected), `${metric}, ${how}, at ${at}`);
    }
  });

  it("gives every curve and its best stop", () => {
    for (const [metric, how, expected, best] of table.curves) {
      const curve = range(counts.numStops).map((k) => {
        const at = classes.map(() => k);
        return average(counts, metric, how, at, classes, zeroDivision);
      });
      curve.forEach((value, k) => {
        expectClose(value, numberOf(expected[k]), `${metric}, ${how}, stop ${k}`);
      });
      expect(bestStop(curve), `${metric}, ${how}`).toBe(best);
    }
  });

  it("pools by adding counts", () => {
    const last = counts.numStops - 1;
    for (const i of range(counts.numImages)) {
      for (const c of classes) {
        const at = classes.map(() => last);
        const row = i * counts.numClasses + c;
        expect(pool(counts, at, [i], [c])).toEqual({
          tp: counts.tp[row * counts.numStops + last],
          fp: counts.fp[row * counts.numStops + last],
          positives: counts.positives[row],
          negatives: counts.negatives[row],
        });
      }
    }
  });
});

test.each([
  ["nothing predicted, nothing there", [0, 0, 0, 5], ["precision", "recall"]],
  ["nothing predicted", [0, 0, 3, 5], ["precision"]],
  ["nothing there", [0, 2, 0, 5], ["recall"]],
  ["everything there", [3, 0, 5, 0], ["specificity"]],
  ["every pixel ignored", [0, 0, 0, 0], ["precision", "recall", "specificity", "accuracy"]],
])("undefined: %s", (_, [tp, fp, positives, negatives], undefinedOnes) => {
  const cell = { tp, fp, positives, negatives };
  const found = PIXEL_METRICS.filter((metric) => Number.isNaN(evaluate(metric, cell, 0.5)));
  expect(found).toEqual(undefinedOnes);
});

test("zero_division is Dice and IoU of empty against empty only", () => {
  const empty = { tp: 0, fp: 0, positives: 0, negatives: 4 };
  for (const metric of ["dice", "iou"] as const) {
    expect(evaluate(metric, empty, 0.25)).toBe(0.25);
    expect(evaluate(metric, empty, Number.NaN)).toBeNaN();
    expect(evaluate(metric, { ...empty, fp: 1 }, 0.25)).toBe(0);
  }
});

test("averages are over the chosen classes only", () => {
  const counts: PixelCounts = {
    numImages: 1,
    numClasses: 3,
    numStops: 1,
    tp: Float64Array.of(1, 0, 4),
    fp: Float64Array.of(0, 2, 4),
    positives: Float64Array.of(2, 0, 4),
    negatives: Float64Array.of(6, 8, 4),
  };
  const recall = (how: "micro" | "macro", classes: number[]) =>
    average(counts, "recall", how, [0, 0, 0], classes, 1);
  expect(recall("micro", [0, 1, 2])).toBe(5 / 6);
  expect(recall("micro", [0])).toBe(1 / 2);
  expect(recall("macro", [0, 2])).toBe(3 / 4);
  expect(recall("macro", [1])).toBeNaN();
});

const UNDEFINED = Number.NaN;

test.each([
  ["a peak", [1, 3, 1], 1],
  ["the middle of a plateau", [1, 3, 3, 3, 1], 2],
  ["the lower middle of an even one", [3, 3, 3, 3, 1], 1],
  ["the longest run", [3, 1, 3, 3, 1], 2],
  ["the first of runs as long", [3, 1, 1, 3], 0],
  ["a plateau that reaches the end", [1, 3, 3, 3], 2],
  ["a run that NaN breaks", [3, UNDEFINED, 3, 3, 3], 3],
  ["NaN is never a best", [UNDEFINED, 0, UNDEFINED], 1],
  ["NaN everywhere", [UNDEFINED, UNDEFINED], -1],
  ["one stop", [0.5], 0],
])("best stop: %s", (_, values, best) => {
  expect(bestStop(values)).toBe(best);
});
