// tests/golden/detections.json, written by tests/golden/make_detections.py, which describes it.

import { readFileSync } from "node:fs";
import type { Average } from "../../src/lib/core/metrics";
import { type DetectionSetting, shownBoxes } from "../../src/lib/detection/rules/boxes_shown";
import type { DetectionMetric } from "../../src/lib/detection/rules/detection_metrics";
import {
  type CountRule,
  type DetectionTally,
  tally,
} from "../../src/lib/detection/rules/detection_tally";
import type { Scene } from "../../src/lib/detection/rules/image_decisions";

/** null stands for NaN. */
export type Value = number | null;

/** An average, or a class. */
export type Key = Average | number;

interface Image {
  boxes: number[][];
  scores: number[];
  labels: number[];
  targets: { boxes: number[][]; labels: number[]; iscrowd: number[]; ignore: number[] };
}

interface Wire {
  index: number[];
  kept: number[][];
  pairs: [number, number, number][];
}

interface GoldenSetting {
  score: number;
  stop: number;
  own: Value[];
  max_det: number;
  shown: number[][];
  tp: number[];
  fp: number[];
  positives: number[];
  confusion: number[];
  /** Of each image: row, column, detection and target. */
  cells: [number, number, number, number][][];
}

export interface Case {
  name: string;
  num_classes: number;
  nms: number[];
  scores: number[];
  class_agnostic: boolean;
  max_det: number;
  zero_division: number;
  images: Image[];
  wire: Wire[];
  matches: { image: number; stop: number; states: number[]; taken: number[] }[];
  suppressors: [number, number, number, number, number][];
  settings: GoldenSetting[];
  tp: number[];
  fp: number[];
  positives: number[];
  image_tp: number[];
  image_fp: number[];
  image_positives: number[];
  metrics: [DetectionMetric, Key, Value[], [number, number] | null][];
  bands: [number, DetectionMetric, Key, Value[][]][];
}

const path = new URL("../../../tests/golden/detections.json", import.meta.url);

export const CASES: Case[] = JSON.parse(readFileSync(path, "utf-8"));

export function scenesOf({ images, wire }: Case): Scene[] {
  return images.map((image, i) => {
    const { index, kept, pairs } = wire[i];
    const { boxes, labels, iscrowd, ignore } = image.targets;
    return {
      found: {
        count: index.length,
        boxes: Float32Array.from(index.flatMap((n) => image.boxes[n])),
        scores: Float32Array.from(index, (n) => image.scores[n]),
        labels: Uint16Array.from(index, (n) => image.labels[n]),
        kept: Uint8Array.from(kept.flat()),
        index: Int32Array.from(index),
        bytesPerRow: kept[0]?.length ?? 1,
      },
      truth: {
        count: labels.length,
        boxes: Float32Array.from(boxes.flat()),
        labels: Uint16Array.from(labels),
        crowd: Uint8Array.from(iscrowd),
        ignore: Uint8Array.from(ignore),
      },
      pairs: {
        detection: Int32Array.from(pairs, ([n]) => n),
        target: Int32Array.from(pairs, ([, j]) => j),
        iou: Float32Array.from(pairs, ([, , iou]) => iou),
      },
    };
  });
}

export function tallyOf(of: Case): DetectionTally {
  return tally(scenesOf(of), of.nms.length, ruleOf(of));
}

export function ruleOf({ scores, max_det, num_classes }: Case): CountRule {
  return { scoreStops: scores, maxDet: max_det, numClasses: num_classes };
}

export function settingOf({ score, stop, own, max_det }: GoldenSetting): DetectionSetting {
  return { score, stop, own, maxDet: max_det };
}

export function shownOf(of: Case, setting: GoldenSetting): Int32Array[] {
  return scenesOf(of).map(({ found }) => shownBoxes(found, settingOf(setting)));
}

export const numberOf = (value: Value): number => value ?? Number.NaN;

/** The average and the class of a key. */
export function howOf(key: Key): { how: Average; label: number | null } {
  return typeof key === "number" ? { how: "micro", label: key } : { how: key, label: null };
}
