// One panel of curves: uPlot's axes, cursor and selection, with our lines between them.

import uPlot from "uplot";
import { contextOf } from "../core/dom";
import { formatTick, formatValue, type Limits, logTicks } from "./axis_scale";
import type { Drawing } from "./chart_file";
import { type Picture, paintPicture } from "./chart_picture";
import type { Ink } from "./line_colors";

export interface ChartEvents {
  /** A window was chosen; null for the whole. */
  zoom(window: Limits | null): void;
  /** Limits of the y axis were chosen, null for those of the values; without it y cannot be zoomed. */
  zoomY?(limits: Limits | null): void;
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
const BOTH_WAYS = 40; // pixels that a drag goes in x and in y to zoom both
const WHEEL_STEP = 1.25;
const SMALL = 120; // pixels; a chart of less height has denser ticks, to have some at all
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
    this.#plot.over.addEventListener("wheel", (e) => this.#turn(e), { passive: false });
    this.#plot.over.addEventListener("click", (e) => {
      const { left = -1 } = this.#plot.cursor;
      if (Math.abs(e.clientX - this.#downX) >= LEAST_DRAG || left < 0) return;
      this.#events.click(this.#plot.posToVal(left, "x"));
    });
  }

  /** Draw at once, so that errors reach the caller. */
  draw(picture: Picture, ink: Ink, width: number, height: number): void {
    this.#picture = picture;
    this.#ink = ink;
    const [low, high] = picture.y.map(formatValue);
    this.element.ariaLabel = `${this.#label}, y from ${low} to ${high}`;
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

  /** All that it consists of, to draw it elsewhere. */
  get drawing(): Drawing {
    const { bbox, width, height, axes, scales } = this.#plot;
    const [x, y] = axes.map((axis) => axis as { _splits?: number[]; _values?: string[] });
    const ticksOf = (scale: string, { _splits = [], _values = [] }: typeof x) =>
      _splits.map((value, i) => ({ at: this.#plot.valToPos(value, scale), text: _values[i] }));
    const [left, top, wide, high] = [bbox.left, bbox.top, bbox.width, bbox.height].map(
      (pixels) => pixels / uPlot.pxRatio,
    );
    return {
      width,
      height,
      box: { left, top, width: wide, height: high },
      picture: this.#picture,
      log: scales.y.distr === 3,
      ink: this.#ink,
      xTicks: ticksOf("x", x),
      yTicks: ticksOf("y", y),
    };
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
          space: (u) => (u.height < SMALL ? 20 : Math.max(30, u.height / 10)),
          ...(log && {
            splits: (u: uPlot, _: number, low: number, high: number) =>
              logTicks(low, high, Math.floor(u.height / 28)),
          }),
          filter: (_, ticks) => ticks,
          values: (_, ticks) => ticks.map((tick) => formatTick(tick)),
        },
      ],
      cursor: {
        y: false,
        points: { show: false },
        drag: {
          x: true,
          y: this.#events.zoomY !== undefined,
          uni: BOTH_WAYS,
          setScale: false,
          dist: LEAST_DRAG,
        },
        sync: { key, scales: ["x", null], filters: { pub: (_, u) => !isDraggedInY(u) } },
        bind: {
          mousedown: (u, _, handler) => (e) => {
            this.#downX = e.clientX;
            return e.shiftKey ? this.#pan(u, e) : handler(e);
          },
          dblclick: () => () => {
            this.#events.zoom(null);
            this.#events.zoomY?.(null);
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
    const { left, top, width, height } = u.select;
    if (width === 0) return;
    u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    // Only the chart the mouse is on: the others get the selection by the shared cursor.
    if (!u.cursor.event) return;
    const { clientWidth, clientHeight } = u.over;
    if (width < clientWidth) {
      this.#events.zoom([u.posToVal(left, "x"), u.posToVal(left + width, "x")]);
    }
    if (height < clientHeight) this.#zoomY(top, top + height);
  }

  /** Zoom y around the pointer. */
  #turn(e: WheelEvent): void {
    if (!e.altKey || !this.#events.zoomY) return;
    e.preventDefault();
    const by = e.deltaY > 0 ? WHEEL_STEP : 1 / WHEEL_STEP;
    const { offsetY: at } = e;
    this.#zoomY(at - at * by, at + (this.#plot.over.clientHeight - at) * by);
  }

  #zoomY(top: number, bottom: number): void {
    const { posToVal } = this.#plot;
    this.#events.zoomY?.([posToVal(bottom, "y"), posToVal(top, "y")]);
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

  #paint({ ctx, bbox, scales }: uPlot): void {
    paintPicture(ctx, bbox, this.#picture, scales.y.distr === 3, uPlot.pxRatio, this.#ink);
  }
}

/** Whether a drag selects a part of the y axis alone, which is no other chart's. */
function isDraggedInY({ cursor }: uPlot): boolean {
  const drag = cursor.drag as { _x?: boolean; _y?: boolean }; // kept until the next press
  return drag._y === true && drag._x === false && (cursor.event?.buttons ?? 0) > 0;
}
