// Colours as little-endian ABGR words, as ImageData stores them.

import { clamp } from "./clamp";

export type Rgb = readonly [number, number, number];

/** Okabe and Ito's colours in their order, distinguishable with colour blindness. */
const CATEGORIES: readonly Rgb[] = [
  [0, 0, 0],
  [230, 159, 0],
  [86, 180, 233],
  [0, 158, 115],
  [240, 228, 66],
  [0, 114, 178],
  [213, 94, 0],
  [204, 121, 167],
];

export const NUM_HUES = CATEGORIES.length;

export const TRUE_POSITIVE: Rgb = [0, 158, 115];
export const FALSE_POSITIVE: Rgb = [213, 94, 0];
export const FALSE_NEGATIVE: Rgb = [0, 114, 178];

export const BOTH: Rgb = [150, 150, 150];
/** The colours of two models, none of which stands for an error; theme.css has them, too. */
export const ONLY_FIRST: Rgb = [142, 68, 173];
export const ONLY_SECOND: Rgb = [184, 134, 11];
export const OTHER_CLASS: Rgb = [0, 158, 115];

// Viridis at eighths.
const VIRIDIS: readonly Rgb[] = [
  [68, 1, 84],
  [71, 45, 123],
  [59, 82, 139],
  [44, 114, 142],
  [33, 145, 140],
  [40, 174, 128],
  [94, 201, 98],
  [173, 220, 48],
  [253, 231, 37],
];

export const TRANSPARENT = 0;
export const BLACK = 0xff000000;
export const WHITE = 0xffffffff;

export function pack([r, g, b]: Rgb, alpha = 255): number {
  return ((alpha << 24) | (b << 16) | (g << 8) | r) >>> 0;
}

export function css([r, g, b]: Rgb): string {
  return `rgb(${r}, ${g}, ${b})`;
}

/** Colour of a category; after eight the colours repeat, lighter. The first is black, for the
 * background that multiclass labels usually begin with; other tasks begin at 1. */
export function category(index: number): Rgb {
  const base = CATEGORIES[index % CATEGORIES.length];
  const light = Math.min(0.75, 0.35 * Math.floor(index / CATEGORIES.length));
  return base.map((v) => Math.round(v + (255 - v) * light)) as unknown as Rgb;
}

/** Viridis at a fraction from 0 to 1. */
export function viridis(fraction: number): Rgb {
  const place = clamp(fraction, 0, 1) * (VIRIDIS.length - 1);
  const low = Math.min(Math.floor(place), VIRIDIS.length - 2);
  const t = place - low;
  return VIRIDIS[low].map((v, i) =>
    Math.round(v + (VIRIDIS[low + 1][i] - v) * t),
  ) as unknown as Rgb;
}

/** Viridis from its darkest to its brightest, as colours of CSS. */
export const VIRIDIS_SCALE: readonly string[] = VIRIDIS.map(css);

/** Black or white, whichever has the higher contrast on a colour. */
export function inkOn(color: Rgb): "black" | "white" {
  return luminance(color) > 0.179 ? "black" : "white";
}

/** Relative luminance, 0 … 1 (WCAG 2.2). */
export function luminance(color: Rgb): number {
  const [r, g, b] = color.map((v) => {
    const part = v / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** Contrast of two colours, 1 … 21 (WCAG 2.2). */
export function contrast(one: Rgb, other: Rgb): number {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}
