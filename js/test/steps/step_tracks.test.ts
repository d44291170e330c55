import { expect, test } from "vitest";
import { createBoxSteps } from "../../src/lib/detection/box_steps";
import type { DetectionConfig } from "../../src/lib/detection/detection_wire";
import { Scope } from "../../src/lib/segmentation/model_counts";
import { pixelTrack } from "../../src/lib/segmentation/pixel_steps";
import type { SegmentationConfig, WireSource } from "../../src/lib/segmentation/segmentation_wire";
import { bytesIn, STEPS } from "./golden_steps";

const { stops } = STEPS;

test.each(STEPS.pixels)("pixels $name", ({ steps }) => {
  const config = {
    task: "binary",
    class_names: ["on"],
    stops,
    num_images: 2,
    average: "micro",
    zero_division: 1,
    has_targets: steps[0].counts !== null,
    sources: ["model"],
  } as unknown as SegmentationConfig;
  const wires = steps.map(({ histogram, counts }, i) => ({
    step: i,
    version: i,
    counts: {
      histogram: bytesIn(histogram),
      histograms: null,
      confusion: null,
      tally: counts && {
        total_images: 2,
        counts: {
          num_images: 1,
          num_classes: 1,
          tp: bytesIn(counts.tp),
          fp: bytesIn(counts.fp),
          positives: bytesIn(counts.positives),
          negatives: bytesIn(counts.negatives),
        },
        argmax_counts: null,
        joint: null,
      },
    } as Omit<WireSource, "tiles">,
  }));
  const dice = { key: "dice", name: "Dice" } as const;
  for (const k of stops.keys()) {
    const track = pixelTrack(config, new Scope(config, 0), dice, wires, [k], k);
    expect([...(track.values as Float64Array)]).toEqual(steps.flatMap(({ values }) => values));
    expect(track.here).toEqual(steps.map(({ values }) => values[k]));
    expect(track.best).toEqual(steps.flatMap(({ best }) => best ?? []));
    track.bestAt.forEach((at, i) => {
      expect(steps[i].best_at).toContain(at);
    });
  }
});

test.each([
  ["averaged", true],
  ["pooled", false],
])("boxes, once their counts are decompressed, %s", async (_, isAveraged) => {
  const { positives, steps } = STEPS.boxes;
  const config = {
    stops,
    score_stops: stops,
    has_targets: true,
    zero_division: 1,
    class_names: ["a", "b"],
  } as unknown as DetectionConfig;
  const wires = steps.map(({ tp, fp, f1 }, i) => ({
    step: i,
    version: i,
    counts: {
      tp: bytesIn(tp),
      fp: bytesIn(fp),
      positives: new Uint8Array(Uint32Array.from(positives).buffer),
      overall: isAveraged ? { f1: bytesIn(f1) } : {},
    },
  }));
  let read = 0;
  const track = createBoxSteps(config, () => read++);
  expect(track(wires, "f1", null, { score: 0, stop: 0 }).here).toEqual([NaN, NaN, NaN, NaN]);
  await expect.poll(() => read).toBe(steps.length);
  for (const stop of stops.keys()) {
    const found = track(wires, "f1", null, { score: 2, stop });
    expect([...(found.values as number[])]).toEqual(steps.flatMap(({ values }) => values[stop]));
    expect(found.here).toEqual(steps.map(({ values }) => values[stop][2]));
    expect(found.best).toEqual(steps.map(({ best }) => best));
    found.bestAt.forEach((at, i) => {
      expect(steps[i].best_at.map(([, score]) => score)).toContain(at);
    });
  }
});
