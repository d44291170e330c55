import { describe, expect, it, test } from "vitest";
import { formatStop, intervalOf, nearestStop } from "../../src/lib/core/stops";
import { levelsOf } from "../../src/lib/detection/rules/detection_tally";
import { GOLDEN } from "../golden";

const QUARTERS = [0, 0.25, 0.5, 0.75, 1];

const levelOf = (stops: readonly number[], score: number) =>
  levelsOf(Float32Array.of(score), stops)[0];

describe.each(GOLDEN.levels)("levels of $stops.length stops", ({ stops, probability_level }) => {
  it.each(probability_level)("%d has level %i", (probability, level) => {
    expect(levelOf(stops, probability)).toBe(level);
  });
});

describe.each(GOLDEN.nearest)("nearest of $stops.length stops", ({ stops, value_index }) => {
  it.each(value_index)("to %d is %i", (value, index) => {
    expect(nearestStop(stops, value)).toBe(index);
  });
});

test("both sides of a comparison are rounded to float32", () => {
  const stops = Array.from({ length: 101 }, (_, k) => k / 100);
  const onStops = stops.map((stop) => levelOf(stops, Math.fround(stop)));
  expect(onStops).toEqual(stops.map((_, k) => k));
  const inDoubles = stops.filter((stop) => Math.fround(stop) > stop);
  expect(inDoubles.length).toBeGreaterThan(0); // where comparing doubles would be wrong
});

test.each([
  [0, "p ≤ 0.00"],
  [1, "p in (0.00, 0.25]"],
  [4, "p in (0.75, 1.00]"],
  [5, "p > 1.00"],
])("level %i stands for %s", (level, words) => {
  expect(intervalOf(QUARTERS, level)).toBe(words);
});

test("a level lies in the interval that it names", () => {
  const bounds = [Number.NEGATIVE_INFINITY, ...QUARTERS, Number.POSITIVE_INFINITY];
  for (const p of [0, 1e-45, 0.1, 0.25, 0.26, 0.5, 0.99, 1]) {
    const level = levelOf(QUARTERS, p);
    expect(bounds[level] < p && p <= bounds[level + 1], String(p)).toBe(true);
  }
});

test.each([
  ["quarters", QUARTERS, 1, "0.25"],
  ["hundredths", [0.36, 0.37], 1, "0.37"],
  ["255 stops have no exact decimals", [100 / 254, 101 / 254], 0, "0.3937"],
  ["eighths", [0, 0.125, 0.25], 1, "0.125"],
  ["a float32 hundredth", [Math.fround(0.37), 0.5], 0, "0.37"],
  ["thousandths", [0.001, 0.002], 1, "0.002"],
  ["close ones", [0.1, 0.10001], 1, "0.10001"],
  ["at most six digits", [0.1, 0.10000001], 1, "0.100000"],
  ["one stop", [0.5], 0, "0.50"],
])("digits: %s", (_, stops, k, text) => {
  expect(formatStop(stops, k)).toBe(text);
});
