// Every view of a map is a look-up table over (level, row), applied in one pass.

import {
  BLACK,
  BOTH,
  category,
  ONLY_FIRST,
  ONLY_SECOND,
  OTHER_CLASS,
  pack,
  TRANSPARENT,
  viridis,
  WHITE,
} from "../core/colors";

export const IGNORED_PIXEL = 255;
const DIMMED = 70;

export interface Size {
  width: number;
  height: number;
}

/** A rectangle of whole map pixels. */
export interface Region extends Size {
  x: number;
  y: number;
}

/** The input of a look-up table: for each pixel a level and, optionally, a row of the table. */
export interface Plane {
  width: number;
  levels: Uint8Array;
  rows: Uint8Array | Uint16Array | null;
}

/** A colour for each (row, level): entry `row * 256 + level`. */
export type ColorTable = Uint32Array;

export function makeColorTable(
  rows: number,
  color: (level: number, row: number) => number,
): ColorTable {
  const table = new Uint32Array(rows * 256);
  for (let row = 0; row < rows; row++) {
    for (let level = 0; level < 256; level++) table[row * 256 + level] = color(level, row);
  }
  return table;
}

/** 255 where p > t, else 0; row c has class c's stop. */
export function maskTable(at: readonly number[]): ColorTable {
  return makeColorTable(at.length, (level, c) => (level > at[c] ? WHITE : BLACK));
}

/** The class's colour where p > t, else nothing; nothing for class `unpainted` either. */
export function overlayTable(
  at: readonly number[],
  firstCategory: number,
  unpainted?: number,
): ColorTable {
  return makeColorTable(at.length, (level, c) =>
    level > at[c] && c !== unpainted ? pack(category(firstCategory + c)) : TRANSPARENT,
  );
}

/** Viridis of p, dimmed where p ≤ t. */
export function heatTable(at: readonly number[], numStops: number): ColorTable {
  return makeColorTable(at.length, (level, c) =>
    pack(viridis(level / numStops), level > at[c] ? 255 : DIMMED),
  );
}

export const TRUTH = { no: 0, yes: 1, ignored: 2 } as const;

/** Levels are the first model's, rows the second's. */
export function differenceTable(at: number): ColorTable {
  return makeColorTable(256, (level, other) => {
    if (level > at) return pack(other > at ? BOTH : ONLY_FIRST);
    return other > at ? pack(ONLY_SECOND) : TRANSPARENT;
  });
}

/** Levels and rows are the labels of two models, from 1; 0 is none. */
export function disagreementTable(numClasses: number): ColorTable {
  return makeColorTable(numClasses + 1, (first, second) => {
    if (first === second) return first === 0 ? TRANSPARENT : pack(BOTH);
    if (first === 0) return pack(ONLY_SECOND);
    return pack(second === 0 ? ONLY_FIRST : OTHER_CLASS);
  });
}

/** The label of each pixel by the argmax rule: class + 1, or 0 where it is below its threshold. */
export function decide(maximum: Uint8Array, argmax: Uint8Array, at: readonly number[]): Uint8Array {
  return maximum.map((level, i) => (level > at[argmax[i]] ? argmax[i] + 1 : 0));
}

/** Write the colours of a region, row by row, into `out`. */
export function paint(out: Uint32Array, plane: Plane, region: Region, table: ColorTable): void {
  const { width, levels, rows } = plane;
  let o = 0;
  for (let y = region.y; y < region.y + region.height; y++) {
    const start = y * width + region.x;
    const end = start + region.width;
    if (rows) for (let i = start; i < end; i++) out[o++] = table[(rows[i] << 8) | levels[i]];
    else for (let i = start; i < end; i++) out[o++] = table[levels[i]];
  }
}

/** Write the colours of a region into `out`, except where they are transparent. */
export function paintOver(out: Uint32Array, plane: Plane, region: Region, table: ColorTable): void {
  const { width, levels, rows } = plane;
  let o = 0;
  for (let y = region.y; y < region.y + region.height; y++) {
    const start = y * width + region.x;
    const end = start + region.width;
    for (let i = start; i < end; i++, o++) {
      const color = table[rows ? (rows[i] << 8) | levels[i] : levels[i]];
      if (color !== TRANSPARENT) out[o] = color;
    }
  }
}

/**
 * Keep only the outlines of the painted areas: pixels next to another colour or at the edge of the
 * map, but not at the edge of the region.
 */
export function keepOutline(out: Uint32Array, region: Region, map: Size): void {
  const { width, height } = region;
  const right = region.x + width < map.width;
  const below = region.y + height < map.height;
  const filled = out.slice(0, width * height);
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      const color = filled[i];
      if (color === TRANSPARENT) continue;
      const inside =
        (x === 0 ? region.x > 0 : filled[i - 1] === color) &&
        (x === width - 1 ? right : filled[i + 1] === color) &&
        (y === 0 ? region.y > 0 : filled[i - width] === color) &&
        (y === height - 1 ? below : filled[i + width] === color);
      if (inside) out[i] = TRANSPARENT;
    }
  }
}

/** The truth of one class against the rest at each pixel, from a mask or a label map. */
export function truthOf(target: Uint8Array, label: number): Uint8Array {
  return target.map((t) =>
    t === IGNORED_PIXEL ? TRUTH.ignored : t === label ? TRUTH.yes : TRUTH.no,
  );
}

/** Rows for the argmax rule: 3 × class + truth, whether that class is the target. */
export function agreementOf(target: Uint8Array, argmax: Uint8Array): Uint16Array {
  return Uint16Array.from(target, (t, i) => {
    const truth = t === IGNORED_PIXEL ? TRUTH.ignored : t === argmax[i] ? TRUTH.yes : TRUTH.no;
    return 3 * argmax[i] + truth;
  });
}
