import { describe, expect, test } from "vitest";
import type { Samples } from "../../src/lib/classification/classification_wire";
import { MOST_LISTED, outcomeOf, pick } from "../../src/lib/classification/outcomes";
import { samplesOf } from "../../src/lib/classification/sample_choice";

function samplesWith(
  parts: Partial<Samples> & Pick<Samples, "task" | "scores" | "labels">,
): Samples {
  const index = Uint32Array.from(parts.scores[0].keys());
  return { index, argmax: null, texts: null, placeOf: (sample) => sample, ...parts };
}

const BINARY = samplesWith({
  task: "binary",
  scores: [Float32Array.of(0.5, 0.51, 0.9, 0.1, 0.2, 0.95)],
  labels: [Uint8Array.of(1, 0, 1, 0, 1, 255)],
});
const HALF = { thresholds: Float32Array.of(0.5), label: 0 };
const VIEWS = ["nearest", "false positives", "false negatives", "all"];
const wanted = { views: VIEWS, cell: null, at: "0.50", total: 6 };

describe("a single class", () => {
  test.each([
    ["on the threshold is not above it", 0, { tp: false, fp: false, fn: true }],
    ["above it without being positive", 1, { tp: false, fp: true, fn: false }],
    ["above it and positive", 2, { tp: true, fp: false, fn: false }],
    ["below it and negative", 3, { tp: false, fp: false, fn: false }],
    ["ignored", 5, { tp: false, fp: false, fn: false }],
  ])("%s", (_, place, outcome) => {
    expect(outcomeOf(BINARY, place, HALF)).toEqual(outcome);
  });

  test.each([
    ["nearest", [0, 1, 4, 2, 3, 5]],
    ["false positives", [1]],
    ["false negatives", [4, 0]],
  ])("the view %s", (view, order) => {
    expect(samplesOf(BINARY, HALF, { ...wanted, view })?.order).toEqual(order);
  });

  test("all samples need no choice, some are in their order", () => {
    expect(samplesOf(BINARY, HALF, { ...wanted, view: "all" })).toBeNull();
    const some = { ...BINARY, index: Uint32Array.of(7, 3, 30, 1, 8, 2) };
    const all = samplesOf(some, HALF, { ...wanted, view: "all", total: 40 });
    expect(all?.order).toEqual([1, 2, 3, 7, 8, 30]);
  });
});

test("where there may be no answer", () => {
  const samples = samplesWith({
    task: "multiclass",
    scores: [Float32Array.of(0.6, 0.4), Float32Array.of(0.4, 0.6), Float32Array.of(0.6, 0.6)],
    labels: [Uint8Array.of(1, 1)],
    argmax: Uint8Array.of(0, 1),
  });
  const setting = { thresholds: Float32Array.of(0.5, 0.7), label: null };
  expect(outcomeOf(samples, 0, setting)).toEqual({ tp: false, fp: true, fn: false });
  expect(outcomeOf(samples, 1, setting)).toEqual({ tp: false, fp: false, fn: true });
  const cell = { truth: 1, predicted: 2, text: "target b, predicted none" };
  const views = ["nearest", "wrong", "abstained", "all"];
  expect(samplesOf(samples, setting, { ...wanted, views, view: "all", cell })?.order).toEqual([1]);
});

test("of many samples the nearest are those of a sort", () => {
  const scores = Float32Array.from({ length: 5000 }, (_, i) => ((i * 7919) % 5003) / 5003);
  const samples = samplesWith({ task: "binary", scores: [scores], labels: [new Uint8Array(5000)] });
  const distance = (i: number) => Math.abs(scores[i] - 0.5);
  for (const sign of [1, -1] as const) {
    const sorted = [...scores.keys()].sort((a, b) => sign * (distance(a) - distance(b)) || a - b);
    expect(pick(samples, HALF, () => true, sign)).toEqual(sorted.slice(0, MOST_LISTED));
  }
});
