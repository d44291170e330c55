// One panel of curves: uPlot's axes, cursor and selection, with our lines between them.

import uPlot from "uplot";
import { contextOf } from "../core/dom";
import { formatTick, formatValue, type Limits, logTicks } from "./axis_scale";
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
  lines: { x: number; color: string }[];
  /** Between these values the ground is tinted. */
  band?: Limits;
}

export interface ChartEvents {
  /** A window was chosen; null for the whole. */
  zoom(window: Limits | null): void;
  hover(x: number | null): void;
  /** A place was pressed, without a drag. */
  click(x: number): void;
}

export interface ChartOptions {
  height: number;
  log: boolean;
  /** Charts with one key share their cursor. */
  key: string;
  formatX(x: number): string;
  /** Whether x are whole numbers, which ticks are then, too. */
  wholeX: boolean;
  label: string;
}

const LEAST_DRAG = 4; // pixels
/** Distances of ticks: 1, 2, 5, 10 … */
const WHOLE_TICKS = Array.from(
  { length: 48 },
  (_, i) => [1, 2, 5][i % 3] * 10 ** Math.floor(i / 3),
);
const EMPTY: Picture = { x: [0, 1], y: [0, 1], curves: [], marks: [], lines: [] };
const NOTHING: uPlot.AlignedData = [
  [0, 1],
  [0, 1],
];

export class Chart {
  readonly element = document.createElement("div");
  readonly #plot: uPlot;
  readonly #events: ChartEvents;
  readonly #label: string;
  #ink: Ink;
  #picture = EMPTY;
  #downX = 0;

  constructor(ink: Ink, options: ChartOptions, events: ChartEvents) {
    this.#ink = ink;
    this.#events = events;
    this.element.className = "torchdial-chart";
    this.element.setAttribute("role", "img");
    this.#label = options.label;
    contextOf(document.createElement("canvas")); // uPlot asks for one too, but does not look
    this.#plot = new uPlot(this.#options(options), NOTHING, this.element);
  }

  /** Draw at once, so that errors reach the caller. */
  draw(picture: Picture, ink: Ink, width: number, height: number): void {
    this.#picture = picture;
    this.#ink = ink;
    const [low, high] = picture.y.map(formatValue);
    this.element.setAttribute("aria-label", `${this.#label}, y from ${low} to ${high}`);
    this.#plot.batch((u: uPlot) => {
      if (width !== u.width || height !== u.height) u.setSize({ width, height });
      u.setData(NOTHING);
    });
  }

  /** Draw the cursor at a value of x, without an event; null for nowhere. */
  setCursor(x: number | null): void {
    const left = x === null ? -10 : this.#plot.valToPos(x, "x");
    this.#plot.setCursor({ left, top: x === null ? -10 : 0 }, false);
  }

  /** Where a value of x lies in the element, in pixels. */
  leftOf(x: number): number {
    return this.#plot.over.offsetLeft + this.#plot.valToPos(x, "x");
  }

  dispose(): void {
    this.#plot.destroy();
    this.element.remove();
  }

  #options({ height, log, key, formatX, wholeX }: ChartOptions): uPlot.Options {
    const axis = (): uPlot.Axis => ({
      stroke: () => this.#ink.faint,
      font: this.#ink.font,
      grid: { stroke: () => this.#ink.line, width: 0.5 },
      ticks: { show: false },
      gap: 4,
    });
    return {
      width: 300,
      height,
      padding: [6, 20, 0, 0],
      legend: { show: false },
      scales: {
        x: { time: false, range: () => [...this.#picture.x] },
        y: { distr: log ? 3 : 1, range: () => [...this.#picture.y] },
      },
      series: [{}, { paths: () => null, points: { show: false } }],
      axes: [
        {
          ...axis(),
          size: 24,
          values: (_, ticks) => ticks.map((tick) => formatX(tick)),
          ...(wholeX && { incrs: WHOLE_TICKS }),
        },
        {
          ...axis(),
          size: 58, // "0.001025"
          ...(log && {
            splits: (_: uPlot, __: number, low: number, high: number) =>
              logTicks(low, high, Math.floor(height / 28)),
          }),
          filter: (_, ticks) => ticks,
          values: (_, ticks) => ticks.map((tick) => formatTick(tick)),
        },
      ],
      cursor: {
        y: false,
        points: { show: false },
        drag: { x: true, y: false, setScale: false, dist: LEAST_DRAG },
        sync: { key, scales: ["x", null] },
        bind: {
          mousedown: (u, _, handler) => (e) => {
            this.#downX = e.clientX;
            return e.shiftKey ? this.#pan(u, e) : handler(e);
          },
          click: (u, _, handler) => (e) => {
            const { left = -1 } = u.cursor;
            if (Math.abs(e.clientX - this.#downX) < LEAST_DRAG && left >= 0) {
              this.#events.click(u.posToVal(left, "x"));
            }
            return handler(e);
          },
          dblclick: () => () => {
            this.#events.zoom(null);
            return null;
          },
        },
      },
      hooks: {
        draw: [(u) => this.#paint(u)],
        setSelect: [(u) => this.#select(u)],
        setCursor: [
          (u) => {
            const { left = -1, event } = u.cursor;
            if (!event) return; // another chart's, by the shared cursor
            this.#events.hover(left < 0 ? null : u.posToVal(left, "x"));
          },
        ],
      },
    };
  }

  #select(u: uPlot): void {
    const { left, width } = u.select;
    if (width === 0) return;
    u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    // Only the chart the mouse is on: the others get the selection by the shared cursor.
    if (u.cursor.event) this.#events.zoom([u.posToVal(left, "x"), u.posToVal(left + width, "x")]);
  }

  #pan(u: uPlot, down: MouseEvent): null {
    const [low, high] = this.#picture.x;
    const perPixel = (high - low) / u.over.clientWidth;
    const move = (e: MouseEvent) => {
      const by = (down.clientX - e.clientX) * perPixel;
      this.#events.zoom([low + by, high + by]);
    };
    const up = () => {
      document.removeEventListener("mousemove", move);
      document.removeEventListener("mouseup", up);
    };
    document.addEventListener("mousemove", move);
    document.addEventListener("mouseup", up);
    return null;
  }

  #paint(u: uPlot): void {
    const { ctx, bbox } = u;
    const { curves, marks, lines, band, x, y } = this.#picture;
    const ratio = uPlot.pxRatio;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    if (band) {
      const [top, bottom] = [band[1], band[0]].map((v) => u.valToPos(v, "y", true));
      ctx.fillStyle = this.#ink.curve(2);
      ctx.globalAlpha = 0.12;
      ctx.fillRect(bbox.left, top, bbox.width, bottom - top);
    }
    const log = u.scales.y.distr === 3;
    const place = placer(u, x, y, log);
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
    const inside = marks.filter((mark) => mark.x >= x[0] && mark.x <= x[1]);
    for (const mark of inside) paintMark(u, mark, place, ratio, this.#ink);
    ctx.restore();
  }
}

interface Place {
  x(value: number): number;
  y(value: number): number;
}

/** Where values lie on the canvas: uPlot's own rule, without its calls for every point. */
function placer({ bbox }: uPlot, [left, right]: Limits, [low, high]: Limits, log: boolean): Place {
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
function strokeCurve(
  ctx: CanvasRenderingContext2D,
  { x, y }: Curve,
  place: Place,
  log: boolean,
  ratio: number,
): void {
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
function paintMark({ ctx, bbox }: uPlot, mark: Mark, place: Place, ratio: number, ink: Ink): void {
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
  ctx: CanvasRenderingContext2D,
  text: string,
  x: number,
  y: number,
  { left, width }: uPlot.BBox,
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
