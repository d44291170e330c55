import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { detectionTraits, segmentationTraits } from "../../src/lib/settings/pasted_setting";

type GoldenCase = [string, Record<string, unknown> | string];

const path = new URL("../../../tests/golden/settings.json", import.meta.url);
const GOLDEN = JSON.parse(readFileSync(path, "utf-8"));
const { task, num_classes } = GOLDEN.segmentation;
const { labels, class_agnostic } = GOLDEN.detection;
const readers = {
  segmentation: (text: string) =>
    segmentationTraits(text, { task, class_names: Array(num_classes).fill("a") }),
  scores: (text: string) =>
    segmentationTraits(text, { ...GOLDEN.scores, class_names: ["a"], of_scores: true }),
  detection: (text: string) => detectionTraits(text, { labels, class_agnostic }),
};

describe.each(["segmentation", "scores", "detection"] as const)("%s", (kind) => {
  it.each(GOLDEN[kind].cases as GoldenCase[])("reads %s", (text, expected) => {
    const read = () => readers[kind](text);
    if (typeof expected === "string") expect(read).toThrow("does not fit. Paste what");
    else expect(read()).toEqual(expected);
  });
});
