import { describe, expect, test } from "vitest";
import { paint, paintOver } from "../../src/lib/canvas/level_painting";
import { category, pack, TRANSPARENT } from "../../src/lib/core/colors";
import { createTileStore, levelKey, topKey } from "../../src/lib/preview/tile_store";
import { SegmentationPainter } from "../../src/lib/segmentation/segmentation_views";
import type { SegmentationConfig } from "../../src/lib/segmentation/segmentation_wire";

const SIZE = { width: 5, height: 4 };
const PIXELS = SIZE.width * SIZE.height;

type LevelOf = (label: number, pixel: number) => number;

/** Of each pixel the levels and classes that are seen at some stop, a pair of planes for each class. */
function topsOf(classes: number, levelOf: LevelOf): Uint8Array {
  const tops = new Uint8Array(2 * classes * PIXELS);
  for (let pixel = 0; pixel < PIXELS; pixel++) {
    let highest = 0;
    for (let label = classes - 1, k = 0; label >= 0; label--) {
      const level = levelOf(label, pixel);
      if (level <= highest) continue;
      tops[2 * k * PIXELS + pixel] = highest = level;
      tops[(2 * k++ + 1) * PIXELS + pixel] = label;
    }
  }
  return tops;
}

function painter(classes: number, levelOf: LevelOf, has_tops = false) {
  const tiles = createTileStore(() => {});
  if (has_tops) tiles.put([{ key: topKey(0, 0), data: topsOf(classes, levelOf) }]);
  for (let label = 0; label < classes && !has_tops; label++) {
    const data = Uint8Array.from({ length: PIXELS }, (_, pixel) => levelOf(label, pixel));
    tiles.put([{ key: levelKey(0, 0, label), data }]);
  }
  const class_names = Array.from({ length: classes }, (_, label) => `class ${label}`);
  const stops = Array.from({ length: 11 }, (_, k) => k / 10);
  const config = {
    ...SIZE,
    task: "multilabel",
    class_names,
    stops,
    has_tops,
  } as unknown as SegmentationConfig;
  return new SegmentationPainter(config, tiles);
}

describe("many classes at once", () => {
  const levelOf = (label: number, pixel: number) => (7 * label + 3 * pixel) % 12;

  test.each([9, 40, 200])("of %i classes the last that passes covers the others", (classes) => {
    const at = Array.from({ length: classes }, (_, label) => 5 + (label % 6));
    const made = painter(classes, levelOf);
    made.set({ view: "overlay", shown: null, at, size: 0 });
    const passes = made.passes(0, 0) ?? [];
    expect(passes).toHaveLength(1);
    const region = { x: 1, y: 1, width: 3, height: 2 };
    const out = new Uint32Array(6);
    const [first] = passes;
    paint(out, first.plane, region, first.table);
    for (const next of first.over ?? []) paintOver(out, next.plane, region, next.table);
    const expected = [6, 7, 8, 11, 12, 13].map((pixel) => {
      const passing = at.map((k, label) => (levelOf(label, pixel) > k ? label : -1));
      const last = Math.max(...passing);
      return last < 0 ? TRANSPARENT : pack(category(last + 1));
    });
    expect([...out]).toEqual(expected);
  });

  test.each(["overlay", "mask", "heat"] as const)(
    "the %s of those that are seen at some stop is that of all",
    (view) => {
      const [ofAll, ofTops] = [false, true].map((hasTops) => painter(200, levelOf, hasTops));
      const whole = { x: 0, y: 0, ...SIZE };
      for (let k = 0; k < 11; k++) {
        const [expected, painted] = [ofAll, ofTops].map((made) => {
          made.set({ view, shown: null, at: Array(200).fill(k), size: 0 });
          const [first] = made.passes(0, 0) ?? [];
          const out = new Uint32Array(PIXELS);
          paint(out, first.plane, whole, first.table);
          for (const next of first.over ?? []) paintOver(out, next.plane, whole, next.table);
          return [...out];
        });
        expect(painted).toEqual(expected);
      }
      ofTops.set({ view, shown: 3, at: Array(200).fill(5), size: 0 });
      expect(ofTops.passes(0, 0)).toBeNull(); // its own levels are asked for
    },
  );

  test("few classes, and outlines, are drawn one by one", () => {
    const few = painter(8, levelOf);
    few.set({ view: "overlay", shown: null, at: Array(8).fill(5), size: 0 });
    expect(few.passes(0, 0)).toHaveLength(8);
    const many = painter(20, levelOf);
    many.set({ view: "outline", shown: null, at: Array(20).fill(5), size: 0 });
    expect(many.passes(0, 0)).toHaveLength(20);
  });
});
