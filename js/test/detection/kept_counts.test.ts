import { describe, expect, it } from "vitest";
import { range } from "../../src/lib/core/metrics";
import { shown } from "../../src/lib/detection/rules/boxes_shown";
import { keptCounts } from "../../src/lib/detection/rules/kept_counts";
import { CASES, dialsOf, scenesOf } from "./golden_detections";

describe.each(CASES)("$name", (of) => {
  const images = scenesOf(of).map(({ found }) => found);

  it.each([null, 0])("counts at every stop what is shown there, of class %s", (label) => {
    for (const setting of of.settings.map(dialsOf)) {
      const expected = range(of.nms.length).map((stop) =>
        images.reduce((sum, found) => {
          const there = shown(found, { ...setting, stop });
          return sum + there.filter((i) => label === null || found.labels[i] === label).length;
        }, 0),
      );
      expect([...keptCounts(images, setting, of.nms.length, label)]).toEqual(expected);
    }
  });
});
