// Draws boxes, their names and links between them in whole device pixels, sharp at any zoom and
// pixel density.

import type { Region } from "../canvas/level_painting";
import { clamp } from "../core/clamp";
import { css, inkOn, type Rgb } from "../core/colors";
import { contextOf, h } from "../core/dom";
import type { Corners } from "./box_marks";
import { placeLabels } from "./label_placement";

/** From map pixels to canvas pixels. */
export interface CanvasTransform {
  width: number;
  height: number;
  x(at: number): number;
  y(at: number): number;
  /** Canvas pixels in a map pixel. */
  scale: number;
  /** Canvas pixels in a CSS pixel. */
  unit: number;
}

export interface Stroke {
  color: Rgb;
  /** In CSS pixels. */
  width: number;
  /** Lengths of dashes and gaps, in CSS pixels. */
  dash?: readonly number[];
  alpha?: number;
}

/** A box with its stroke, and a rim that keeps it visible on pictures of the same colour. */
export interface StrokedBox {
  corners: Corners;
  stroke: Stroke;
  rim?: Stroke;
}

/** How a box is filled, so that it is recognised without colour. */
export type Pattern = "hatched" | "dots";

export interface Label {
  corners: Corners;
  text: string;
  color: Rgb;
}

const RIMS = {
  white: { color: [255, 255, 255], alpha: 0.5 },
  black: { color: [0, 0, 0], alpha: 0.35 },
} as const;
const FILL_ALPHA = 0.3;
const PATTERN_PERIOD = 8; // CSS pixels
const FONT_SIZE = 11;
const LABEL_HEIGHT = 14;
const LONGEST_LABEL = 24;
const LETTER_ROOM = 20; // CSS pixels of the picture for each letter of a name, three times its width
const LABEL_MARGIN = 3;

export function transformOf(
  context: CanvasRenderingContext2D,
  region: Region,
  dest: Region,
): CanvasTransform {
  const scale = dest.width / region.width;
  return {
    width: context.canvas.width,
    height: context.canvas.height,
    x: (at) => dest.x + (at - region.x) * scale,
    y: (at) => dest.y + (at - region.y) * scale,
    scale,
    unit: window.devicePixelRatio,
  };
}

/** Corners in canvas pixels. */
function placed(transform: CanvasTransform, [x1, y1, x2, y2]: Corners): Corners {
  return [transform.x(x1), transform.y(y1), transform.x(x2), transform.y(y2)];
}

/** Draw boxes: the rims of all, then their strokes. */
export function strokeBoxes(
  context: CanvasRenderingContext2D,
  transform: CanvasTransform,
  boxes: readonly StrokedBox[],
): void {
  for (const part of ["rim", "stroke"] as const) {
    let last: Stroke | undefined;
    for (const { corners, [part]: stroke } of boxes) {
      if (!stroke) continue;
      if (stroke !== last) setStroke(context, stroke, transform.unit);
      strokeBox(context, transform, corners);
      last = stroke;
    }
  }
}

function setStroke(
  context: CanvasRenderingContext2D,
  { color, width, dash = [], alpha = 1 }: Stroke,
  unit: number,
): void {
  context.strokeStyle = css(color);
  context.globalAlpha = alpha;
  context.lineWidth = Math.max(1, Math.round(width * unit));
  context.setLineDash(dash.map((length) => length * unit));
}

function strokeBox(
  context: CanvasRenderingContext2D,
  transform: CanvasTransform,
  corners: Corners,
): void {
  const line = context.lineWidth;
  const half = (line % 2) / 2; // the middle of an odd line lies in the middle of a pixel
  const { width, height } = transform;
  const [x1, y1, x2, y2] = placed(transform, corners);
  if (x2 < -line || y2 < -line || x1 > width + line || y1 > height + line) return;
  const [left, top] = [Math.round(x1) + half, Math.round(y1) + half];
  context.strokeRect(left, top, Math.round(x2) + half - left, Math.round(y2) + half - top);
}

const rims: Record<string, Stroke> = {};

/** The rim of a stroke, without dashes: these are slow to draw, and seen better on a whole line. */
export function rimOf({ color, width }: Stroke): Stroke {
  const rim = inkOn(color);
  rims[rim + width] ??= { width: width + 2, ...RIMS[rim] };
  return rims[rim + width];
}

/** Fill a box faintly, with lines or dots in its colour. */
export function fillBox(
  context: CanvasRenderingContext2D,
  transform: CanvasTransform,
  corners: Corners,
  color: Rgb,
  pattern: Pattern,
): void {
  const [x1, y1, x2, y2] = placed(transform, corners);
  context.globalAlpha = 1;
  context.fillStyle = patternOf(context, color, pattern, transform.unit);
  context.fillRect(x1, y1, x2 - x1, y2 - y1);
}

const patterns = new Map<string, CanvasPattern>();

/** Diagonal lines or dots, between which the picture is visible. */
function patternOf(context: CanvasRenderingContext2D, color: Rgb, kind: Pattern, unit: number) {
  const key = `${color}/${kind}/${unit}`;
  const known = patterns.get(key);
  if (known) return known;
  const side = Math.round(PATTERN_PERIOD * unit);
  const tile = contextOf(h("canvas", { width: side, height: side }));
  tile.fillStyle = css(color);
  tile.globalAlpha = FILL_ALPHA;
  tile.fillRect(0, 0, side, side);
  tile.globalAlpha = 1;
  const mark = Math.ceil(side / 4);
  if (kind === "dots") tile.fillRect(0, 0, mark, mark);
  for (let y = 0; kind === "hatched" && y < side; y++) {
    for (const x of [-y, side - y]) tile.fillRect(x, y, mark, 1);
  }
  const made = context.createPattern(tile.canvas, "repeat") as CanvasPattern;
  patterns.set(key, made);
  return made;
}

/** How many letters of a name there is room for. */
export function lettersOf({ width, unit }: CanvasTransform): number {
  return clamp(Math.floor(width / unit / LETTER_ROOM), 5, LONGEST_LABEL);
}

/** Draw names at their boxes, the first ones first; those without room are left out. */
export function drawLabels(
  context: CanvasRenderingContext2D,
  transform: CanvasTransform,
  labels: readonly Label[],
): void {
  const { unit } = transform;
  if (labels.length === 0) return;
  setFont(context, unit);
  const height = Math.round(LABEL_HEIGHT * unit);
  const visible = labels.filter(({ corners }) => {
    const [left, top, right, bottom] = placed(transform, corners);
    return right > 0 && bottom > 0 && left < transform.width && top < transform.height;
  });
  const rects = visible.flatMap(({ corners }) =>
    placed(transform, corners).map((at) => Math.round(at)),
  );
  const sizes = visible.flatMap(({ text }) => [widthOf(context, text, unit), height]);
  const places = placeLabels(rects, sizes, transform);
  visible.forEach(({ text, color }, i) => {
    const [x, y] = [places[2 * i], places[2 * i + 1]];
    if (Number.isNaN(x)) return;
    drawText(context, text, [x, y, sizes[2 * i], height], [css(color), inkOn(color)], unit);
  });
}

function setFont(context: CanvasRenderingContext2D, unit: number, weight = ""): void {
  context.font = `${weight} ${FONT_SIZE * unit}px system-ui, sans-serif`;
  context.textBaseline = "middle";
  context.globalAlpha = 1;
}

/** Draw a text on a rectangle: x, y, width and height. */
function drawText(
  context: CanvasRenderingContext2D,
  text: string,
  rect: Corners,
  [paper, ink]: [string, string],
  unit: number,
): void {
  const [x, y, , height] = rect;
  context.fillStyle = paper;
  context.fillRect(...rect);
  context.fillStyle = ink;
  context.fillText(text, x + LABEL_MARGIN * unit, y + height / 2 + unit / 2);
}

const widths = new Map<string, number>(); // measuring is slow, and texts repeat

function widthOf(context: CanvasRenderingContext2D, text: string, unit: number): number {
  const key = `${unit}/${text}`;
  const known = widths.get(key);
  if (known !== undefined) return known;
  if (widths.size > 5000) widths.clear();
  const width = Math.ceil(context.measureText(text).width + 2 * LABEL_MARGIN * unit);
  widths.set(key, width);
  return width;
}

/** Draw a line between the centres of two boxes, with a text on it. */
export function drawLink(
  context: CanvasRenderingContext2D,
  transform: CanvasTransform,
  from: Corners,
  to: Corners,
  text: string,
): void {
  const { unit } = transform;
  const [[ax, ay], [bx, by]] = [from, to].map(([x1, y1, x2, y2]) => [
    transform.x((x1 + x2) / 2),
    transform.y((y1 + y2) / 2),
  ]);
  setFont(context, unit, "600");
  context.setLineDash([]);
  for (const [color, width] of [
    ["black", 4],
    ["white", 2],
  ] as const) {
    context.strokeStyle = color;
    context.lineWidth = width * unit;
    context.beginPath();
    context.moveTo(ax, ay);
    context.lineTo(bx, by);
    context.stroke();
  }
  const width = context.measureText(text).width + 2 * LABEL_MARGIN * unit;
  const height = LABEL_HEIGHT * unit;
  const inside = (at: number, size: number, most: number) => clamp(at - size / 2, 0, most - size);
  const x = inside((ax + bx) / 2, width, transform.width);
  const y = inside((ay + by) / 2, height, transform.height);
  drawText(context, text, [x, y, width, height], ["black", "white"], unit);
}
