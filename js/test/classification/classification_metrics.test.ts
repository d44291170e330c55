import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  type ClassificationMetric,
  type Costs,
  curveOf,
  metricsOf,
  type SampleCounts,
  type Task,
} from "../../src/lib/classification/classification_metrics";
import type { PixelCounts } from "../../src/lib/core/metrics";

interface Listed {
  tp: number[][];
  fp: number[][];
  positives: number[];
  negatives: number[];
}

const path = new URL("../../../tests/golden/classification.json", import.meta.url);
interface Case {
  name: string;
  task: Task;
  costs: Costs;
  counts: Listed;
  argmax_counts: Listed | null;
  metrics: Record<string, Record<string, (number | null)[]>>;
}
const CASES: Case[] = JSON.parse(readFileSync(path, "utf8"));

function countsOf({ tp, fp, positives, negatives }: Listed): PixelCounts {
  return {
    numImages: 1,
    numClasses: tp.length,
    numStops: tp[0].length,
    tp: Float64Array.from(tp.flat()),
    fp: Float64Array.from(fp.flat()),
    positives: Float64Array.from(positives),
    negatives: Float64Array.from(negatives),
  };
}

describe.each(CASES)("$name", ({ task, costs, counts, argmax_counts, metrics }) => {
  const of: SampleCounts = {
    task,
    costs,
    average: "micro",
    counts: countsOf(counts),
    argmaxCounts: argmax_counts && countsOf(argmax_counts),
  };

  test.each(Object.keys(metrics))("label %s has scikit-learn's metrics", (name) => {
    const label = name !== "all" ? Number(name) : task === "binary" ? 0 : null;
    const golden = metrics[name];
    expect([...metricsOf(of, label)].sort()).toEqual(Object.keys(golden).sort());
    for (const [metric, values] of Object.entries(golden)) {
      const curve = curveOf(of, metric as ClassificationMetric, label);
      values.forEach((value, k) => {
        if (value === null) expect(curve[k], metric).toBeNaN();
        else expect(curve[k], metric).toBeCloseTo(value, 12);
      });
    }
  });
});
