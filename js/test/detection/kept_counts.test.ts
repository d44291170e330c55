import { describe, expect, it } from "vitest";
import { range } from "../../src/lib/core/metrics";
import { shownBoxes } from "../../src/lib/detection/rules/boxes_shown";
import { keptCounts } from "../../src/lib/detection/rules/kept_counts";
import { CASES, scenesOf, settingOf } from "./golden_detections";

it.each([255, 256, 511, 600])("counts %i boxes of one image", (count) => {
  const found = {
    count,
    boxes: new Float32Array(4 * count),
    scores: new Float32Array(count).fill(0.9),
    labels: Uint16Array.from({ length: count }, (_, i) => i % 2),
    kept: new Uint8Array(count).fill(0b101), // at the first and the third of three stops
    index: Int32Array.from({ length: count }, (_, i) => i),
    bytesPerRow: 1,
  };
  const dials = { score: 0.5, own: [], maxDet: 1000 };
  const counted = (label: number | null, maxDet = 1000) => [
    ...keptCounts([found], { ...dials, maxDet }, 3, label),
  ];
  expect(counted(null)).toEqual([count, 0, count]);
  expect(counted(0)).toEqual([Math.ceil(count / 2), 0, Math.ceil(count / 2)]);
  expect(counted(null, 254)).toEqual([254, 0, 254]);
  expect(counted(0, 254)).toEqual([127, 0, 127]);
});

describe.each(CASES)("$name", (of) => {
  const images = scenesOf(of).map(({ found }) => found);

  it.each([null, 0])("counts at every stop what is shown there, of class %s", (label) => {
    for (const setting of of.settings.map(settingOf)) {
      const expected = range(of.nms.length).map((stop) =>
        images.reduce((sum, found) => {
          const there = shownBoxes(found, { ...setting, stop });
          return sum + there.filter((i) => label === null || found.labels[i] === label).length;
        }, 0),
      );
      expect([...keptCounts(images, setting, of.nms.length, label)]).toEqual(expected);
    }
  });
});
