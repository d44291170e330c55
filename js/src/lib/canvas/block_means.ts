// Draws a region on fewer screen pixels: each is the mean of the map pixels under it.

import type { ColorTable, Plane, Region, Size } from "./level_painting";

const EVEN_BYTES = 0xff00ff;

/** Lowest and highest level under each screen pixel. */
interface Extremes {
  key: string;
  low: Uint8Array;
  high: Uint8Array;
}

const extremesKnown = new WeakMap<Uint8Array, Extremes>();

/** The size at which to paint a region: that on screen, where it is smaller. */
export function shrunk(region: Region, dest: Region): Size {
  if (dest.width >= region.width) return region;
  return { width: Math.ceil(dest.width), height: Math.ceil(dest.height) };
}

/**
 * Write the mean colours of a region.
 *
 * Most blocks lie on one side of the dial: where their lowest and highest level have the same colour,
 * every level between them has it too, and no pixel is read.
 */
export function paintMeans(
  out: Uint32Array,
  plane: Plane,
  region: Region,
  table: ColorTable,
  { width, height }: Size,
): void {
  const block = {
    width: Math.ceil(region.width / width),
    height: Math.ceil(region.height / height),
  };
  const xs = starts(region.x, region.width, width, block.width);
  const ys = starts(region.y, region.height, height, block.height).map((y) => y * plane.width);
  const key = [region.x, region.y, region.width, region.height, width, height].join();
  const { low, high } = extremesOf(plane, xs, ys, block, key);
  for (let y = 0, o = 0; y < height; y++) {
    for (let x = 0; x < width; x++, o++) {
      const same = !plane.rows && table[low[o]] === table[high[o]];
      out[o] = same ? table[low[o]] : mean(plane, ys[y] + xs[x], block, table);
    }
  }
}

/** Start of each block, evenly spread; neighbouring blocks may share a pixel. */
function starts(from: number, size: number, count: number, side: number): Int32Array {
  return Int32Array.from(
    { length: count },
    (_, i) => from + Math.min(Math.floor((i * size) / count), size - side),
  );
}

function extremesOf(
  plane: Plane,
  xs: Int32Array,
  ys: Int32Array,
  block: Size,
  key: string,
): Extremes {
  const { levels, width } = plane;
  const old = extremesKnown.get(levels);
  if (old?.key === key) return old;
  const low = new Uint8Array(xs.length * ys.length);
  const high = low.slice();
  let o = 0;
  for (const y of plane.rows ? [] : ys) {
    for (const x of xs) {
      let least = 255;
      let most = 0;
      for (let b = 0, i = y + x; b < block.height; b++, i += width) {
        for (let a = i; a < i + block.width; a++) {
          const level = levels[a];
          if (level < least) least = level;
          if (level > most) most = level;
        }
      }
      low[o] = least;
      high[o++] = most;
    }
  }
  const extremes = { key, low, high };
  if (!plane.rows) extremesKnown.set(levels, extremes);
  return extremes;
}

/** The mean colour of a block, weighted by alpha: a transparent pixel adds no colour. */
function mean(
  { levels, rows, width }: Plane,
  start: number,
  block: Size,
  table: ColorTable,
): number {
  let redBlue = 0;
  let greenAlpha = 0;
  for (let b = 0, i = start; b < block.height; b++, i += width) {
    for (let a = i; a < i + block.width; a++) {
      const color = table[rows ? (rows[a] << 8) | levels[a] : levels[a]];
      redBlue += color & EVEN_BYTES;
      greenAlpha += (color >>> 8) & EVEN_BYTES;
    }
  }
  const alpha = greenAlpha >>> 16;
  if (alpha === 0) return 0;
  const byte = (sum: number) => Math.round((sum * 255) / alpha);
  return (
    ((Math.round(alpha / (block.width * block.height)) << 24) |
      (byte(redBlue >>> 16) << 16) |
      (byte(greenAlpha & 0xffff) << 8) |
      byte(redBlue & 0xffff)) >>>
    0
  );
}
