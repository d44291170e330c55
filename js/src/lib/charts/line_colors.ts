// Colours of lines on the host's ground, light or dark.

import { category, css, type Rgb } from "../core/colors";

/** The categories as lines: black, which a dark ground hides, and yellow, which a light one does, last. */
const ORDER = [5, 6, 3, 7, 1, 2, 0, 4];

export interface Ink {
  text: string;
  faint: string;
  line: string;
  ground: string;
  accent: string;
  warning: string;
  font: string;
  /** Colour of line number i. */
  curve(i: number): string;
}

/** Read "rgb(1, 2, 3)" and what else a browser computes a colour to. */
export function readRgb(text: string): Rgb {
  const numbers = (text.match(/[\d.]+/g) ?? []).map(Number);
  const scale = text.startsWith("color(") ? 255 : 1;
  const [r, g, b] = numbers.length >= 3 ? numbers : [0, 0, 0];
  return [r * scale, g * scale, b * scale];
}

/** Mix two colours: `share` of the first. */
export function mix(one: Rgb, other: Rgb, share: number): Rgb {
  return one.map((v, i) => Math.round(v * share + other[i] * (1 - share))) as unknown as Rgb;
}

export function inkOf(root: HTMLElement): Ink {
  const style = getComputedStyle(root);
  const text = style.color;
  const rgb = readRgb(text);
  const of = (name: string) => style.getPropertyValue(`--torchdial-${name}`).trim();
  return {
    text,
    faint: of("faint"),
    line: of("line"),
    ground: of("ground"),
    accent: of("accent"),
    warning: of("warning"),
    font: `11px ${style.fontFamily}`,
    curve: (i) => css(mix(category(ORDER[i % ORDER.length] + 8 * Math.floor(i / 8)), rgb, 0.82)),
  };
}
