// Layers as rows, folded by module: their norms over the steps, or one step's gradients as bars.

import { Raster } from "../canvas/raster";
import { formatCount, formatValue, type Limits } from "../charts/axis_scale";
import { fillHeat, largest, NOT_FINITE, pixelsOf, rangeOf } from "../charts/heat_colors";
import { type Columns, MISSING } from "../charts/layer_columns";
import type { Ink } from "../charts/line_colors";
import { css } from "../core/colors";
import { button, contextOf, h } from "../core/dom";
import { inText } from "../core/user_names";
import type { Distribution } from "../live/run_store";
import { type Flow, flowOf } from "./gradient_histogram";
import { type Node, seen, treeOf, unfold } from "./layer_tree";

const ROW = 24; // pixels: what a finger can hit
const FIRST_ROWS = 12;
const LEAST_DRAG = 4; // pixels

export interface LayersEvents {
  changed(): void;
  say(text: string): void;
  /** A window of steps was chosen, null for the whole run. */
  zoom(steps: Limits | null): void;
  /** A step is pointed at, null for none. */
  hover(step: number | null): void;
  /** A layer was chosen, and where steps are shown, a step. */
  choose(layer: string, step: number | null): void;
}

export interface LayersPicture {
  columns: Columns | undefined;
  /** Given where one step is shown, as bars. */
  flow: Distribution | null;
  window: Limits;
  /** The steps of the whole run. */
  run: Limits;
  step: number | null;
  layer: string | null;
}

export class LayersView {
  readonly #events: LayersEvents;
  readonly #raster = new Raster();
  readonly #labels = h("div", { class: "layer-labels" });
  readonly #canvas = h("canvas", {
    class: "heat",
    role: "img",
    "aria-label": "gradient norm by layer and step",
  });
  readonly #axis = h("div", { class: "heat-axis" });
  /** The cursor, and while steps are selected, their window. */
  readonly #cursor = h("div", { class: "heat-cursor", hidden: true });
  readonly element = h(
    "div",
    { class: "layers" },
    this.#labels,
    h("div", { class: "heat-box" }, this.#canvas, this.#cursor, this.#axis),
  );
  #names: string[] = [];
  #tree: Node[] = [];
  #open = new Set<string>();
  #seen: Node[] = [];
  #labelled = "";
  #revealed: string | null = null;
  #picture: LayersPicture | null = null;
  #flow: Flow | null = null;
  #range: Limits = [-1, 0];
  #ranged = -1;
  /** Where a drag began: its step, and its place on the screen. */
  #from: number | null = null;
  #fromX = 0;

  constructor(events: LayersEvents) {
    this.#events = events;
    this.#canvas.addEventListener("pointermove", (e) => this.#point(e));
    this.#canvas.addEventListener("pointerleave", () => {
      events.say("");
      events.hover(null);
      this.setCursor(null);
    });
    this.#canvas.addEventListener("pointerdown", (e) => {
      if (this.#flow || !this.#picture) return;
      this.#canvas.setPointerCapture(e.pointerId);
      this.#from = this.#stepAt(e);
      this.#fromX = e.clientX;
    });
    this.#canvas.addEventListener("pointerup", (e) => this.#release(e));
    this.#canvas.addEventListener("dblclick", () => events.zoom(null));
  }

  /** Draw the cursor at a step, null for nowhere. */
  setCursor(step: number | null): void {
    this.#mark(step === null ? null : [step + 0.5, step + 0.5]);
  }

  #mark(steps: Limits | null): void {
    const [low, high] = this.#picture?.window ?? [0, 1];
    const [from, to] = (steps ?? [low, low]).map((step) => (100 * (step - low)) / (high - low));
    this.#cursor.hidden = steps === null || this.#flow !== null || to < 0 || from > 100;
    this.#cursor.style.left = `${from}%`;
    this.#cursor.style.width = `${to - from}%`;
    this.#cursor.style.height = this.#canvas.style.height;
  }

  /** A short press chooses a layer and a step, a drag a window of steps. */
  #release(e: PointerEvent): void {
    const from = this.#from;
    this.#from = null;
    if (from !== null && Math.abs(e.clientX - this.#fromX) >= LEAST_DRAG) {
      const to = this.#stepAt(e);
      this.#events.zoom([Math.min(from, to), Math.max(from, to)]);
      return;
    }
    const place = this.#place(e);
    if (place) this.#choose(this.#names[place.node.rows[0]], this.#flow ? null : place.step);
  }

  setNames(names: string[]): void {
    this.#names = names;
    this.#tree = treeOf(names);
    if (this.#open.size === 0) this.#open = unfold(this.#tree, FIRST_ROWS);
  }

  /** Range of the colours, in powers of ten. */
  rangeOf(columns: Columns): Limits {
    if (this.#ranged !== columns.version) {
      this.#range = rangeOf(columns);
      this.#ranged = columns.version;
    }
    return this.#range;
  }

  draw(picture: LayersPicture, ink: Ink): void {
    this.#picture = picture;
    this.#reveal(picture.layer);
    this.#seen = seen(this.#tree, this.#open);
    this.#flow = picture.flow && flowOf(picture.flow, this.#seen);
    this.#drawLabels(picture.layer);
    const context = this.#clear();
    if (this.#flow) this.#drawFlow(context, this.#flow, ink);
    else if (picture.columns?.steps.length) this.#drawHeat(context, picture, ink);
    const [low, high] = this.#flow?.limits ?? picture.window;
    const ends = this.#flow
      ? [formatValue(low), formatValue(high)]
      : [formatCount(low), `step ${formatCount(high - 1)}`];
    this.#axis.replaceChildren(...ends.map((text) => h("span", {}, text)));
  }

  #clear(): CanvasRenderingContext2D {
    const box = this.#canvas.parentElement as HTMLElement;
    const height = this.#seen.length * ROW;
    this.#canvas.width = Math.round(Math.max(box.clientWidth, 50) * devicePixelRatio);
    this.#canvas.height = Math.round(height * devicePixelRatio);
    this.#canvas.style.height = `${height}px`;
    return contextOf(this.#canvas);
  }

  #drawHeat(context: CanvasRenderingContext2D, picture: LayersPicture, ink: Ink): void {
    const columns = picture.columns as Columns;
    // The rows of an open module follow below it: its own stays empty.
    const rows = this.#seen.map(({ path, rows }) => (this.#open.has(path) ? [] : rows));
    const { height } = context.canvas;
    const [low, high] = picture.window;
    const xOf = (step: number) => Math.round(((step - low) / (high - low)) * context.canvas.width);
    // Nothing is drawn before the run began, and where it has not come to yet.
    const part: Limits = [Math.max(low, picture.run[0]), Math.min(high, picture.run[1])];
    const x = xOf(part[0]);
    const width = xOf(part[1]) - x;
    if (width > 0) {
      const pixels = pixelsOf(columns, part, width);
      context.imageSmoothingEnabled = false;
      const size = { width, height: rows.length };
      this.#raster.draw(context, size, { x, y: 0, width, height }, (out) =>
        fillHeat(out, columns, rows, pixels, this.rangeOf(columns)),
      );
    }
    if (picture.step === null) return;
    context.fillStyle = ink.accent;
    context.fillRect(xOf(picture.step + 0.5), 0, devicePixelRatio * 1.5, height);
  }

  #drawFlow(context: CanvasRenderingContext2D, { limits, bars }: Flow, ink: Ink): void {
    const ratio = devicePixelRatio;
    const { width } = context.canvas;
    const [low, high] = limits.map(Math.log10);
    const lengthOf = (value: number) => ((Math.log10(value) - low) / (high - low)) * width;
    bars.forEach(({ rms, max }, i) => {
      if (this.#open.has(this.#seen[i].path)) return;
      for (const [value, alpha, inset] of [
        [max, 0.35, 4],
        [rms, 1, 7],
      ]) {
        const fine = Number.isFinite(value);
        context.globalAlpha = alpha;
        context.fillStyle = fine ? ink.curve(0) : css(NOT_FINITE);
        const length = fine ? (value > 0 ? lengthOf(value) : 0) : width;
        context.fillRect(0, (i * ROW + inset) * ratio, length, (ROW - 2 * inset) * ratio);
      }
    });
    context.globalAlpha = 1;
  }

  #drawLabels(layer: string | null): void {
    const looks = this.#seen.map((node) => {
      const open = this.#open.has(node.path);
      const folds = node.children.length > 0;
      const text = folds
        ? `${open ? "▾" : "▸"} ${inText(node.label)}${open ? "" : ` · ${node.rows.length} parameters`}`
        : node.label;
      return { node, open, folds, text, chosen: !folds && node.path === layer };
    });
    const key = looks.map(({ node, text, chosen }) => `${node.path} ${text} ${chosen}`).join("\n");
    if (key === this.#labelled) return; // a press must not lose its button
    this.#labelled = key;
    const labels = looks.map(({ node, open, folds, text, chosen }) => {
      const label = button(text, node.path, () => this.#press(node));
      label.style.paddingLeft = `${4 + 10 * node.depth}px`;
      if (folds) label.ariaExpanded = String(open);
      else label.ariaPressed = String(chosen);
      return label;
    });
    this.#labels.replaceChildren(...labels);
  }

  #choose(layer: string, step: number | null): void {
    this.#revealed = layer;
    this.#events.choose(layer, step);
  }

  /** Open what a layer lies in that was chosen elsewhere. */
  #reveal(layer: string | null): void {
    if (layer === this.#revealed || (layer !== null && !this.#names.includes(layer))) return;
    this.#revealed = layer;
    const parts = layer?.split(".") ?? [];
    parts.forEach((_, i) => {
      this.#open.add(parts.slice(0, i).join("."));
    });
  }

  #press(node: Node): void {
    if (node.children.length === 0) {
      this.#choose(node.path, null);
      return;
    }
    if (!this.#open.delete(node.path)) this.#open.add(node.path);
    this.#events.changed();
  }

  #place(e: MouseEvent): { node: Node; step: number } | null {
    if (!this.#picture) return null;
    const { top } = this.#canvas.getBoundingClientRect();
    const node = this.#seen[Math.floor((e.clientY - top) / ROW)];
    return node && { node, step: Math.floor(this.#stepAt(e)) };
  }

  #stepAt(e: MouseEvent): number {
    const { left, width } = this.#canvas.getBoundingClientRect();
    const [low, high] = this.#picture?.window ?? [0, 1];
    const share = Math.min(Math.max((e.clientX - left) / width, 0), 1);
    return low + share * (high - low);
  }

  #point(e: MouseEvent): void {
    if (this.#from !== null) {
      const to = this.#stepAt(e);
      this.#mark([Math.min(this.#from, to), Math.max(this.#from, to)]);
      return;
    }
    const place = this.#place(e);
    if (!place) return;
    const { node, step } = place;
    if (!this.#flow) {
      this.setCursor(step);
      this.#events.hover(step);
    }
    const of = node.rows.length > 1 ? `largest of ${node.rows.length}: ` : "";
    if (this.#flow) {
      const { rms, max } = this.#flow.bars[this.#seen.indexOf(node)];
      const words = `typical ${formatValue(rms)}, largest ${formatValue(max)}`;
      this.#events.say(`${inText(node.path)}  ${of}${words}`);
      return;
    }
    const columns = this.#picture?.columns;
    if (!columns) return;
    const at = columns.at(step);
    const value = largest(columns, node.rows, Math.max(at, 0), at + 1);
    const words = value === MISSING ? "no gradient" : `${of}${formatValue(value)}`;
    this.#events.say(`${inText(node.path)}  step ${formatCount(step)}  ${words}`);
  }
}
