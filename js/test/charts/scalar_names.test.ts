// What names say, by the table that tests/training/history/test_scalar_names.py reads too.

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import {
  higherIsBetter,
  isLearningRate,
  isReserved,
  panelsOf,
  readName,
} from "../../src/lib/charts/scalar_names";

type Row = [string, string, boolean, boolean | null, boolean, boolean, boolean];
const path = new URL("../../../tests/golden/names.json", import.meta.url);
const GOLDEN: { rows: Row[]; panels: { names: string[]; members: Record<string, string[]> } } =
  JSON.parse(readFileSync(path, "utf-8"));

test.each(GOLDEN.rows)("%j", (name, key, held, highest, _loss, reserved, learningRate) => {
  expect(readName(name)).toEqual({ full: name, key, held });
  expect(higherIsBetter(name)).toBe(highest);
  expect(isReserved(name)).toBe(reserved);
  expect(isLearningRate(name)).toBe(learningRate);
});

test("panels", () => {
  const found = [...panelsOf(GOLDEN.panels.names)];
  expect(found.map(([title, members]) => [title, members.map(({ full }) => full)])).toEqual(
    Object.entries(GOLDEN.panels.members),
  );
});
