// A small scene by hand: class 0 "cat", class 1 "dog"; two NMS stops, of which the first suppresses.

import type { DetectionConfig } from "../../src/lib/detection/detection_wire";
import { type DetectionSetting, shownBoxes } from "../../src/lib/detection/rules/boxes_shown";
import type { DecidedImage } from "../../src/lib/detection/rules/detection_confusion";
import type { Scene } from "../../src/lib/detection/rules/image_decisions";
import { match } from "../../src/lib/detection/rules/matching";

export const CONFIG: DetectionConfig = {
  class_names: ["cat", "dog"],
  labels: [1, 17],
  stops: [0.3, 0.9],
  score_stops: [0, 0.5, 1],
  num_images: 1,
  sizes: [[40, 60]],
  height: 40,
  width: 60,
  channels: 3,
  average: "micro",
  zero_division: 1,
  has_targets: true,
  window: null,
  page_size: 16,
  match_iou: 0.5,
  class_agnostic: false,
  after_nms: false,
  sources: ["model"],
  initial: { score_threshold: 0.25, nms_iou: 0.3, class_thresholds: [], max_det: 300 },
};

/** Detections: 0 and 1 on target 0, 2 a dog on the cat of target 1, 3 in a crowd, 4 alone. */
export const SCENE: Scene = {
  found: {
    count: 5,
    boxes: Float32Array.of(
      ...[0, 0, 10, 10],
      ...[0, 0, 10, 8],
      ...[20, 0, 30, 10],
      ...[40, 0, 60, 20],
      ...[0, 20, 4, 24],
    ),
    scores: Float32Array.of(0.9, 0.8, 0.7, 0.6, 0.2),
    labels: Uint16Array.of(0, 0, 1, 0, 1),
    kept: Uint8Array.of(0b11, 0b10, 0b11, 0b11, 0b11),
    index: Int32Array.of(4, 3, 2, 1, 0),
    bytesPerRow: 1,
  },
  truth: {
    count: 4,
    boxes: Float32Array.of(
      ...[0, 0, 10, 10],
      ...[20, 0, 30, 9],
      ...[38, 0, 60, 20],
      ...[0, 20, 4, 25],
    ),
    labels: Uint16Array.of(0, 0, 0, 1),
    crowd: Uint8Array.of(0, 0, 1, 0),
    ignore: Uint8Array.of(0, 0, 1, 0),
  },
  pairs: {
    detection: Int32Array.of(0, 1, 2, 3, 4),
    target: Int32Array.of(0, 0, 1, 2, 3),
    iou: Float32Array.of(1, 0.8, 0.9, 1, 0.8),
  },
};

export const SETTING: DetectionSetting = { score: 0.25, stop: 0, own: [], maxDet: 300 };

export function decided(setting: DetectionSetting = SETTING): DecidedImage {
  return { ...SCENE, outcome: match(SCENE, setting.stop), shown: shownBoxes(SCENE.found, setting) };
}
