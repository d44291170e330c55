// A region of a map in colours. Where it has fewer screen pixels than map pixels, each of them is the
// mean of the map pixels under it.

import { type ColorTable, type Plane, paint, type Region, type Size } from "./level_painting";

/** The size at which to paint a region: that on screen, where it is smaller. */
export function shrunk(region: Region, dest: Region): Size {
  if (dest.width >= region.width) return region;
  return { width: Math.ceil(dest.width), height: Math.ceil(dest.height) };
}

/** Above this share of changed pixels, all are painted. */
const MOST_CHANGED = 0.4;

/**
 * Paints again only what changes: a moved dial changes the colours of a few levels, and where these
 * are in a map is found once.
 */
export class RegionPainting {
  #plane: Plane = { width: 0, levels: new Uint8Array(), rows: null };
  #place = "";
  #blocks: Blocks | null = null; // of that place
  #table: ColorTable = new Uint32Array();
  #sorted: SortedPixels | null = null;
  #out = new Uint32Array();
  #mixes: Mixes | null = null; // of a table of two colours
  #counts = new Uint32Array(); // then for each screen pixel the map pixels of the second one

  /** The colours of a region at a size, row by row; valid until the next call. */
  paint(plane: Plane, region: Region, size: Size, table: ColorTable): Uint32Array<ArrayBuffer> {
    const place = [region.x, region.y, region.width, region.height, size.width, size.height].join();
    const isSame = plane.levels === this.#plane.levels && plane.rows === this.#plane.rows;
    const changed = isSame && place === this.#place ? changes(this.#table, table) : null;
    if (!isSame || table.length !== this.#table.length) this.#sorted = null;
    if (this.#out.length !== size.width * size.height) {
      this.#out = new Uint32Array(size.width * size.height);
    }
    if (place !== this.#place) this.#blocks = null;
    this.#plane = plane;
    this.#place = place;
    this.#table = table;
    if (changed?.length === 0) return this.#out;
    this.#blocks ??= blocksOf(region, size);
    const blocks = this.#blocks;
    const mixes = mixesOf(table, blocks.block);
    const isSameKind = `${mixes?.pair}` === `${this.#mixes?.pair}`;
    this.#mixes = mixes;
    const few = changed && isSameKind && this.#fewPixels(changed);
    if (few) this.#paintChanged(region, blocks, few);
    else this.#paintAll(region, blocks);
    return this.#out;
  }

  /** The pixels of each of some entries of the table; null where they are many. */
  #fewPixels(entries: readonly number[]): [entry: number, pixels: Uint32Array][] | null {
    this.#sorted ??= sortPixels(this.#plane, this.#table.length);
    const { starts, pixels } = this.#sorted;
    const count = entries.reduce((sum, e) => sum + starts[e + 1] - starts[e], 0);
    if (count > MOST_CHANGED * pixels.length) return null;
    return entries.map((e) => [e, pixels.subarray(starts[e], starts[e + 1])]);
  }

  #paintAll(region: Region, { xs, ys, block }: Blocks): void {
    const [out, plane, table, mixes] = [this.#out, this.#plane, this.#table, this.#mixes];
    if (block.width * block.height === 1) {
      paint(out, plane, region, table);
      return;
    }
    if (mixes) this.#counts = new Uint32Array(out.length);
    const counts = this.#counts;
    let o = 0;
    for (const y of ys) {
      for (const x of xs) {
        const start = y * plane.width + x;
        if (mixes) {
          counts[o] = countOf(mixes.pair[1], plane, start, block, table);
          out[o] = mixes.colors[counts[o]];
        } else out[o] = mean(plane, start, block, table);
        o++;
      }
    }
  }

  /** Paint the screen pixels over some map pixels. */
  #paintChanged(
    region: Region,
    { xs, ys, block, columns, rows }: Blocks,
    changed: readonly (readonly [number, Uint32Array])[],
  ): void {
    const [out, plane, table, mixes] = [this.#out, this.#plane, this.#table, this.#mixes];
    const counts = this.#counts;
    const colors = mixes?.colors;
    const done = new Uint8Array(mixes ? 0 : out.length);
    const [across, right, below] = [xs.length, region.x + region.width, region.y + region.height];
    for (const [entry, pixels] of changed) {
      const more = table[entry] === mixes?.pair[1] ? 1 : -1;
      let y = 0;
      let start = 0; // of row y
      for (let i = 0; i < pixels.length; i++) {
        while (pixels[i] >= start + plane.width) {
          start += plane.width;
          y++;
        }
        const x = pixels[i] - start;
        if (y < region.y || y >= below || x < region.x || x >= right) continue;
        const leftmost = columns.first[x - region.x];
        const rightmost = columns.last[x - region.x];
        const lowest = rows.last[y - region.y];
        for (let by = rows.first[y - region.y]; by <= lowest; by++) {
          for (let bx = leftmost; bx <= rightmost; bx++) {
            const o = by * across + bx;
            if (colors) {
              counts[o] += more;
              out[o] = colors[counts[o]];
            } else if (!done[o]) {
              done[o] = 1;
              out[o] = mean(plane, ys[by] * plane.width + xs[bx], block, table);
            }
          }
        }
      }
    }
  }
}

/** The entries in which two tables differ; null where these are not the same entries. */
function changes(before: ColorTable, now: ColorTable): number[] | null {
  if (before.length !== now.length) return null;
  const entries: number[] = [];
  for (let e = 0; e < now.length; e++) if (before[e] !== now[e]) entries.push(e);
  return entries;
}

/** The pixels of a map by their entry in a table: those of each from `starts[entry]`. */
interface SortedPixels {
  starts: Uint32Array;
  pixels: Uint32Array;
}

function sortPixels({ levels, rows }: Plane, numEntries: number): SortedPixels {
  const starts = new Uint32Array(numEntries + 1);
  for (let i = 0; i < levels.length; i++)
    starts[(rows ? (rows[i] << 8) | levels[i] : levels[i]) + 1]++;
  for (let entry = 0; entry < numEntries; entry++) starts[entry + 1] += starts[entry];
  const next = starts.slice();
  const pixels = new Uint32Array(levels.length);
  for (let i = 0; i < levels.length; i++)
    pixels[next[rows ? (rows[i] << 8) | levels[i] : levels[i]]++] = i;
  return { starts, pixels };
}

/** The columns and rows in which the map pixels under each screen pixel begin. */
interface Blocks {
  xs: Int32Array;
  ys: Int32Array;
  block: Size;
  /** The blocks over each map column and row of the region. */
  columns: Cover;
  rows: Cover;
}

interface Cover {
  first: Int32Array;
  last: Int32Array;
}

function blocksOf(region: Region, size: Size): Blocks {
  const width = Math.ceil(region.width / size.width);
  const height = Math.ceil(region.height / size.height);
  const xs = starts(region.x, region.width, size.width, width);
  const ys = starts(region.y, region.height, size.height, height);
  return {
    block: { width, height },
    xs,
    ys,
    columns: coverOf(xs, width, region.x, region.width),
    rows: coverOf(ys, height, region.y, region.height),
  };
}

/** Start of each block, evenly spread; neighbouring blocks may share a pixel. */
function starts(from: number, size: number, count: number, side: number): Int32Array {
  return Int32Array.from(
    { length: count },
    (_, i) => from + Math.min(Math.floor((i * size) / count), size - side),
  );
}

/** The first and the last block of a side over each map column, or row. */
function coverOf(starts: Int32Array, side: number, from: number, size: number): Cover {
  const cover = { first: new Int32Array(size), last: new Int32Array(size) };
  let [first, last] = [0, 0];
  for (let i = 0; i < size; i++) {
    while (starts[first] + side <= from + i) first++;
    while (starts[last + 1] <= from + i) last++;
    cover.first[i] = first;
    cover.last[i] = last;
  }
  return cover;
}

/** How many pixels of a block have a colour. */
function countOf(
  color: number,
  { levels, rows, width: whole }: Plane,
  start: number,
  { width, height }: Size,
  table: ColorTable,
): number {
  let count = 0;
  for (let b = 0, i = start; b < height; b++, i += whole) {
    for (let a = i; a < i + width; a++) {
      count += Number(table[rows ? (rows[a] << 8) | levels[a] : levels[a]] === color);
    }
  }
  return count;
}

/** The mean colour of a block, weighted by alpha: a transparent pixel adds no colour. */
function mean(
  { levels, rows, width: whole }: Plane,
  start: number,
  { width, height }: Size,
  table: ColorTable,
): number {
  let [red, green, blue, alpha] = [0, 0, 0, 0];
  for (let b = 0, i = start; b < height; b++, i += whole) {
    for (let a = i; a < i + width; a++) {
      const color = table[rows ? (rows[a] << 8) | levels[a] : levels[a]];
      const share = color >>> 24;
      red += (color & 255) * share;
      green += ((color >>> 8) & 255) * share;
      blue += ((color >>> 16) & 255) * share;
      alpha += share;
    }
  }
  return colorOf(red, green, blue, alpha, width * height);
}

/** The mean of two colours for each count of the second one in a block. */
interface Mixes {
  pair: readonly [number, number];
  colors: Uint32Array;
}

/** The mixes of a table of two colours, where blocks have more than one pixel; else null. */
function mixesOf(table: ColorTable, { width, height }: Size): Mixes | null {
  const area = width * height;
  const pair = [table[0], table[table.length - 1]] as const;
  if (area === 1 || pair[0] === pair[1] || !table.every((one) => pair.includes(one))) return null;
  const colors = Uint32Array.from({ length: area + 1 }, (_, count) => {
    const [a, b] = [(area - count) * (pair[0] >>> 24), count * (pair[1] >>> 24)];
    const sum = (shift: number) =>
      a * ((pair[0] >>> shift) & 255) + b * ((pair[1] >>> shift) & 255);
    return colorOf(sum(0), sum(8), sum(16), a + b, area);
  });
  return { pair, colors };
}

/** A colour from sums over `area` pixels, which are weighted by alpha. */
function colorOf(red: number, green: number, blue: number, alpha: number, area: number): number {
  if (alpha === 0) return 0;
  return (
    ((Math.round(alpha / area) << 24) |
      (Math.round(blue / alpha) << 16) |
      (Math.round(green / alpha) << 8) |
      Math.round(red / alpha)) >>>
    0
  );
}
