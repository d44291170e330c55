// NMS, matching and counting at single settings.

import { describe, expect, it, test } from "vitest";
import { shownBoxes } from "../../src/lib/detection/rules/boxes_shown";
import {
  confused,
  confusion,
  countedBoxes,
} from "../../src/lib/detection/rules/detection_confusion";
import { count, missed } from "../../src/lib/detection/rules/detection_counts";
import { keptAt } from "../../src/lib/detection/rules/image_decisions";
import { match, SUPPRESSED } from "../../src/lib/detection/rules/matching";
import { overlap, suppressor } from "../../src/lib/detection/rules/suppressor";
import { CASES, scenesOf, shownOf } from "./golden_detections";

describe.each(CASES)("$name", (golden) => {
  const scenes = scenesOf(golden);

  it("matches as the definition does, at every stop", () => {
    for (const { image, stop, states, taken } of golden.matches) {
      const outcome = match(scenes[image], stop);
      expect([...outcome.state], `image ${image}, stop ${stop}`).toEqual(states);
      expect([...outcome.taken], `image ${image}, stop ${stop}`).toEqual(taken);
    }
  });

  it("finds the box that suppresses another, none for a kept one", () => {
    const found = scenes.flatMap(({ found }, image) =>
      golden.nms.flatMap((_, k) =>
        Array.from({ length: found.count }, (_, i) => {
          const what = suppressor(found, k, i, golden.class_agnostic, golden.nms);
          expect(what === null).toBe(keptAt(found, k, i));
          return what ? [[image, k, i, what.by, what.iou]] : [];
        }).flat(),
      ),
    );
    expect(found).toEqual(golden.suppressors);
  });

  it("shows, counts and confuses at every setting", () => {
    for (const setting of golden.settings) {
      const drawn = shownOf(golden, setting);
      expect(drawn.map((indices) => [...indices])).toEqual(setting.shown);
      const images = scenes.map((scene, i) => ({
        ...scene,
        outcome: match(scene, setting.stop),
        shown: drawn[i],
      }));
      const counts = images.map(({ found, truth, outcome, shown }) =>
        count(found, truth, outcome, shown, golden.num_classes),
      );
      for (const name of ["tp", "fp", "positives"] as const) {
        const sum = setting[name].map((_, c) => counts.reduce((all, of) => all + of[name][c], 0));
        expect(sum, name).toEqual(setting[name]);
      }
      expect([...confusion(images, golden.num_classes)]).toEqual(setting.confusion);
      const counted = images.map((image) =>
        countedBoxes(image, golden.num_classes).map((c) => [
          c.truth,
          c.predicted,
          c.detection,
          c.target,
        ]),
      );
      expect(counted.map((cells) => cells.sort(byTarget))).toEqual(
        setting.cells.map((cells) => cells.sort(byTarget)),
      );
      const misses = images.map((of) => missed(of.truth, of.outcome, of.shown).length);
      const expected = setting.positives.map((positives, c) => positives - setting.tp[c]);
      expect(total(misses)).toBe(total(expected));
      const offDiagonal = images.map((of) => [...confused(of)].filter((j) => j >= 0).length);
      const cells = setting.confusion.filter((_, cell) => {
        const [row, column] = [Math.floor(cell / 5), cell % 5];
        return row !== column && row < 4 && column < 4;
      });
      expect(total(offDiagonal)).toBe(total(cells));
    }
  });
});

const byTarget = (a: number[], b: number[]): number => a[2] - b[2] || a[3] - b[3];
const total = (values: number[]): number => values.reduce((sum, v) => sum + v, 0);

test("the cases hold every state, confusion and suppression at once", () => {
  const states = new Set(CASES.flatMap(({ matches }) => matches.flatMap((of) => of.states)));
  expect([...states].sort()).toEqual([0, 1, 2, 3]);
  expect(total(CASES.map(({ suppressors }) => suppressors.length))).toBeGreaterThan(100);
  const { name, matches } = CASES[0];
  expect(name).toContain("ties");
  expect(matches.some(({ states }) => states.includes(SUPPRESSED))).toBe(true);
});

const NOTHING = { detection: new Int32Array(), target: new Int32Array(), iou: new Float32Array() };
const NOBODY = {
  count: 0,
  boxes: new Float32Array(),
  labels: new Uint16Array(),
  crowd: new Uint8Array(),
  ignore: new Uint8Array(),
};

function foundOf(scores: number[], labels = scores.map(() => 0)) {
  return {
    count: scores.length,
    boxes: new Float32Array(4 * scores.length),
    scores: Float32Array.from(scores),
    labels: Uint16Array.from(labels),
    kept: new Uint8Array(scores.length).fill(1),
    index: Int32Array.from(scores.keys()),
    bytesPerRow: 1,
  };
}

test.each([
  ["on the threshold", 0.3, 0.3, false],
  ["on it as float32, below as float64", Math.fround(0.7), 0.7, false],
  ["on it as float32, above as float64", Math.fround(0.1), 0.1, false],
  ["the next float32", Math.fround(0.3) + 2 ** -25, 0.3, true],
  ["0 above a negative one", 0, -1, true],
])("a score and a threshold: %s", (_, score, threshold, isShown) => {
  const how = { stop: 0, maxDet: 300 };
  const byAll = shownBoxes(foundOf([score]), { ...how, score: threshold, own: [] });
  const byOwn = shownBoxes(foundOf([score]), { ...how, score: 0.5, own: [threshold] });
  expect([byAll.length, byOwn.length]).toEqual([Number(isShown), Number(isShown)]);
});

test("a box is suppressed by one that is kept, not by one that is suppressed itself", () => {
  // 0 suppresses 1; 2 is kept; 3 overlaps both 1 and 2.
  const boxes = Float32Array.of(
    ...[0, 0, 10, 10],
    ...[3, 0, 13, 10],
    ...[9, 0, 19, 10],
    ...[6, 0, 16, 10],
  );
  const found = { ...foundOf([0.9, 0.8, 0.7, 0.6]), boxes, kept: Uint8Array.of(1, 0, 1, 0) };
  expect(overlap(boxes, 1, 3)).toBeGreaterThan(0.5);
  expect(suppressor(found, 0, 3, false, [0.5])).toEqual({ by: 2, iou: overlap(boxes, 2, 3) });
});

test("own thresholds come before max_det, which takes the best of what is left", () => {
  const found = foundOf([0.9, 0.8, 0.7, 0.6], [0, 1, 0, 1]);
  const dials = { score: 0.1, stop: 0, own: [null, 0.85], maxDet: 300 };
  expect([...shownBoxes(found, dials)]).toEqual([0, 2]);
  expect([...shownBoxes(found, { ...dials, maxDet: 1 })]).toEqual([0]);
});

test("a stop beyond the first byte has its own bit", () => {
  const found = { ...foundOf([0.9, 0.8]), kept: Uint8Array.of(255, 0, 0, 4), bytesPerRow: 2 };
  expect([0, 7, 8, 10].map((k) => keptAt(found, k, 0))).toEqual([true, true, false, false]);
  expect([0, 7, 8, 10].map((k) => keptAt(found, k, 1))).toEqual([false, false, false, true]);
});

test("without targets all kept boxes are false", () => {
  const scene = { found: foundOf([0.9, 0.8]), truth: NOBODY, pairs: NOTHING };
  expect([...match(scene, 0).state]).toEqual([1, 1]);
  expect([...match(scene, 0).taken]).toEqual([-1, -1]);
});

test.each([
  ["half of it", [0, 0, 10, 10, 0, 0, 10, 5], 0.5],
  ["rounded once for each step", [0, 0, 10, 10, 0, 0, 10, 8], Math.fround(0.8)],
  ["touching", [0, 0, 10, 10, 10, 0, 20, 10], 0],
  ["apart in both", [0, 0, 1, 1, 5, 5, 6, 6], 0],
  ["without area", [5, 5, 5, 5, 5, 5, 5, 5], 0],
])("IoU: %s", (_, boxes, iou) => {
  expect(overlap(Float32Array.from(boxes), 0, 1)).toBe(iou);
});

test("an area that overflows gives no number, which suppresses nothing", () => {
  const boxes = Float32Array.of(-3e38, -3e38, 3e38, 3e38, -3e38, -3e38, 3e38, 3e38);
  expect(overlap(boxes, 0, 1)).toBeNaN();
  const found = { ...foundOf([0.9, 0.8]), boxes, kept: Uint8Array.of(1, 0) };
  expect(suppressor(found, 0, 1, false, [0])).toBeNull();
});
