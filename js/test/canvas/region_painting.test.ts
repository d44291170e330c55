import { expect, it, test } from "vitest";

import {
  differenceTable,
  heatTable,
  makeColorTable,
  maskTable,
  overlayTable,
  type Plane,
} from "../../src/lib/canvas/level_painting";
import { RegionPainting, shrunk } from "../../src/lib/canvas/region_painting";
import { pack, viridis } from "../../src/lib/core/colors";

const levels = Uint8Array.from({ length: 64 * 48 }, (_, i) => (i * 7919) % 102);
const region = { x: 4, y: 2, width: 56, height: 40 };
const size = { width: 14, height: 10 }; // blocks of 4 × 4

/** Mean of each block, computed slowly, colours weighted by alpha. */
function slow(plane: Plane, color: (i: number) => number[]): number[] {
  const out: number[] = [];
  for (let y = 0; y < size.height; y++) {
    for (let x = 0; x < size.width; x++) {
      const sum = [0, 0, 0, 0];
      for (let b = 0; b < 4; b++) {
        for (let a = 0; a < 4; a++) {
          const [r, g, bl, alpha] = color(
            (region.y + 4 * y + b) * plane.width + region.x + 4 * x + a,
          );
          sum[0] += r * (alpha / 255);
          sum[1] += g * (alpha / 255);
          sum[2] += bl * (alpha / 255);
          sum[3] += alpha;
        }
      }
      const opaque = sum[3] / 255 || 1;
      const [r, g, b] = sum.map((v) => Math.round(v / opaque));
      out.push(pack([r, g, b], Math.round(sum[3] / 16)));
    }
  }
  return out;
}

it("each screen pixel is the mean of the map pixels under it, at every position of the dial", () => {
  const plane = { width: 64, levels, rows: null };
  const painting = new RegionPainting();
  for (const stop of [0, 20, 50, 90, 101]) {
    const out = painting.paint(plane, region, size, maskTable([stop]));
    const color = (i: number) => (levels[i] > stop ? [255, 255, 255, 255] : [0, 0, 0, 255]);
    expect([...out]).toEqual(slow(plane, color));
  }
});

it("a transparent pixel adds no colour, with rows too", () => {
  const rows = Uint8Array.from(levels, (level) => level % 2);
  const plane = { width: 64, levels, rows };
  const table = makeColorTable(2, (level, row) => (row && level > 40 ? pack([200, 100, 0]) : 0));
  const out = new RegionPainting().paint(plane, region, size, table);
  const color = (i: number) => (rows[i] && levels[i] > 40 ? [200, 100, 0, 255] : [0, 0, 0, 0]);
  expect([...out]).toEqual(slow(plane, color));
});

it("a solid colour stays what it is in blocks of any size", () => {
  const plane = { width: 64, levels: new Uint8Array(64 * 48).fill(9), rows: null };
  const size = { width: 13, height: 7 };
  const out = new RegionPainting().paint(plane, region, size, maskTable([3]));
  expect(new Set(out)).toEqual(new Set([0xffffffff]));
});

it("colours of half transparent pixels are weighted by alpha", () => {
  const plane = { width: 64, levels, rows: null };
  const out = new RegionPainting().paint(plane, region, size, heatTable([50], 101));
  const color = (i: number) => [...viridis(levels[i] / 101), levels[i] > 50 ? 255 : 70];
  expect([...out]).toEqual(slow(plane, color));
});

const WIDE = { x: 0, y: 0, width: 64, height: 48 };
const ROWS = Uint8Array.from(levels, (level) => (level * 31) % 5);
const AT = [40, 41, 42, 60, 20, 101, 0, 3];

test.each([
  ["a mask", null, (k: number) => maskTable([k])],
  ["a heat map", null, (k: number) => heatTable([k], 101)],
  ["classes", ROWS, (k: number) => overlayTable([k, 50, k, 50, k + 1], 0, 0)],
  ["two models", Uint8Array.from(levels).reverse(), (k: number) => differenceTable(k)],
])("a moved dial paints what a fresh painting has: %s", (_, rows, tableAt) => {
  const plane = { width: 64, levels, rows };
  for (const [part, at] of [
    [WIDE, WIDE], // a screen pixel for each
    [WIDE, { width: 37, height: 27 }], // blocks that share pixels
    [region, size],
    [region, { width: 5, height: 3 }],
  ] as const) {
    const painting = new RegionPainting();
    for (const k of AT) {
      const fresh = new RegionPainting().paint(plane, part, at, tableAt(k));
      expect(painting.paint(plane, part, at, tableAt(k))).toEqual(fresh);
    }
  }
});

it("another region, size or map is painted anew", () => {
  const plane = { width: 64, levels, rows: null };
  const painting = new RegionPainting();
  const other = { ...plane, levels: levels.slice().reverse() };
  for (const [now, part, at] of [
    [plane, WIDE, size],
    [plane, region, size],
    [plane, region, { width: 10, height: 8 }],
    [other, region, { width: 10, height: 8 }],
    [{ ...other, rows: ROWS }, region, { width: 10, height: 8 }],
  ] as const) {
    for (const table of [maskTable([50, 20, 30, 40, 60]), maskTable([51, 20, 30, 40, 60])]) {
      const fresh = new RegionPainting().paint(now, part, at, table);
      expect(painting.paint(now, part, at, table)).toEqual(fresh);
    }
  }
});

it("a map narrower than its blocks are high is read within its rows", () => {
  // Two columns: the left one on, the right one off, 2048 rows on 640.
  const narrow = Uint8Array.from({ length: 2 * 2048 }, (_, i) => (i % 2 === 0 ? 9 : 0));
  const plane = { width: 2, levels: narrow, rows: null };
  const region = { x: 0, y: 0, width: 2, height: 2048 };
  const size = { width: 1, height: 640 };
  const out = new RegionPainting().paint(plane, region, size, maskTable([3]));
  expect(new Set(out)).toEqual(new Set([pack([128, 128, 128])]));
});

it("only what is reduced is averaged", () => {
  expect(shrunk(region, { x: 0, y: 0, width: 20.4, height: 14.2 })).toEqual({
    width: 21,
    height: 15,
  });
  expect(shrunk(region, { x: 0, y: 0, width: 56, height: 40 })).toBe(region);
});
