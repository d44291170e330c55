// The errors view: a pale grey picture, hits outlined thinly, false alarms and misses filled; hatching
// and dots tell these apart without colour. Lines and patterns are in screen pixels, at any zoom.

import { FALSE_NEGATIVE, FALSE_POSITIVE, pack, TRUE_POSITIVE } from "../core/colors";
import { type Plane, type Region, type Size, TRUTH } from "./level_painting";

/** What a pixel is; of several classes at one pixel the highest counts. */
export const KIND = { right: 0, hit: 1, falseAlarm: 2, miss: 3 } as const;

/** The kind for each (row, level): entry `row * 256 + level`. */
export type KindTable = Uint8Array;

export interface KindLayer {
  plane: Plane;
  table: KindTable;
}

const HIT = pack(TRUE_POSITIVE);
const FALSE_ALARM = pack(FALSE_POSITIVE, 0);
const HATCHING = pack([0, 0, 0], 0);
const MISS = pack(FALSE_NEGATIVE, 0);
const DOTS = pack([255, 255, 255], 0);
// One number holds how many hits, false alarms and misses there are under a screen pixel.
const BASE = 2 ** 16;
const WEIGHTS = Float64Array.of(0, 1, BASE, BASE ** 2);
const PERIOD = 6; // of hatching and dots, in CSS pixels

/**
 * Rows are 3 × class + truth.
 *
 * By the argmax rule (`exhaustive`) every pixel has a class, so one below its threshold is missed; the
 * background, class 0, is right where it is found, as nothing is outlined there.
 */
export function kindTable(at: readonly number[], exhaustive = false): KindTable {
  const table = new Uint8Array(3 * at.length * 256);
  for (let row = 0; row < 3 * at.length; row++) {
    const truth = row % 3;
    if (truth === TRUTH.ignored) continue; // right, at any level
    const isThere = truth === TRUTH.yes;
    const found = exhaustive && row < 3 ? KIND.right : KIND.hit;
    const [start, on] = [row * 256, row * 256 + at[(row - truth) / 3] + 1];
    table.fill(exhaustive || isThere ? KIND.miss : KIND.right, start, on);
    table.fill(isThere ? found : KIND.falseAlarm, on, start + 256);
  }
  return table;
}

/** The size at which a region is painted: in CSS pixels, or finer where the map is. */
export function errorSize(region: Region, dest: Region, density: number): Size {
  const side = (of: "width" | "height") =>
    Math.ceil(
      Math.min(dest[of], Math.max(region[of], dest[of] / Math.max(1, Math.floor(density)))),
    );
  return { width: side("width"), height: side("height") };
}

/** Write the errors of a region; a CSS pixel is `unit` pixels of `size`. */
export function paintErrors(
  out: Uint32Array,
  layers: readonly KindLayer[],
  region: Region,
  map: Size,
  size: Size,
  unit: number,
): void {
  const { width, height } = size;
  const { kinds, shares } = kindsOf(layers, region, size);
  const period = Math.max(3, Math.round(PERIOD * unit));
  const mark = Math.round(period / 3);
  const ends = {
    left: region.x === 0,
    right: region.x + region.width === map.width,
    above: region.y === 0,
    below: region.y + region.height === map.height,
  };
  const isRim = (x: number, y: number, i: number) =>
    (x > 0 ? kinds[i - 1] === KIND.right : ends.left) ||
    (x < width - 1 ? kinds[i + 1] === KIND.right : ends.right) ||
    (y > 0 ? kinds[i - width] === KIND.right : ends.above) ||
    (y < height - 1 ? kinds[i + width] === KIND.right : ends.below);
  out.fill(0);
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      const kind = kinds[i];
      if (kind === KIND.right) continue;
      if (kind === KIND.hit) {
        if (isRim(x, y, i)) out[i] = HIT;
        continue;
      }
      const isMiss = kind === KIND.miss;
      const isMarked = isMiss ? x % period < mark && y % period < mark : (x + y) % period < mark;
      const color = isMarked ? (isMiss ? DOTS : HATCHING) : isMiss ? MISS : FALSE_ALARM;
      out[i] = (color | (shares[i] << 24)) >>> 0;
    }
  }
}

/**
 * The kind of each pixel of `size`, and the alpha of its fill. A pixel with several map pixels under
 * it shows an error where one of them is, as strongly as they are many.
 */
function kindsOf(layers: readonly KindLayer[], region: Region, size: Size) {
  const map = kindsOfMap(layers, region);
  const columns = starts(region.width, size.width);
  const rows = starts(region.height, size.height);
  const kinds = new Uint8Array(size.width * size.height);
  const shares = new Uint8Array(kinds.length).fill(255);
  const isReduced = size.width < region.width;
  for (let y = 0, i = 0; y < size.height; y++, i += size.width) {
    if (isReduced) reduceRow(kinds, shares, i, map, region.width, columns, rows[y], rows[y + 1]);
    else if (y > 0 && rows[y] === rows[y - 1]) kinds.copyWithin(i, i - size.width, i);
    else {
      const start = rows[y] * region.width;
      for (let x = 0; x < size.width; x++) kinds[i + x] = map[start + columns[x]];
    }
  }
  return { kinds, shares };
}

/** Write a row of screen pixels, from place `i`, over the map rows from `top` to `below`. */
function reduceRow(
  kinds: Uint8Array,
  shares: Uint8Array,
  i: number,
  map: Uint8Array,
  mapWidth: number,
  columns: Int32Array,
  top: number,
  below: number,
): void {
  for (let x = 0; x < columns.length - 1; x++) {
    let sum = 0;
    for (let row = top; row < below; row++) {
      const end = row * mapWidth + columns[x + 1];
      for (let m = row * mapWidth + columns[x]; m < end; m++) sum += WEIGHTS[map[m]];
    }
    if (sum === 0) continue;
    const misses = Math.floor(sum / WEIGHTS[KIND.miss]);
    const falseAlarms = Math.floor(sum / WEIGHTS[KIND.falseAlarm]) % BASE;
    const all = (below - top) * (columns[x + 1] - columns[x]);
    if (misses + falseAlarms > 0) {
      kinds[i + x] = falseAlarms > misses ? KIND.falseAlarm : KIND.miss;
      shares[i + x] = Math.round((255 * (misses + falseAlarms)) / all);
    } else if (2 * sum >= all) kinds[i + x] = KIND.hit;
  }
}

let scratch = new Uint8Array();

/** The kind of each map pixel of a region, valid until the next call. */
function kindsOfMap(layers: readonly KindLayer[], { x, y, width, height }: Region): Uint8Array {
  if (scratch.length < width * height) scratch = new Uint8Array(width * height);
  const out = scratch;
  layers.forEach(({ plane: { levels, rows, width: whole }, table }, l) => {
    for (let row = 0, o = 0; row < height; row++) {
      const start = (y + row) * whole + x;
      for (let i = start; i < start + width; i++, o++) {
        const kind = table[rows ? (rows[i] << 8) | levels[i] : levels[i]];
        if (l === 0 || kind > out[o]) out[o] = kind;
      }
    }
  });
  return out;
}

/** First map pixel under each of `count` screen pixels, and the end. */
function starts(size: number, count: number): Int32Array {
  const middle = size < count ? 0.5 : 0;
  return Int32Array.from({ length: count + 1 }, (_, i) =>
    i === count ? size : Math.floor(((i + middle) * size) / count),
  );
}
