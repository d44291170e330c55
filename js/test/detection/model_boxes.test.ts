import { describe, expect, it } from "vitest";
import { readTruths } from "../../src/lib/detection/detection_wire";
import { createDetector, type Focus, measure } from "../../src/lib/detection/model_boxes";
import { shownBoxes } from "../../src/lib/detection/rules/boxes_shown";
import { count } from "../../src/lib/detection/rules/detection_counts";
import { match } from "../../src/lib/detection/rules/matching";
import { CONFIG, SETTING } from "./fixtures";
import { CASES, howOf, numberOf, scenesOf } from "./golden_detections";

describe.each(CASES)("$name", (of) => {
  it("measures at each pair of stops what the curves have there", () => {
    const scenes = scenesOf(of);
    for (let stop = 0; stop < of.nms.length; stop++) {
      of.scores.forEach((score, s) => {
        const setting = { score, stop, own: [], maxDet: of.max_det };
        const counts = scenes.map((scene) =>
          count(
            scene.found,
            scene.truth,
            match(scene, stop),
            shownBoxes(scene.found, setting),
            of.num_classes,
          ),
        );
        for (const [name, key, values] of of.metrics) {
          const { how, label } = howOf(key);
          const expected = numberOf(values[stop * of.scores.length + s]);
          const value = measure(counts, name, how, label, of.zero_division);
          if (Number.isNaN(expected)) expect(value).toBeNaN();
          else expect(value).toBeCloseTo(expected, 12);
        }
      });
    }
  });
});

it("computes a class of given curves once, so that what shows it stays as it is", () => {
  const bytes = (values: Float32Array | Uint32Array | Int32Array | Uint8Array) =>
    new Uint8Array(values.buffer);
  const none = bytes(new Int32Array(1));
  const empty = new Uint8Array();
  const found = { counts: none, boxes: empty, scores: empty, labels: empty, index: empty };
  const rest = { kept: empty, pairs: null, ap: null, score_floor: 0, tiles: [], has_masks: [] };
  const [precision, recall, f1] = [0.5, 0.25, 0.75].map((v) => bytes(new Float32Array(6).fill(v)));
  const curves = {
    total_images: 9,
    overall: { precision, recall, f1 },
    tp: bytes(Uint32Array.from({ length: 12 }, (_, i) => i)),
    fp: bytes(new Uint32Array(12).fill(4)),
    positives: bytes(Uint32Array.of(10, 20)),
    ap: null,
  };
  const wire = { ...found, ...rest, overlap: null };
  const focus: Focus = { config: CONFIG, label: 1, metric: "f1", setting: SETTING };
  const detector = createDetector(focus, "model", wire, readTruths(null, 1), curves);
  const values = detector.valuesOf("recall");
  expect(Array.from(values ?? [])).toEqual([6, 7, 8, 9, 10, 11].map((tp) => tp / 20));
  expect(detector.valuesOf("recall")).toBe(values);
  focus.label = null;
  expect(Array.from(detector.valuesOf("recall") ?? [])).toEqual(Array(6).fill(0.25));
});
