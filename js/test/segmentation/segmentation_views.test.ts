import { describe, expect, test } from "vitest";
import { paint, paintOver } from "../../src/lib/canvas/level_painting";
import { category, pack, TRANSPARENT } from "../../src/lib/core/colors";
import { createTileStore, levelKey } from "../../src/lib/preview/tile_store";
import { SegmentationPainter } from "../../src/lib/segmentation/segmentation_views";
import type { SegmentationConfig } from "../../src/lib/segmentation/segmentation_wire";

const SIZE = { width: 5, height: 4 };
const PIXELS = SIZE.width * SIZE.height;

function painter(classes: number, levelOf: (label: number, pixel: number) => number) {
  const tiles = createTileStore(() => {});
  for (let label = 0; label < classes; label++) {
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

  test("few classes, and outlines, are drawn one by one", () => {
    const few = painter(8, levelOf);
    few.set({ view: "overlay", shown: null, at: Array(8).fill(5), size: 0 });
    expect(few.passes(0, 0)).toHaveLength(8);
    const many = painter(20, levelOf);
    many.set({ view: "outline", shown: null, at: Array(20).fill(5), size: 0 });
    expect(many.passes(0, 0)).toHaveLength(20);
  });
});
