import { expect, it } from "vitest";
import { bandPath, barPath, linePath } from "../../src/lib/preview/curve_slider";

it("a curve breaks where the metric is undefined", () => {
  expect(linePath([0, Number.NaN, 0.5, 1])).toBe("M0 1M2 0.5L3 0");
});

it("a curve has no points where their place is undefined", () => {
  expect(linePath([0, 1, 1], [Number.NaN, 0.2, 0.4])).toBe("M0.2 0L0.4 0");
});

it("curves have their points where they belong", () => {
  expect(linePath([0, 1], [0.2, 0.9])).toBe("M0.2 1L0.9 0");
});

it("a band ends where one of its lines does", () => {
  const [low, high] = [
    [0, 0.25, Number.NaN, 0.5],
    [1, 0.75, Number.NaN, 0.5],
  ];
  expect(bandPath(low, high)).toBe("M0 0L1 0.25L1 0.75L0 1ZM3 0.5L3 0.5Z");
});

it("bars stand between the stops, and the two ends are left out", () => {
  expect(barPath(Float64Array.of(9e9, 0, 100, 9e9))).toBe("M0 1V1H1V1M1 1V0.1H2V1");
});
