import { describe, expect, it } from "vitest";
import { range } from "../../src/lib/core/metrics";
import { binsOf } from "../../src/lib/numbers/histogram_bars";

describe.each([1, 2, 5, 21, 22, 101, 255])("bins over %i stops", (count) => {
  const stops = range(count).map((k) => (k + 1) / (count + 1));
  const histogram = range(count + 1).map((level) => level + 1);
  const bins = binsOf(histogram, stops, "p");

  it("are each level once, in order, at most 20 between the ends", () => {
    const levels = bins.flatMap(({ first, last }) => range(last - first + 1).map((i) => first + i));
    expect(levels).toEqual(range(count + 1));
    expect(bins.length).toBeLessThanOrEqual(22);
    expect(bins.reduce((sum, bin) => sum + bin.count, 0)).toBe(
      histogram.reduce((sum, v) => sum + v, 0),
    );
  });
});

it("names its bounds, and leaves out empty ends", () => {
  const texts = binsOf([0, 3, 0, 4, 1], [0, 0.25, 0.5, 0.75], "score").map(({ text }) => text);
  expect(texts).toEqual([
    "score in (0.00, 0.25]",
    "score in (0.25, 0.50]",
    "score in (0.50, 0.75]",
    "score > 0.75",
  ]);
});
