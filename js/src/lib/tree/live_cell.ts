// The live statistics of one row: sparklines on one canvas, and the newest value of each.

import type { Limits } from "../charts/axis_scale";
import { NOT_FINITE } from "../charts/heat_colors";
import { css, inkOn } from "../core/colors";
import { contextOf, h } from "../core/dom";
import { type LiveModules, MOST_RING_COLUMNS } from "./live_columns";
import {
  STATISTICS,
  type Statistic,
  sparklineHeights,
  statisticColor,
  statisticShortText,
  statisticText,
} from "./statistic_styles";

const NUMBER = 60; // pixels of a value, right of its sparkline
const MARGIN = 4;

/** How all rows are drawn. */
export interface LiveLook {
  color: string;
  /** Decades of the newest column of each statistic. */
  decades: Record<Statistic, Limits>;
}

export class LiveCell {
  readonly #canvas = h("canvas", { class: "tree-sparks", "aria-hidden": "true" });
  readonly #values = STATISTICS.map(() => h("span", { class: "tree-value" }));
  readonly #parts = this.#values.map((value) =>
    h("div", { class: "tree-statistic", role: "gridcell" }, value),
  );
  readonly element = h(
    "div",
    { class: "tree-live", role: "presentation" },
    this.#canvas,
    ...this.#parts,
  );
  readonly #of: string;

  /** `of` is the beginning of each tooltip, such as "first of 12: ", or empty. */
  constructor(of: string) {
    this.#of = of;
  }

  draw(live: LiveModules, row: number, look: LiveLook): void {
    const { clientWidth: width, clientHeight: height } = this.element;
    this.#canvas.width = Math.round(width * devicePixelRatio);
    this.#canvas.height = Math.round(height * devicePixelRatio);
    const context = contextOf(this.#canvas);
    context.scale(devicePixelRatio, devicePixelRatio);
    const third = width / STATISTICS.length;
    STATISTICS.forEach(({ key }, i) => {
      const { steps } = live.rings[key];
      const values = live.rings[key].row(row);
      this.#setValue(i, key, steps, values, look);
      context.save();
      context.translate(i * third + MARGIN, MARGIN);
      drawSpark(
        context,
        sparklineHeights(key, values),
        third - NUMBER - 2 * MARGIN,
        height - 2 * MARGIN,
        look,
      );
      context.restore();
    });
  }

  #setValue(
    i: number,
    key: Statistic,
    steps: readonly number[],
    values: readonly number[],
    look: LiveLook,
  ): void {
    const value = values[values.length - 1];
    const color = statisticColor(key, value, look.decades[key]);
    const words = this.#of + statisticText(key, steps, values);
    this.#values[i].textContent = statisticShortText(key, value);
    this.#values[i].style.background = color ? css(color) : "";
    this.#values[i].style.color = color ? inkOn(color) : "";
    this.#parts[i].title = words;
    this.#parts[i].ariaLabel = words;
  }
}

/** Draw a line through heights in [0, 1]; infinite ones are drawn as bars. */
function drawSpark(
  context: CanvasRenderingContext2D,
  points: readonly number[],
  width: number,
  height: number,
  look: LiveLook,
): void {
  if (width < 8) return; // room for the value only
  const xOf = (i: number) =>
    ((MOST_RING_COLUMNS - points.length + i) / (MOST_RING_COLUMNS - 1)) * width;
  context.fillStyle = css(NOT_FINITE);
  context.strokeStyle = look.color;
  context.lineWidth = 1.25;
  context.lineJoin = "round";
  context.beginPath();
  let isDown = false;
  points.forEach((point, i) => {
    const isDrawn = Number.isFinite(point);
    if (point === Number.POSITIVE_INFINITY) context.fillRect(xOf(i) - 1, 0, 2, height);
    if (isDrawn) {
      const y = (1 - point) * height;
      if (isDown) context.lineTo(xOf(i), y);
      else context.moveTo(xOf(i) - 1, y);
      context.lineTo(xOf(i), y);
    }
    if (!Number.isNaN(point)) isDown = isDrawn;
  });
  context.stroke();
}
