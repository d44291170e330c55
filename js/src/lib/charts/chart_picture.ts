// What a chart shows between its axes, painted on a canvas.

import type { Limits } from "./axis_scale";
import type { Ink } from "./line_colors";
import type { EdgeMark } from "./y_range";

export interface Curve {
  x: ArrayLike<number>;
  y: ArrayLike<number>;
  color: string;
  width: number;
  dash: number[];
}

/** A point that is marked: a best value, one beyond an edge, or one that is no number. */
export interface Mark {
  x: number;
  y: number;
  color: string;
  sign: "best" | EdgeMark["sign"];
  /** What stands beside it. */
  label?: string;
  /** Where the last of a stretch without numbers is. */
  to?: number;
  /** Which of several rows at the edge it stands in. */
  row?: number;
}

export interface Picture {
  x: Limits;
  y: Limits;
  curves: Curve[];
  marks: Mark[];
  /** Steps of events, drawn as lines from top to bottom. */
  lines: StepLine[];
  /** Between these values the ground is tinted. */
  band?: Limits;
}

export interface StepLine {
  x: number;
  color: string;
  /** What stands at the edge where it lies beyond the window. */
  label: string;
}

/** The field between the axes, in pixels of the canvas. */
export interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** The part of a canvas that a picture is painted on. */
export type Paper = Pick<
  CanvasRenderingContext2D,
  | "save"
  | "restore"
  | "beginPath"
  | "moveTo"
  | "lineTo"
  | "arc"
  | "rect"
  | "clip"
  | "stroke"
  | "fill"
  | "fillRect"
  | "fillText"
  | "strokeText"
  | "measureText"
  | "setLineDash"
  | "strokeStyle"
  | "fillStyle"
  | "lineWidth"
  | "lineJoin"
  | "globalAlpha"
  | "font"
  | "textAlign"
  | "textBaseline"
>;

/** Paint what lies between the axes. */
export function paintPicture(
  ctx: Paper,
  bbox: Box,
  picture: Picture,
  log: boolean,
  ratio: number,
  ink: Ink,
): void {
  const { curves, marks, lines, band, x, y } = picture;
  const place = placer(bbox, picture, log);
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  if (band) {
    const [top, bottom] = [place.y(band[1]), place.y(band[0])];
    ctx.fillStyle = ink.curve(2);
    ctx.globalAlpha = 0.12;
    ctx.fillRect(bbox.left, top, bbox.width, bottom - top);
  }
  for (const line of lines) {
    ctx.globalAlpha = 0.7;
    ctx.fillStyle = line.color;
    ctx.fillRect(Math.round(place.x(line.x)), bbox.top, ratio, bbox.height);
  }
  ctx.globalAlpha = 1;
  for (const curve of curves) {
    ctx.strokeStyle = curve.color;
    ctx.lineWidth = curve.width * ratio;
    ctx.lineJoin = "round";
    ctx.setLineDash(curve.dash.map((length) => length * ratio));
    strokeCurve(ctx, curve, place, log, ratio);
  }
  ctx.restore();
  ctx.save(); // uPlot remembers the styles it has set
  for (const mark of inside(marks, x, y)) paintMark(ctx, bbox, mark, place, ratio, ink);
  for (const { text, color, isLeft } of beyond(lines, x)) {
    const at = isLeft ? bbox.left : bbox.left + bbox.width;
    paintLabel(ctx, text, at, bbox.top + 0.75 * bbox.height, bbox, ratio, { ...ink, text: color });
  }
  ctx.restore();
}

/** The marks within the limits; those at the edge stand for values beyond those of y. */
export function inside(marks: readonly Mark[], x: Limits, y: Limits): Mark[] {
  const within = (value: number, [low, high]: Limits) => value >= low && value <= high;
  return marks.filter((mark) => within(mark.x, x) && (mark.sign !== "best" || within(mark.y, y)));
}

/** What stands at the edges for the lines beyond a window: the nearest, and how many more. */
export function beyond(lines: readonly StepLine[], [low, high]: Limits) {
  return [true, false].flatMap((isLeft) => {
    const away = ({ x }: StepLine) => (isLeft ? low - x : x - high);
    const there = lines.filter((line) => away(line) > 0).sort((a, b) => away(a) - away(b));
    if (there.length === 0) return [];
    const [{ label, color }] = there;
    const words = there.length > 1 ? `${label}, ${there.length - 1} more` : label;
    return [{ text: isLeft ? `◂ ${words}` : `${words} ▸`, color, isLeft }];
  });
}

interface Place {
  x(value: number): number;
  y(value: number): number;
}

/** Where values lie on the canvas: uPlot's own rule, without its calls for every point. */
function placer(bbox: Box, picture: Pick<Picture, "x" | "y">, log: boolean): Place {
  const [[left, right], [low, high]] = [picture.x, picture.y];
  const of = log ? Math.log10 : (v: number) => v;
  const [bottom, top] = [of(low), of(high)];
  const perX = bbox.width / (right - left);
  const perY = bbox.height / (top - bottom);
  return {
    x: (value) => bbox.left + (value - left) * perX,
    y: (value) => bbox.top + bbox.height - (of(value) - bottom) * perY,
  };
}

/** A line through what has a place on the axis; a lone point is a dot. */
function strokeCurve(ctx: Paper, { x, y }: Curve, place: Place, log: boolean, ratio: number): void {
  const has = (i: number) => Number.isFinite(y[i]) && (!log || y[i] > 0);
  ctx.beginPath();
  for (let i = 0; i < y.length; i++) {
    if (!has(i)) continue;
    const [px, py] = [place.x(x[i]), place.y(y[i])];
    if (i > 0 && has(i - 1)) ctx.lineTo(px, py);
    else if (i + 1 < y.length && has(i + 1)) ctx.moveTo(px, py);
    else {
      ctx.moveTo(px + 1.5 * ratio, py);
      ctx.arc(px, py, 1.5 * ratio, 0, 2 * Math.PI);
    }
  }
  ctx.stroke();
}

/** Paint a mark and its value; it may reach over the edge of the plot. */
function paintMark(ctx: Paper, bbox: Box, mark: Mark, place: Place, ratio: number, ink: Ink): void {
  const x = place.x(mark.x);
  const size = 4 * ratio;
  const edge = mark.sign === "below" ? bbox.top + bbox.height : bbox.top;
  const inwards = mark.sign === "below" ? -1 : 1;
  const y = edge + (2 + 3.5 * (mark.row ?? 0)) * size * inwards;
  ctx.strokeStyle = mark.color;
  ctx.fillStyle = mark.color;
  ctx.lineWidth = 1.5 * ratio;
  ctx.beginPath();
  if (mark.sign === "best") {
    ctx.arc(x, place.y(mark.y), size, 0, 2 * Math.PI);
    ctx.stroke();
  } else if (mark.sign === "cross") {
    ctx.moveTo(x - size, y - size);
    ctx.lineTo(x + size, y + size);
    ctx.moveTo(x + size, y - size);
    ctx.lineTo(x - size, y + size);
    ctx.moveTo(x, y);
    ctx.lineTo(Math.min(place.x(mark.to ?? mark.x), bbox.left + bbox.width), y);
    ctx.stroke();
  } else {
    ctx.moveTo(x - size, y);
    ctx.lineTo(x + size, y);
    ctx.lineTo(x, edge);
    ctx.fill();
  }
  if (mark.label) paintLabel(ctx, mark.label, x, y, bbox, ratio, ink);
}

/** Write beside a mark, on the side where there is room, legible over the lines. */
function paintLabel(
  ctx: Paper,
  text: string,
  x: number,
  y: number,
  { left, width }: Box,
  ratio: number,
  ink: Ink,
): void {
  ctx.font = ink.font.replace(/[\d.]+px/, (size) => `${Number.parseFloat(size) * ratio}px`);
  ctx.textBaseline = "middle";
  const gap = 7 * ratio;
  const fits = x + gap + ctx.measureText(text).width < left + width;
  ctx.textAlign = fits ? "left" : "right";
  const at = fits ? x + gap : x - gap;
  ctx.lineWidth = 3 * ratio;
  ctx.strokeStyle = ink.ground;
  ctx.strokeText(text, at, y);
  ctx.fillStyle = ink.text;
  ctx.fillText(text, at, y);
}
