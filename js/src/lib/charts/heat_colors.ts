// Layers × steps as colours of log₁₀.

import { css, pack, type Rgb, TRANSPARENT, viridis } from "../core/colors";
import type { Limits } from "./axis_scale";
import { type Columns, MISSING } from "./layer_columns";

/** Of what has no logarithm: bright where it is not finite, dull where it is zero. */
export const NOT_FINITE: Rgb = [213, 94, 0];
export const ZERO: Rgb = [128, 128, 128];

/** Columns that each pixel stands for: from, and up to but not including. */
export interface Pixels {
  from: Int32Array;
  to: Int32Array;
}

/** Which columns lie in each of `width` pixels of a window of steps; none before the first. */
export function pixelsOf(columns: Columns, [start, stop]: Limits, width: number): Pixels {
  const from = new Int32Array(width);
  const to = new Int32Array(width);
  for (let p = 0; p < width; p++) {
    const first = columns.at(start + ((stop - start) * p) / width);
    const last = columns.at(start + ((stop - start) * (p + 1)) / width - 1e-9);
    from[p] = Math.max(first, 0);
    to[p] = last + 1;
  }
  return { from, to };
}

/** The largest value of some rows in some columns; NaN wins, MISSING where there is none. */
export function largest(
  columns: Columns,
  rows: readonly number[],
  from: number,
  to: number,
): number {
  let found = MISSING;
  for (let k = from; k < to; k++) {
    for (const row of rows) found = Math.max(found, columns.value(row, k));
  }
  return found;
}

/** Smallest and largest log₁₀ of what has one, widened to half a decade at least. */
export function rangeOf(columns: Columns): Limits {
  let low = Number.POSITIVE_INFINITY;
  let high = 0;
  for (const column of columns.values) {
    for (const value of column) {
      if (value > 0 && value < Number.POSITIVE_INFINITY) {
        low = Math.min(low, value);
        high = Math.max(high, value);
      }
    }
  }
  if (!(low <= high)) return [-1, 0];
  const [from, to] = [Math.log10(low), Math.log10(high)];
  return to - from < 0.5 ? [from - 0.25, to + 0.25] : [Math.max(from, to - 12), to];
}

/** Colour of a value, as ImageData stores it. */
export function colorOf(value: number, [low, high]: Limits): number {
  if (value < 0) return TRANSPARENT;
  if (!Number.isFinite(value)) return pack(NOT_FINITE);
  if (value === 0) return pack(ZERO);
  return pack(viridis((Math.log10(value) - low) / (high - low)));
}

/** Fill width × rows.length colours, row after row. */
export function fillHeat(
  out: Uint32Array,
  columns: Columns,
  rows: readonly (readonly number[])[],
  pixels: Pixels,
  range: Limits,
): void {
  const width = pixels.from.length;
  rows.forEach((members, y) => {
    for (let p = 0; p < width; p++) {
      out[y * width + p] = colorOf(largest(columns, members, pixels.from[p], pixels.to[p]), range);
    }
  });
}

/** The colours of the scale as a CSS gradient. */
export function gradient(): string {
  const stops = Array.from({ length: 9 }, (_, i) => css(viridis(i / 8)));
  return `linear-gradient(to right, ${stops.join(", ")})`;
}
