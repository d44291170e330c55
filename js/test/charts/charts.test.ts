// The pure parts of the live plots: what is kept, averaged, placed and said.

import { describe, expect, test } from "vitest";
import {
  formatBytes,
  formatSeconds,
  formatTick,
  formatValue,
  limitsOf,
  logTicks,
} from "../../src/lib/charts/axis_scale";
import { extremes } from "../../src/lib/charts/extremes";
import {
  curveColor,
  LEAST_CONTRAST,
  mix,
  paleColor,
  readRgb,
} from "../../src/lib/charts/line_colors";
import { MOST_POINTS, Points } from "../../src/lib/charts/scalar_points";
import { cut, Epochs, nearest, trackOf } from "../../src/lib/charts/scalar_track";
import { smooth } from "../../src/lib/charts/smoothing";
import { contrast, type Rgb } from "../../src/lib/core/colors";
import { unpack } from "../../src/lib/live/packed_arrays";
import { tableOf } from "../../src/lib/training/csv_table";

const upTo = (n: number) => Float64Array.from({ length: n }, (_, i) => i);

function pointsOf(steps: number[], values: number[]): Points {
  const points = new Points();
  points.extend(0, steps, steps, values);
  return points;
}

describe("extremes", () => {
  test("keeps a spike of one step, up or down, and what is no number", () => {
    const values = new Float64Array(100_000);
    values[31_337] = 9;
    values[31_338] = -9;
    values[77_777] = Number.NaN;
    values[99_999] = Number.POSITIVE_INFINITY;
    const kept = extremes(values, 0, values.length, 50);
    expect(kept.length).toBeLessThanOrEqual(150);
    for (const i of [31_337, 31_338, 77_777, 99_999]) expect(kept).toContain(i);
    expect(kept).toEqual([...kept].sort((a, b) => a - b));
  });

  test("keeps all where they are few", () => {
    expect(extremes([3, 1, 2], 0, 3, 1)).toEqual([0, 1, 2]);
    expect(extremes([3, 1, 2], 1, 3, 1)).toEqual([1, 2]);
  });

  test("each bucket's smallest and largest are those of all its values", () => {
    const values = upTo(1000).map((i) => Math.sin(i * i));
    const kept = extremes(values, 0, 1000, 10);
    for (let b = 0; b < 10; b++) {
      const bucket = values.slice(b * 100, (b + 1) * 100);
      const of = kept.filter((i) => i >= b * 100 && i < (b + 1) * 100).map((i) => values[i]);
      expect(Math.min(...of)).toBe(Math.min(...bucket));
      expect(Math.max(...of)).toBe(Math.max(...bucket));
    }
  });
});

describe("points", () => {
  test("passes over what is here already, and knows of a gap", () => {
    const points = new Points();
    points.extend(0, [0, 1, 2], [0, 1, 2], [5, 6, 7]);
    points.extend(1, [1, 2, 3], [1, 2, 3], [6, 7, 8]);
    expect([...points.values]).toEqual([5, 6, 7, 8]);
    expect(points.exact).toBe(true);
    points.extend(1, [1], [1], [6]);
    expect(points.length).toBe(4);
    points.extend(9, [9], [9], [9]);
    expect(points.exact).toBe(false);
    expect(points.total).toBe(10);
  });

  test("stays within its room whatever comes, and loses no spike", () => {
    const points = new Points();
    for (let first = 0; first < 200_000; first += 500) {
      const steps = upTo(500).map((i) => first + i);
      const values = steps.map((i) => (i === 60_123 ? 99 : Math.sin(i)));
      points.extend(first, steps, steps, values);
      expect(points.length).toBeLessThanOrEqual(MOST_POINTS);
    }
    expect(points.total).toBe(200_000);
    expect(points.exact).toBe(false);
    expect(points.steps[points.values.indexOf(99)]).toBe(60_123);
    expect(points.steps.at(-1)).toBe(199_999);
  });

  test("keeps the newest point of what it thins, also one that stands out in nothing", () => {
    const points = new Points();
    const values = upTo(MOST_POINTS).map((i) => i % 2);
    points.extend(0, upTo(MOST_POINTS), upTo(MOST_POINTS), values);
    points.extend(MOST_POINTS, [MOST_POINTS], [7], [0.5]);
    expect(points.length).toBeLessThan(MOST_POINTS / 2);
    expect([points.steps.at(-1), points.times.at(-1), points.values.at(-1)]).toEqual([
      MOST_POINTS,
      7,
      0.5,
    ]);
  });
});

describe("smoothing", () => {
  test("of a constant is the constant from the first point on", () => {
    for (const value of smooth(upTo(5), [3, 3, 3, 3, 3], 0.9, 4)) expect(value).toBeCloseTo(3, 12);
  });

  test("is the weighted mean of all before, with weights that fall by the point", () => {
    const values = [1, 4, 2, 8];
    const out = smooth([0, 10, 30, 40], values, 0.5, 40);
    expect(out[3]).toBeCloseTo((1 / 8 + 4 / 4 + 2 / 2 + 8) / (1 / 8 + 1 / 4 + 1 / 2 + 1), 12);
  });

  test("of points closer than a thousandth of the run falls by their distance", () => {
    const out = smooth([0, 0.25, 1], [1, 4, 2], 0.5, 1000);
    const weights = [0.5 ** 1, 0.5 ** 0.75, 1];
    const sum = weights.reduce((a, b) => a + b);
    expect(out[2]).toBeCloseTo((weights[0] + 4 * weights[1] + 2) / sum, 12);
  });

  test("leaves what is no number where it is and goes on after it", () => {
    const out = smooth([0, 1, 2], [1, Number.NaN, 1], 0.9, 2);
    expect(out[1]).toBeNaN();
    expect(out[2]).toBeCloseTo(1);
  });
});

test.each([0.1, 0.6, 0.99])("smoothing by %d begins at the raw value", (strength) => {
  const raw = [5, 4, 3.5, 3.2, 3.1, 3.05];
  const out = smooth(upTo(6), raw, strength, 5);
  expect(out[0]).toBe(raw[0]);
  for (let i = 1; i < raw.length; i++) expect(out[i]).toBeLessThan(out[i - 1]);
});

const GROUNDS: [string, Rgb, Rgb][] = [
  ["light", [31, 35, 40], [255, 255, 255]],
  ["dark", [230, 232, 234], [22, 25, 29]],
  ["JupyterLab's dark", [255, 255, 255], [17, 17, 17]],
];
test.each(GROUNDS)("lines stand out from a %s ground, raw values too", (_, text, ground) => {
  for (let i = 0; i < 24; i++) {
    const color = curveColor(i, text, ground);
    expect(contrast(color, ground)).toBeGreaterThanOrEqual(LEAST_CONTRAST);
    expect(contrast(paleColor(color, ground), ground)).toBeGreaterThanOrEqual(LEAST_CONTRAST);
  }
});

test("contrast is that of WCAG", () => {
  expect(contrast([0, 0, 0], [255, 255, 255])).toBeCloseTo(21, 10);
  expect(contrast([119, 119, 119], [255, 255, 255])).toBeCloseTo(4.478, 3); // #777, well known
});

describe("axes", () => {
  test.each([
    ["a decade", 1, 10, 8, [1, 2, 3, 4, 5, 6, 8, 10]],
    ["a decade in little room", 1, 10, 4, [1, 2, 5, 10]],
    ["four decades", 0.002, 12, 5, [0.01, 0.1, 1, 10]],
    ["many decades", 1e-9, 1e3, 4, [1e-9, 1e-6, 1e-3, 1, 1e3]],
    ["nothing positive", -1, 1, 5, []],
  ])("ticks of a log axis over %s", (_, low, high, most, expected) => {
    expect(logTicks(low, high, most)).toEqual(expected);
  });

  test("limits have air, and are there for one value and for none", () => {
    expect(limitsOf(0, 10, false)).toEqual([-0.5, 10.5]);
    const [low, high] = limitsOf(3, 3, false);
    expect(low).toBeLessThan(3);
    expect(high).toBeGreaterThan(3);
    expect(limitsOf(Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, true)).toEqual([0.1, 1]);
    expect(limitsOf(1e-3, 1, true)[0]).toBeGreaterThan(0);
  });

  test.each([
    ["a loss that ran away", 1e-5, 1e300, true],
    ["the smallest and the largest", Number.MIN_VALUE, Number.MAX_VALUE, true],
    ["the largest alone", Number.MAX_VALUE, Number.MAX_VALUE, false],
    ["the largest alone, on a log axis,", Number.MAX_VALUE, Number.MAX_VALUE, true],
    ["both signs", -Number.MAX_VALUE, Number.MAX_VALUE, false],
  ])("limits around %s are numbers, and ticks come to an end", (_, least, most, log) => {
    const [low, high] = limitsOf(least, most, log);
    expect(Number.isFinite(high - low)).toBe(true);
    expect(high).toBeGreaterThan(low);
    expect(logTicks(low, high, 6).length).toBeLessThanOrEqual(7);
  });

  test.each([
    [0.21341, "0.2134"],
    [12_340.4, "12,340"],
    [0.00031, "3.10e-4"],
    [-0.5, "−0.5000"],
    [0, "0"],
    [3, "3"],
    [Number.NaN, "NaN"],
    [Number.NEGATIVE_INFINITY, "−∞"],
  ])("%d reads %s", (value, text) => expect(formatValue(value)).toBe(text));

  test("ticks, times and bytes read as people write them", () => {
    expect([0, 0.25, 1e-5, 2000, 1e6].map(formatTick)).toEqual([
      "0",
      "0.25",
      "1e-5",
      "2000",
      "1e6",
    ]);
    expect([4.23, 42, 89, 7390].map(formatSeconds)).toEqual(["4.2 s", "42 s", "1:29", "2:03:10"]);
    expect([512, 1.2e9].map(formatBytes)).toEqual(["512 B", "1.2 GB"]);
  });
});

describe("tracks", () => {
  test("steps that go back are sorted, repeated ones stay in order", () => {
    const track = trackOf(pointsOf([5, 1, 5, 2], [50, 10, 51, 20]), "step", new Epochs(undefined));
    expect([...track.x]).toEqual([1, 2, 5, 5]);
    expect([...track.y]).toEqual([10, 20, 50, 51]);
  });

  test("a step lies in its epoch by the steps of the epochs around it", () => {
    const epochs = new Epochs(pointsOf([0, 10, 11, 30], [0, 1, 1, 2]));
    expect([0, 5, 10, 20, 30, 50].map((step) => epochs.at(step))).toEqual([0, 0.5, 1, 1.5, 2, 3]);
    expect(epochs.stepAt(1.5)).toBe(20);
  });

  test("a window is cut with a neighbour on each side", () => {
    expect([...cut(upTo(10), upTo(10), [3.5, 5.5], 100).x]).toEqual([3, 4, 5, 6]);
  });

  test.each([
    [-5, 0],
    [1.4, 1],
    [1.6, 2],
    [99, 3],
  ])("the point nearest to %d is number %d", (x, expected) => {
    expect(nearest([0, 1, 2, 3], x)).toBe(expected);
  });
});

test("points are copied with all their digits, names quoted where they must be", () => {
  const track = trackOf(pointsOf([1, 2], [0.1 + 0.2, Number.NaN]), "step", new Epochs(undefined));
  const name = { full: 'a "b", c', key: "", held: false };
  expect(tableOf([{ run: "run 1", name, track }])).toBe(
    "run,name,step,time,value\n" +
      'run 1,"a ""b"", c",1,1,0.30000000000000004\nrun 1,"a ""b"", c",2,2,NaN\n',
  );
});

test("arrays are read where they lie in a larger buffer", () => {
  const numbers = new Float64Array([1, 2, Number.NaN]);
  const bytes = new Uint8Array(numbers.byteLength + 3);
  bytes.set(new Uint8Array(numbers.buffer), 3);
  const view = new DataView(bytes.buffer, 3);
  expect([...unpack({ at: 8, dtype: "f8", length: 2 }, view)]).toEqual([2, Number.NaN]);
  expect(() => unpack({ at: 8, dtype: "f8", length: 3 }, view)).toThrow("24 bytes end before 32");
});

test("colours are read as browsers write them and mixed", () => {
  expect(readRgb("rgb(1, 2, 3)")).toEqual([1, 2, 3]);
  expect(readRgb("rgba(255, 255, 255, 0.87)")).toEqual([255, 255, 255]);
  expect(readRgb("color(srgb 1 0 0.2)")).toEqual([255, 0, 51]);
  expect(mix([0, 0, 0], [255, 255, 255], 0.8)).toEqual([51, 51, 51]);
});
