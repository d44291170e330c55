// The y axis without outliers, and the marks of what lies beyond it.

import { describe, expect, test } from "vitest";
import type { Limits } from "../../src/lib/charts/axis_scale";
import { edgeMarks, thinLabels, yLimits } from "../../src/lib/charts/y_range";

const piece = (y: number[]) => ({ x: Float64Array.from(y, (_, i) => i), y: Float64Array.from(y) });
const wave = (n: number) => Array.from({ length: n }, (_, i) => 1 + 0.1 * Math.sin(i));
const at = (y: number[], place: number, value: number) =>
  y.map((v, i) => (i === place ? value : v));
const all: Limits = [0, 1e9];

describe("the y axis", () => {
  const ends = (y: number[], window = all, log = false, withOutliers = false) =>
    yLimits([piece(y)], window, log, withOutliers);

  test("leaves out a spike of one step", () => {
    expect(ends(at(wave(500), 250, 5000))[1]).toBeLessThan(1.2);
    expect(ends(at(wave(500), 250, -5000))[0]).toBeGreaterThan(0.8);
  });

  test("has it where every value is asked for, and where it is zoomed to", () => {
    expect(ends(at(wave(500), 250, 5000), all, false, true)[1]).toBeGreaterThan(5000);
    expect(ends(at(wave(500), 250, 5000), [240, 260])[1]).toBeGreaterThan(5000);
  });

  test("has the newest hundredth of the steps: a run that diverges now is seen", () => {
    expect(ends(at(wave(500), 499, 5000))[1]).toBeGreaterThan(5000);
    expect(ends(at(wave(500), 496, 5000))[1]).toBeGreaterThan(5000);
  });

  test("has all values of a curve that only falls, and of a few points", () => {
    const falling = Array.from({ length: 1000 }, (_, i) => 2.3 * 0.997 ** i);
    expect(ends(falling)[1]).toBeGreaterThan(2.3);
    expect(ends([100, 1, 0.9, 0.8])[1]).toBeGreaterThan(100);
  });

  test("on a log axis measures in decades", () => {
    expect(ends(at(wave(500), 250, 1e13), all, true)[1]).toBeLessThan(10);
    const decades = Array.from({ length: 500 }, (_, i) => 10 ** (-i / 100));
    expect(ends(decades, all, true)[1]).toBeGreaterThan(1);
  });

  test("of nothing finite is the empty one", () => {
    expect(ends([Number.NaN, Number.NaN])).toEqual([0, 1]);
  });
});

describe("marks at the edge", () => {
  const marks = (y: number[], limits: Limits = [0, 2]) =>
    edgeMarks(piece(y), limits, [0, y.length], 640).map(({ x, sign, label, to }) => [
      x,
      sign,
      label,
      to,
    ]);

  test("say the value of a spike at its step", () => {
    expect(marks(at(wave(500), 250, 5000))).toEqual([[250, "above", "5,000", 250]]);
    expect(marks(at(wave(500), 250, -3))).toEqual([[250, "below", "−3", 250]]);
  });

  test("close to each other are one, of the farthest", () => {
    const y = at(at(at(wave(640), 100, 5), 120, 9), 300, 7);
    expect(marks(y)).toEqual([
      [120, "above", "9", 120],
      [300, "above", "7", 300],
    ]);
  });

  test("of a stretch without numbers are one, from its first step to its last", () => {
    const y = wave(100).map((v, i) => (i >= 61 ? Number.NaN : v));
    expect(marks(y)).toEqual([[61, "cross", "NaN", 99]]);
    expect(marks(at(y, 70, 1))).toEqual([
      [61, "cross", "NaN", 69],
      [71, "cross", "NaN", 99],
    ]);
    expect(marks([1, Number.POSITIVE_INFINITY, 1])).toEqual([[1, "cross", "∞", 1]]);
  });
});

describe("labels at an edge", () => {
  const mark = (x: number, y: number, sign: "above" | "below" | "cross" = "above") => ({
    x,
    y,
    sign,
    label: `${y}`,
  });
  const kept = (...marks: ReturnType<typeof mark>[]) =>
    thinLabels(marks, [0, 1000], 1000).map(({ label }) => label);

  test("that would overlap leave the farthest value", () => {
    expect(kept(mark(10, 6), mark(30, 5000), mark(50, 7))).toEqual([undefined, "5000", undefined]);
    expect(kept(mark(10, -6, "below"), mark(30, -5000, "below"))).toEqual([undefined, "-5000"]);
  });

  test("that have room, or are at the other edge, stay", () => {
    expect(kept(mark(10, 6), mark(100, 7), mark(20, -5, "below"))).toEqual(["6", "7", "-5"]);
    expect(kept(mark(10, Number.NaN, "cross"), mark(20, Number.NaN, "cross"))).toEqual([
      "NaN",
      "NaN",
    ]);
  });
});
