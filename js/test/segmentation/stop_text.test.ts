// Stops as text: of scores three digits, and more only where neighbours would look equal.

import { expect, test } from "vitest";
import { intervalOf } from "../../src/lib/core/stops";
import { formatOf, formatScore, symbolOf } from "../../src/lib/segmentation/stop_text";

const { fround } = Math;

test.each([
  ["three digits", [0.12345, 3.2759, 27.647], 1, "3.28"],
  ["a whole number", [-2, 3, 41], 1, "3"],
  ["a negative score", [-2.5, 0.25, 3], 0, "-2.5"],
  ["large ones", [1e5, 123456, 2e5], 1, "123000"],
  ["close ones", [100.1, 100.2, 100.3], 1, "100.2"],
  ["the last of close ones", [1, 3651.1, 3651.8], 2, "3652"],
  ["small ones", [1e-9, 2.5e-9, 3e-9], 1, "2.5e-9"],
  ["just below a minimum of 2", [fround(1.9999998807907104), fround(2.00001)], 0, "2"],
  ["next to a minimum of 2", [fround(1.9999998807907104), 2], 0, "1.9999999"],
  ["just below a minimum of 0", [fround(-1.4e-45), 0, 1], 0, "-1.4e-45"],
  ["0 after it", [fround(-1.4e-45), 0, 1], 1, "0"],
])("%s", (_, stops, k, text) => {
  expect(formatScore(stops, k)).toBe(text);
});

test.each([
  [true, "score in (0.25, 3]"],
  [false, "p in (0.25, 3.00]"],
])("of scores %s: %s", (of_scores, words) => {
  const dial = { of_scores };
  expect(intervalOf([-2.5, 0.25, 3], 2, 2, symbolOf(dial), formatOf(dial))).toBe(words);
});
