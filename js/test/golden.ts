// tests/golden/curves.json, written by tests/golden/make_curves.py, which describes it.

import { readFileSync } from "node:fs";
import type { Average, PixelCounts, PixelMetric } from "../src/lib/core/metrics";

/** null stands for NaN. */
type Value = number | null;

export interface Table {
  name: string;
  num_images: number;
  num_classes: number;
  tp: number[];
  fp: number[];
  positives: number[];
  negatives: number[];
  values: [PixelMetric, Average, number[], Value][];
  curves: [PixelMetric, Average, Value[], number][];
}

interface Golden {
  cases: { name: string; stops: number[]; zero_division: number; tables: Table[] }[];
  levels: { stops: number[]; probability_level: [number, number][] }[];
  nearest: { stops: number[]; value_index: [number, number][] }[];
}

const path = new URL("../../tests/golden/curves.json", import.meta.url);

export const GOLDEN: Golden = JSON.parse(readFileSync(path, "utf-8"));

export const TABLES = GOLDEN.cases.flatMap(({ name, stops, zero_division, tables }) =>
  tables.map((table) => ({
    title: `${name}: ${table.name}`,
    table,
    counts: countsOf(table, stops.length),
    zeroDivision: zero_division,
  })),
);

export function countsOf(table: Table, numStops: number): PixelCounts {
  return {
    numImages: table.num_images,
    numClasses: table.num_classes,
    numStops,
    tp: Float64Array.from(table.tp),
    fp: Float64Array.from(table.fp),
    positives: Float64Array.from(table.positives),
    negatives: Float64Array.from(table.negatives),
  };
}

export const numberOf = (value: Value): number => value ?? Number.NaN;
