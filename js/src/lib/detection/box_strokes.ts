// Boxes, their names and links between them on a canvas, in whole device pixels, so that they are
// sharp at any zoom and density.

import type { Region } from "../canvas/level_painting";
import { css, inkOn, type Rgb } from "../core/colors";
import type { Corners } from "./box_marks";
import { placeLabels } from "./label_placement";

/** From map pixels to the canvas's. */
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

export interface Label {
  corners: Corners;
  text: string;
  color: Rgb;
}

const FONT_SIZE = 11;
const LABEL_HEIGHT = 14;
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

/** Corners on the canvas. */
function placed(frame: CanvasTransform, [x1, y1, x2, y2]: Corners): Corners {
  return [frame.x(x1), frame.y(y1), frame.x(x2), frame.y(y2)];
}

/** Boxes of one look. */
export function strokeBoxes(
  context: CanvasRenderingContext2D,
  frame: CanvasTransform,
  boxes: Iterable<Corners>,
  { color, width, dash = [], alpha = 1 }: Stroke,
): void {
  const line = Math.max(1, Math.round(width * frame.unit));
  const half = (line % 2) / 2; // the middle of an odd line lies in the middle of a pixel
  context.strokeStyle = css(color);
  context.globalAlpha = alpha;
  context.lineWidth = line;
  context.setLineDash(dash.map((length) => length * frame.unit));
  for (const corners of boxes) {
    const [x1, y1, x2, y2] = placed(frame, corners);
    if (x2 < -line || y2 < -line || x1 > frame.width + line || y1 > frame.height + line) continue;
    const [left, top] = [Math.round(x1) + half, Math.round(y1) + half];
    context.strokeRect(left, top, Math.round(x2) + half - left, Math.round(y2) + half - top);
  }
}

/** A rim around boxes, so that they are seen on pictures of their own colour. */
export function strokeRims(
  context: CanvasRenderingContext2D,
  frame: CanvasTransform,
  boxes: Iterable<Corners>,
  { color, width }: Stroke,
): void {
  const light = inkOn(color) === "white";
  const rim: Rgb = light ? [255, 255, 255] : [0, 0, 0];
  strokeBoxes(context, frame, boxes, { color: rim, width: width + 2, alpha: light ? 0.5 : 0.35 });
}

/** Names at their boxes, the first ones first; those without room are left out. */
export function drawLabels(
  context: CanvasRenderingContext2D,
  frame: CanvasTransform,
  labels: readonly Label[],
): void {
  const { unit } = frame;
  context.font = `${FONT_SIZE * unit}px system-ui, sans-serif`;
  context.textBaseline = "middle";
  context.globalAlpha = 1;
  const height = Math.round(LABEL_HEIGHT * unit);
  const visible = labels.filter(({ corners }) => {
    const [left, top, right, bottom] = placed(frame, corners);
    return right > 0 && bottom > 0 && left < frame.width && top < frame.height;
  });
  const rects = visible.flatMap(({ corners }) =>
    placed(frame, corners).map((at) => Math.round(at)),
  );
  const sizes = visible.flatMap(({ text }) => [widthOf(context, text, unit), height]);
  const places = placeLabels(rects, sizes, frame);
  visible.forEach(({ text, color }, i) => {
    const [x, y] = [places[2 * i], places[2 * i + 1]];
    if (Number.isNaN(x)) return;
    context.fillStyle = css(color);
    context.fillRect(x, y, sizes[2 * i], height);
    context.fillStyle = inkOn(color);
    context.fillText(text, x + LABEL_MARGIN * unit, y + height / 2 + unit / 2);
  });
}

const widths = new Map<string, number>(); // measuring is slow, and the same texts come again

function widthOf(context: CanvasRenderingContext2D, text: string, unit: number): number {
  const key = `${unit}/${text}`;
  const known = widths.get(key);
  if (known !== undefined) return known;
  if (widths.size > 5000) widths.clear();
  const width = Math.ceil(context.measureText(text).width + 2 * LABEL_MARGIN * unit);
  widths.set(key, width);
  return width;
}

/** A line between the middles of two boxes with words on it. */
export function drawLink(
  context: CanvasRenderingContext2D,
  frame: CanvasTransform,
  from: Corners,
  to: Corners,
  text: string,
): void {
  const { unit } = frame;
  const [[ax, ay], [bx, by]] = [from, to].map((corners) => [
    frame.x((corners[0] + corners[2]) / 2),
    frame.y((corners[1] + corners[3]) / 2),
  ]);
  context.globalAlpha = 1;
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
  context.font = `600 ${FONT_SIZE * unit}px system-ui, sans-serif`;
  context.textBaseline = "middle";
  const width = context.measureText(text).width + 2 * LABEL_MARGIN * unit;
  const height = LABEL_HEIGHT * unit;
  const inside = (at: number, size: number, most: number) =>
    Math.min(Math.max(at - size / 2, 0), most - size);
  const x = inside((ax + bx) / 2, width, frame.width);
  const y = inside((ay + by) / 2, height, frame.height);
  context.fillStyle = "black";
  context.fillRect(x, y, width, height);
  context.fillStyle = "white";
  context.fillText(text, x + LABEL_MARGIN * unit, y + height / 2 + unit / 2);
}
