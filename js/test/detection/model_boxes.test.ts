import { describe, expect, it } from "vitest";
import { measure } from "../../src/lib/detection/model_boxes";
import { shownBoxes } from "../../src/lib/detection/rules/boxes_shown";
import { count } from "../../src/lib/detection/rules/detection_counts";
import { match } from "../../src/lib/detection/rules/matching";
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
