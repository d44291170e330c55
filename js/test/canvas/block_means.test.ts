import { expect, it } from "vitest";
import { paintMeans, shrunk } from "../../src/lib/canvas/block_means";
import { makeColorTable, maskTable, type Plane } from "../../src/lib/canvas/level_painting";
import { pack } from "../../src/lib/core/colors";

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
  const out = new Uint32Array(140);
  for (const stop of [0, 20, 50, 90, 101]) {
    paintMeans(out, plane, region, maskTable([stop]), size);
    const color = (i: number) => (levels[i] > stop ? [255, 255, 255, 255] : [0, 0, 0, 255]);
    expect([...out]).toEqual(slow(plane, color));
  }
});

it("a transparent pixel adds no colour, with rows too", () => {
  const rows = Uint8Array.from(levels, (level) => level % 2);
  const plane = { width: 64, levels, rows };
  const table = makeColorTable(2, (level, row) => (row && level > 40 ? pack([200, 100, 0]) : 0));
  const out = new Uint32Array(140);
  paintMeans(out, plane, region, table, size);
  const color = (i: number) => (rows[i] && levels[i] > 40 ? [200, 100, 0, 255] : [0, 0, 0, 0]);
  expect([...out]).toEqual(slow(plane, color));
});

it("a solid colour stays what it is in blocks of any size", () => {
  const plane = { width: 64, levels: new Uint8Array(64 * 48).fill(9), rows: null };
  const out = new Uint32Array(13 * 7);
  paintMeans(out, plane, region, maskTable([3]), { width: 13, height: 7 });
  expect(new Set(out)).toEqual(new Set([0xffffffff]));
});

it("another region that begins in the same corner is painted anew", () => {
  const plane = { width: 64, levels, rows: null };
  const size = { width: 10, height: 8 };
  const painted = (width: number, fresh: Plane) => {
    const out = new Uint32Array(80);
    paintMeans(out, fresh, { x: 0, y: 0, width, height: 40 }, maskTable([50]), size);
    return out;
  };
  painted(60, plane);
  expect(painted(55, plane)).toEqual(painted(55, { ...plane, levels: levels.slice() }));
});

it("a map narrower than its blocks are high is read within its rows", () => {
  // Two columns: the left one on, the right one off, 2048 rows on 640.
  const narrow = Uint8Array.from({ length: 2 * 2048 }, (_, i) => (i % 2 === 0 ? 9 : 0));
  const out = new Uint32Array(640);
  const plane = { width: 2, levels: narrow, rows: null };
  const region = { x: 0, y: 0, width: 2, height: 2048 };
  paintMeans(out, plane, region, maskTable([3]), { width: 1, height: 640 });
  expect(new Set(out)).toEqual(new Set([pack([128, 128, 128])]));
});

it("only what is reduced is averaged", () => {
  expect(shrunk(region, { x: 0, y: 0, width: 20.4, height: 14.2 })).toEqual({
    width: 21,
    height: 15,
  });
  expect(shrunk(region, { x: 0, y: 0, width: 56, height: 40 })).toBe(region);
});
