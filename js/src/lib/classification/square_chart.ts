// A small chart over [0, 1] × [0, 1] with a point that is dragged.

import { clamp } from "../core/clamp";
import { h, svg, unspoken } from "../core/dom";

export interface ChartOptions {
  title: string;
  x: string;
  y: string;
  /** The pointer is at a place of the chart. */
  drag?(x: number, y: number): void;
  /** The point was released. */
  commit(): void;
}

export interface ChartCurves {
  /** What stands after the title. */
  note: readonly (Node | string)[];
  /** Paths of lines and areas, in [0, 1] from the top left, and how each is drawn. */
  paths: readonly { d: string; class: string }[];
  /** The largest value of the y axis, where that is not 1. */
  top?: string;
}

export interface ChartSetting {
  /** The point of the setting; its numbers may be NaN. */
  point?: { x: number; y: number };
  /** A vertical line. */
  needle?: number;
  /** What the chart says of it, for screen readers. */
  text?: string;
}

const TICKS = ["0", "0.5", "1"];

export function createSquareChart({ title, x, y, drag, commit }: ChartOptions) {
  const heading = h("div", { class: "score-title" });
  const lines = svg("g");
  const plot = svg(
    "svg",
    { viewBox: "0 0 1 1", preserveAspectRatio: "none", "aria-hidden": "true" },
    lines,
  );
  const point = h("div", { class: "score-point" });
  const needle = h("div", { class: "score-needle" });
  const area = h("div", { class: "score-area", role: "img" }, plot, needle, point);
  const yTicks = [...TICKS].reverse().map((tick) => h("span", {}, tick));
  const element = h(
    "div",
    { class: "score" },
    heading,
    unspoken("score-y", ...yTicks),
    area,
    unspoken("score-x", ...TICKS.map((t) => h("span", {}, t))),
    unspoken("score-names", `x: ${x}, y: ${y}`),
  );
  const place = (node: HTMLElement, left: number, top: number) => {
    node.style.left = `${100 * left}%`;
    node.style.top = `${100 * top}%`;
  };

  if (drag) {
    const move = (e: PointerEvent) => {
      const box = area.getBoundingClientRect();
      drag(
        clamp((e.clientX - box.left) / box.width, 0, 1),
        clamp(1 - (e.clientY - box.top) / box.height, 0, 1),
      );
    };
    area.classList.add("torchdial-draggable");
    area.addEventListener("pointerdown", (e) => {
      area.setPointerCapture(e.pointerId);
      move(e);
    });
    area.addEventListener("pointermove", (e) => {
      if (area.hasPointerCapture(e.pointerId)) move(e);
    });
    area.addEventListener("pointerup", commit);
  }

  return {
    element,
    /** Draw the curves; they stay while the dial moves. */
    draw({ note, paths, top }: ChartCurves): void {
      heading.replaceChildren(h("b", {}, title), " ", ...note);
      lines.replaceChildren(...paths.map((path) => svg("path", path)));
      yTicks[0].textContent = top ?? "1";
      yTicks[1].hidden = top !== undefined;
    },

    /** Show the setting. */
    show({ point: at, needle: line, text = "" }: ChartSetting): void {
      point.hidden = !at || Number.isNaN(at.x + at.y);
      if (at) place(point, at.x, 1 - at.y);
      needle.hidden = line === undefined;
      needle.style.left = `${100 * (line ?? 0)}%`;
      area.ariaLabel = `${heading.textContent}. ${text}`;
    },
  };
}
