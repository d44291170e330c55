// Colours of lines on the host's ground, light or dark.

import { category, contrast, css, type Rgb } from "../core/colors";

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
  /** Colour of line number i, and a paler one for raw values behind their average. */
  curve(i: number): string;
  pale(i: number): string;
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

/** What a line needs on its ground (WCAG 2.2, 1.4.11). */
export const LEAST_CONTRAST = 3;

/** Colour number i as a line: mixed with the text's colour until it stands out from the ground. */
export function curveColor(i: number, text: Rgb, ground: Rgb): Rgb {
  const base = category(ORDER[i % ORDER.length] + 8 * Math.floor(i / 8));
  for (let share = 0.82; share > 0; share -= 0.04) {
    const color = mix(base, text, share);
    if (contrast(color, ground) >= LEAST_CONTRAST) return color;
  }
  return text;
}

/** A colour as near to the ground as a line may be, and at most half-way. */
export function paleColor(color: Rgb, ground: Rgb): Rgb {
  for (let share = 0.5; share < 1; share += 0.05) {
    const pale = mix(color, ground, share);
    if (contrast(pale, ground) >= LEAST_CONTRAST) return pale;
  }
  return color;
}

export function inkOf(root: HTMLElement): Ink {
  const style = getComputedStyle(root);
  const text = style.color;
  const [rgb, behind] = [readRgb(text), readRgb(style.backgroundColor)];
  const curve = (i: number) => curveColor(i, rgb, behind);
  const of = (name: string) => style.getPropertyValue(`--torchdial-${name}`).trim();
  return {
    text,
    faint: of("faint"),
    line: of("line"),
    ground: of("ground"),
    accent: of("accent"),
    warning: of("warning"),
    font: `11px ${style.fontFamily}`,
    curve: (i) => css(curve(i)),
    pale: (i) => css(paleColor(curve(i), behind)),
  };
}
