// Counts, metrics, the best point and the band over all stops.

import { describe, expect, it, test } from "vitest";
import { bestSetting } from "../../src/lib/detection/rules/best_setting";
import { bootstrap, mulberry32 } from "../../src/lib/detection/rules/bootstrap";
import { metricAtStops, metricOf } from "../../src/lib/detection/rules/detection_metrics";
import { imagesAt, levelsOf, type StopCounts } from "../../src/lib/detection/rules/detection_tally";
import { CASES, howOf, numberOf, ruleOf, scenesOf, tallyOf } from "./golden_detections";

describe.each(CASES)("$name", (golden) => {
  const { classes, images } = tallyOf(golden);
  const numScores = golden.scores.length;

  it("counts at every stop, by class and by image", () => {
    for (const name of ["tp", "fp"] as const) {
      const of = (groups: readonly StopCounts[]) => groups.flatMap((one) => Array.from(one[name]));
      expect(of(classes), name).toEqual(golden[name]);
      expect(of(images), name).toEqual(golden[`image_${name}`]);
    }
    expect(classes.map(({ positives }) => positives)).toEqual(golden.positives);
    expect(images.map(({ positives }) => positives)).toEqual(golden.image_positives);
  });

  it("gives every metric and average, and the best point", () => {
    for (const [name, key, values, point] of golden.metrics) {
      const { how, label } = howOf(key);
      const found = metricAtStops({ classes, images }, name, how, label, golden.zero_division);
      found.forEach((value, cell) => {
        const expected = numberOf(values[cell]);
        const what = `${name}, ${key}, ${cell}`;
        if (Number.isNaN(expected)) expect(value, what).toBeNaN();
        else expect(Math.abs(value - expected), what).toBeLessThan(1e-14);
      });
      const place = bestSetting(found, numScores);
      expect(place && [place.stop, place.score], `${name}, ${key}`).toEqual(point);
    }
  });

  it("counts each image at one stop as at all of them", () => {
    for (const k of [0, golden.nms.length - 1]) {
      imagesAt(scenesOf(golden), k, ruleOf(golden)).forEach((of, c) => {
        expect(of.reduce((sum, { positives }) => sum + positives, 0)).toBe(classes[c].positives);
        for (const name of ["tp", "fp"] as const) {
          for (let s = 0; s < numScores; s++) {
            const sum = of.reduce((total, one) => total + one[name][s], 0);
            expect(sum).toBe(classes[c][name][k * numScores + s]);
          }
        }
      });
    }
  });

  it("makes a band between the exact quantiles over all samples of the images", () => {
    for (const [stop, name, key, points] of golden.bands) {
      const { how, label } = howOf(key);
      const all = imagesAt(scenesOf(golden), stop, ruleOf(golden));
      const chosen = label === null ? all : [all[label]];
      const { low, high } = bootstrap(chosen, name, how, golden.zero_division, 20_000, 1);
      points.forEach((of, s) => {
        const [p4, p6, p94, p96] = of.map(numberOf);
        const what = `${name}, ${key}, score stop ${s}`;
        if (Number.isNaN(p4)) {
          expect(low[s], what).toBeNaN();
          expect(high[s], what).toBeNaN();
        } else {
          expectBetween(low[s], p4, p6, what);
          expectBetween(high[s], p94, p96, what);
        }
      });
    }
  });
});

function expectBetween(value: number, low: number, high: number, what: string) {
  expect(value, what).toBeGreaterThanOrEqual(low - 1e-12);
  expect(value, what).toBeLessThanOrEqual(high + 1e-12);
}

/** The counts of images, each at the same number of stops. */
function imagesOf(tp: number[], fp: number[], positives: number[]): StopCounts[] {
  const each = tp.length / positives.length;
  return positives.map((number, i) => {
    const of = (counts: number[]) => counts.slice(i * each, (i + 1) * each);
    return { tp: of(tp), fp: of(fp), positives: number };
  });
}

test("the same seed makes the same band, another one another", () => {
  const numbers = Array.from({ length: 40 }, (_, i) => (7 * i) % 11);
  const images = imagesOf(numbers, [...numbers].reverse(), Array(40).fill(11));
  const of = (seed: number) => bootstrap([images], "precision", "micro", 1, 200, seed);
  expect(of(3)).toEqual(of(3));
  expect(of(3)).not.toEqual(of(4));
});

test("the band of equal images is a line", () => {
  const images = imagesOf([2, 1, 2, 1], [1, 0, 1, 0], [4, 4]);
  for (const how of ["micro", "macro", "image"] as const) {
    const { low, high } = bootstrap([images], "precision", how, 1);
    expect([...low]).toEqual([2 / 3, 1]);
    expect([...high]).toEqual([2 / 3, 1]);
  }
});

test("images without a value are left out of a sample, which is kept", () => {
  const nothing = Array(8).fill(0);
  const images = imagesOf([...nothing, 0, 1], [...nothing, 1, 0], Array(10).fill(1));
  const { low, high } = bootstrap([images], "precision", "image", 1);
  expect([low[0], high[0]]).toEqual([0, 1]);
});

test("an image that is drawn twice counts twice in the mean over images", () => {
  const images = imagesOf([0, 0, 1], [1, 1, 0], [1, 1, 1]);
  const { low, high } = bootstrap([images], "precision", "image", 1, 5000);
  // The mean is k / 3 with the probabilities 8/27, 12/27, 6/27 and 1/27.
  expect([low[0], high[0]]).toEqual([0, 2 / 3]);
});

test("random numbers are spread evenly over [0, 1)", () => {
  const random = mulberry32(5);
  const bins = new Uint32Array(10);
  for (let i = 0; i < 100_000; i++) bins[Math.floor(10 * random())]++;
  for (const bin of bins) expect(Math.abs(bin - 10_000)).toBeLessThan(500);
});

test("levels of descending scores are those of each", () => {
  const stops = [0, 0.1, 0.3, 0.7];
  const scores = Float32Array.of(1, 0.7, 0.7, 0.5, 0.3, 0.1, 0.05, 0);
  const slow = [...scores].map((p) => stops.filter((stop) => Math.fround(stop) < p).length);
  expect([...levelsOf(scores, stops)]).toEqual(slow);
});

test("without detections and targets precision and recall are undefined, F1 is zero_division", () => {
  expect(metricOf("precision", 0, 0, 0, 0.5)).toBeNaN();
  expect(metricOf("recall", 0, 0, 0, 0.5)).toBeNaN();
  expect(metricOf("f1", 0, 0, 0, 0.5)).toBe(0.5);
});

const NAN = Number.NaN;

test.each([
  ["one", [[1, 2, 1]], [0, 1]],
  ["the lower middle of the longest run", [[2, 2, 2, 2, 1, 2]], [0, 1]],
  [
    "the row of the longest run",
    [
      [2, 2, 1],
      [2, 2, 2],
      [2, 1, 1],
    ],
    [1, 1],
  ],
  ["the lower middle of such rows", [...Array(4).fill([2, 2, 1]), [1, 1, 1]], [1, 0]],
  [
    "rows in a row",
    [
      [2, 1, 1],
      [1, 1, 1],
      [2, 1, 1],
      [1, 2, 1],
    ],
    [2, 0],
  ],
  [
    "undefined is never best",
    [
      [NAN, NAN, 1],
      [NAN, 1, 1],
    ],
    [1, 1],
  ],
  ["undefined everywhere", [[NAN, NAN]], null],
])("the best of a plateau: %s", (_, rows, point) => {
  const place = bestSetting(Float64Array.from(rows.flat()), rows[0].length);
  expect(place && [place.stop, place.score]).toEqual(point);
});
