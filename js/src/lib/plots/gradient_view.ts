// Gradients: layers × steps, lines of chosen layers, the total, update ratios, and one step's spread.

import { css } from "../colors";
import { button, h } from "../dom";
import { Raster } from "../raster";
import { Chart, type Curve, type Picture } from "./chart";
import { Choice, Entry } from "./choice";
import { type Columns, MISSING } from "./columns";
import { fillHeat, gradient, largest, NOT_FINITE, pixelsOf, rangeOf, ZERO } from "./heat";
import { type Ink, inkOf } from "./ink";
import { formatCount, formatTick, formatValue, type Limits, limitsOf } from "./scale";
import { drawSpread, type Flow, flowOf } from "./spread";
import type { Distribution, Store } from "./store";
import { cut, Epochs, trackOf } from "./track";
import { type Node, seen, treeOf, unfold } from "./tree";

const VIEWS = ["layers", "lines", "total", "ratio", "flow"] as const;
type ViewName = (typeof VIEWS)[number];
const TITLES: Record<ViewName, string> = {
  layers: "Norm of each layer's gradient over the steps",
  lines: "Norms of the chosen layers' gradients",
  total: "Norm of all gradients, before and after clipping",
  ratio: "Size of the update over the size of the weights; about 10⁻³ is usual",
  flow: "Typical and largest |gradient| of each layer at one step",
};
const ROW = 24; // pixels: what a finger can hit
const FIRST_ROWS = 12;
const BAND: Limits = [1e-4, 1e-2];
let views = 0;

export class GradientView {
  readonly #store: Store;
  readonly #changed: () => void;
  readonly #raster = new Raster();
  readonly #chosen = new Set<string>();
  readonly #choice = new Choice();
  readonly #key = `torchdial-gradients-${++views}`;
  readonly #views = new Map<ViewName, HTMLButtonElement>(
    VIEWS.map((view) => [
      view,
      button(view[0].toUpperCase() + view.slice(1), TITLES[view], () => {
        this.#view = view;
        this.#chart?.dispose();
        this.#chart = null;
        this.#changed();
      }),
    ]),
  );
  readonly #pointed = h("span", { class: "pointed" });
  readonly #labels = h("div", { class: "layer-labels" });
  readonly #canvas = h("canvas", { class: "heat", role: "img", "aria-label": TITLES.layers });
  readonly #axis = h("div", { class: "heat-axis" });
  readonly #legend = h("div", { class: "entries" });
  readonly #layers = h(
    "div",
    { class: "layers" },
    this.#labels,
    h("div", { class: "heat-box" }, this.#canvas, this.#axis),
  );
  readonly #more = h("select", { class: "select", "aria-label": "add a layer" });
  readonly #lines = h(
    "div",
    { class: "panel" },
    h("div", { class: "panel-head" }, this.#legend, this.#more),
  );
  readonly #spread = h("canvas", { class: "spread", role: "img" });
  readonly #spreadTitle = h("div", { class: "spread-title" });
  readonly #note = h("div", { class: "legend" });
  readonly #empty = h("div", { class: "empty" }, "no gradients yet");
  readonly element: HTMLElement;
  #view: ViewName;
  #chart: Chart | null = null;
  #tree: Node[] = [];
  #open = new Set<string>();
  #names: string[] = [];
  #seen: Node[] = [];
  #window: Limits = [0, 1];
  #step: number | null = null;
  #row: string | null = null;
  #answer: Distribution | null = null;
  #answered = "";
  #range: Limits = [-1, 0];
  #ranged = -1;
  #asking = false;

  constructor(store: Store, first: ViewName, changed: () => void) {
    this.#store = store;
    this.#view = first;
    this.#changed = changed;
    const choices = h("div", { class: "segments", role: "group", "aria-label": "view" });
    choices.append(...this.#views.values());
    this.element = h(
      "div",
      { class: "gradients" },
      h("div", { class: "toolbar" }, choices, h("span", { class: "spring" }), this.#pointed),
      this.#empty,
      this.#layers,
      this.#lines,
      this.#note,
      this.#spreadTitle,
      this.#spread,
    );
    this.#more.addEventListener("change", () => {
      this.#chosen.add(this.#more.value);
      this.#more.value = "";
      this.#changed();
    });
    this.#canvas.addEventListener("pointermove", (e) => this.#point(e));
    this.#canvas.addEventListener("pointerleave", () => this.#say(""));
    this.#canvas.addEventListener("click", (e) => this.#choose(e));
  }

  dispose(): void {
    this.#chart?.dispose();
  }

  /** Look at one step: its spread, and a line in the picture. */
  show(step: number | null): void {
    this.#step = step;
    this.#changed();
  }

  draw(root: HTMLElement): void {
    const ink = inkOf(root);
    const columns = this.#columns();
    this.#readNames();
    for (const [view, choice] of this.#views) {
      choice.setAttribute("aria-pressed", String(view === this.#view));
    }
    const flow = this.#view === "flow";
    const byLayer = this.#view === "layers" || flow;
    const any = this.#names.length > 0;
    this.#empty.hidden = any;
    this.#layers.hidden = !any || !byLayer;
    this.#lines.hidden = !any || byLayer;
    this.#more.hidden = this.#view === "total";
    this.#window = this.#limits(columns);
    if (any && byLayer) this.#drawLayers(columns, ink);
    else if (any) this.#drawLines(ink);
    this.#drawNote(columns);
    this.#drawSpread(ink);
  }

  // What there is

  #columns(): Columns | undefined {
    return this.#store.layers.get(this.#view === "ratio" ? "update_ratio" : "grad_norm");
  }

  #readNames(): void {
    const names =
      this.#store.layers.get("grad_norm")?.names ?? this.#store.distribution?.rows ?? [];
    if (names.length === this.#names.length && names.every((name, i) => name === this.#names[i])) {
      return;
    }
    const first = this.#names.length === 0;
    this.#names = [...names];
    this.#tree = treeOf(names);
    const options = names.map((name) => h("option", { value: name }, name));
    this.#more.replaceChildren(h("option", { value: "" }, "add a layer"), ...options);
    if (!first) return;
    this.#open = unfold(this.#tree, FIRST_ROWS);
    const last = names.length - 1;
    for (const i of new Set([0, last >> 1, last])) this.#chosen.add(names[i]);
  }

  #limits(columns: Columns | undefined): Limits {
    const steps = columns?.steps ?? [];
    const last = Math.max(this.#store.status?.step ?? 0, steps[steps.length - 1] ?? 0);
    return steps.length ? [steps[0], Math.max(last, steps[0]) + 1] : [0, 1];
  }

  /** The distribution of the chosen step, or the newest; null while it is waited for. */
  #distribution(): Distribution | null {
    const newest = this.#store.distribution;
    const row = this.#row ?? this.#names[0];
    if (this.#step === null && (!newest || newest.counts.has(row))) return newest;
    const step = this.#step ?? (newest as Distribution).step;
    const question = `${step} ${row}`;
    if (question === this.#answered) return this.#answer;
    if (!this.#asking) this.#ask(question, step, row);
    return this.#step === null ? this.#answer : null;
  }

  async #ask(question: string, step: number, row: string): Promise<void> {
    this.#asking = true;
    try {
      const { message, data } = await this.#store.ask({ type: "distribution", step, row });
      const wire = message.type === "distribution" ? message.distribution : null;
      this.#answer = wire && this.#store.readDistribution(wire, data);
    } catch {
      this.#answer = null;
    }
    this.#asking = false;
    this.#answered = question;
    this.#changed();
  }

  // Layers × steps, and one step's flow

  #drawLayers(columns: Columns | undefined, ink: Ink): void {
    this.#seen = seen(this.#tree, this.#open);
    this.#drawLabels();
    const box = this.#canvas.parentElement as HTMLElement;
    const width = Math.max(box.clientWidth, 50);
    const height = this.#seen.length * ROW;
    const ratio = devicePixelRatio;
    const canvas = this.#canvas;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.style.height = `${height}px`;
    const context = canvas.getContext("2d") as CanvasRenderingContext2D;
    // The rows of an open module follow below it: its own stays empty.
    const rows = this.#seen.map(({ path, rows }) => (this.#open.has(path) ? [] : rows));
    if (this.#view === "flow") this.#drawFlow(context, ink, width);
    else if (columns?.steps.length) {
      const pixels = pixelsOf(columns, this.#window, canvas.width);
      const range = this.#rangeOf(columns);
      const size = { width: canvas.width, height: rows.length };
      context.imageSmoothingEnabled = false;
      const dest = { x: 0, y: 0, width: canvas.width, height: canvas.height };
      this.#raster.draw(context, size, dest, (out) => fillHeat(out, columns, rows, pixels, range));
      this.#drawStep(context, ink);
    }
    const [low, high] = this.#view === "flow" ? this.#flow().limits : this.#window;
    const last = this.#view === "flow" ? formatValue(high) : `step ${formatCount(high - 1)}`;
    const first = this.#view === "flow" ? formatValue(low) : formatCount(low);
    this.#axis.replaceChildren(h("span", {}, first), h("span", {}, last));
  }

  #rangeOf(columns: Columns): Limits {
    if (this.#ranged !== columns.version) {
      this.#range = rangeOf(columns);
      this.#ranged = columns.version;
    }
    return this.#range;
  }

  #drawLabels(): void {
    const labels = this.#seen.map((node) => {
      const folded = node.children.length > 0;
      const sign = folded ? (this.#open.has(node.path) ? "▾ " : "▸ ") : "";
      const count = folded && !this.#open.has(node.path) ? ` ×${node.rows.length}` : "";
      const label = button(`${sign}${node.label}${count}`, node.path, () => this.#press(node));
      label.style.paddingLeft = `${4 + 10 * node.depth}px`;
      label.setAttribute("aria-pressed", String(!folded && this.#row === node.path));
      if (folded) label.setAttribute("aria-expanded", String(this.#open.has(node.path)));
      return label;
    });
    const text = labels.map(({ outerHTML }) => outerHTML).join("");
    if (this.#labels.dataset.text === text) return; // a press must not lose its button
    this.#labels.dataset.text = text;
    this.#labels.replaceChildren(...labels);
  }

  #press(node: Node): void {
    if (node.children.length) {
      if (!this.#open.delete(node.path)) this.#open.add(node.path);
    } else this.#row = node.path;
    this.#changed();
  }

  #drawStep(context: CanvasRenderingContext2D, ink: Ink): void {
    if (this.#step === null) return;
    const [low, high] = this.#window;
    const x = ((this.#step + 0.5 - low) / (high - low)) * context.canvas.width;
    context.fillStyle = ink.accent;
    context.fillRect(Math.round(x), 0, devicePixelRatio * 1.5, context.canvas.height);
  }

  #flow(): Flow {
    return flowOf(this.#distribution() ?? this.#store.distribution, this.#seen);
  }

  #drawFlow(context: CanvasRenderingContext2D, ink: Ink, width: number): void {
    const { limits, bars } = this.#flow();
    const ratio = devicePixelRatio;
    const [low, high] = limits.map(Math.log10);
    const at = (value: number) => ((Math.log10(value) - low) / (high - low)) * width * ratio;
    bars.forEach(({ rms, max }, i) => {
      const y = i * ROW * ratio;
      for (const [value, alpha, inset] of [
        [max, 0.35, 4],
        [rms, 1, 7],
      ]) {
        const fine = Number.isFinite(value);
        context.globalAlpha = alpha;
        context.fillStyle = fine ? ink.curve(0) : css(NOT_FINITE);
        const length = fine ? (value > 0 ? at(value) : 0) : width * ratio;
        context.fillRect(0, y + inset * ratio, length, (ROW - 2 * inset) * ratio);
      }
    });
    context.globalAlpha = 1;
  }

  #place(e: MouseEvent): { node: Node; step: number } | null {
    const { left, top, width } = this.#canvas.getBoundingClientRect();
    const node = this.#seen[Math.floor((e.clientY - top) / ROW)];
    const [low, high] = this.#window;
    const step = Math.floor(low + ((e.clientX - left) / width) * (high - low));
    return node ? { node, step } : null;
  }

  #point(e: MouseEvent): void {
    const place = this.#place(e);
    if (!place) return;
    const { node, step } = place;
    const of = node.rows.length > 1 ? `largest of ${node.rows.length}: ` : "";
    if (this.#view === "flow") {
      const { rms, max } = this.#flow().bars[this.#seen.indexOf(node)];
      this.#say(`${node.path}  ${of}typical ${formatValue(rms)}, largest ${formatValue(max)}`);
      return;
    }
    const columns = this.#columns();
    if (!columns) return;
    const at = columns.at(step);
    const value = largest(columns, node.rows, Math.max(at, 0), at + 1);
    const words = value === MISSING ? "no gradient" : `${of}${formatValue(value)}`;
    this.#say(`${node.path}  step ${formatCount(step)}  ${words}`);
  }

  #say(words: string): void {
    this.#pointed.textContent = words;
  }

  #choose(e: MouseEvent): void {
    const place = this.#place(e);
    if (!place) return;
    if (this.#view === "layers") this.#step = place.step;
    this.#row = this.#names[place.node.rows[0]];
    this.#changed();
  }

  // Lines

  #drawLines(ink: Ink): void {
    const key = this.#key;
    this.#chart ??= this.#newChart(ink, key);
    const width = this.#lines.clientWidth || 300;
    this.#chart.resize(width, 220);
    this.#chart.draw(this.#view === "total" ? this.#totals(ink) : this.#layerLines(ink), ink);
  }

  #newChart(ink: Ink, key: string): Chart {
    const label = TITLES[this.#view];
    const options = { height: 220, log: true, key, formatX: formatTick, label };
    const chart = new Chart(ink, options, {
      zoom: (window) => this.show(window ? Math.round((window[0] + window[1]) / 2) : null),
      hover: (x) => this.#say(x === null ? "" : `step ${formatCount(x)}`),
    });
    this.#lines.append(chart.element);
    return chart;
  }

  #layerLines(ink: Ink): Picture {
    const columns = this.#columns();
    const names = [...this.#chosen, ...(this.#row ? [this.#row] : [])];
    const chosen = [...new Set(names)].filter((name) => this.#names.includes(name));
    const x = Float64Array.from(columns?.steps ?? []);
    const entries = chosen.map((name, hue) => {
      const row = columns?.names.indexOf(name) ?? -1;
      const y = Float64Array.from(x, (_, k) => columns?.value(row, k) ?? MISSING);
      return { name, hue, x, y: y.map((v) => (v === MISSING ? Number.NaN : v)) };
    });
    return this.#pictureOf(entries, ink, this.#view === "ratio" ? BAND : undefined);
  }

  #totals(ink: Ink): Picture {
    const run = this.#store.runs[this.#store.runs.length - 1];
    const norm = run?.scalars.get("grad_norm");
    const coefficient = run?.scalars.get("clip_coefficient");
    if (!norm) return this.#pictureOf([], ink);
    const none = new Epochs(undefined);
    const before = trackOf(norm, "step", none);
    const entries = [{ name: "total norm", hue: 0, x: before.x, y: before.y }];
    if (coefficient) {
      entries[0].name = "before clipping";
      const by = trackOf(coefficient, "step", none);
      const factor = new Map(Array.from(by.x, (step, i) => [step, by.y[i]]));
      const y = before.y.map((value, i) => value * (factor.get(before.x[i]) ?? Number.NaN));
      entries.push({ name: "after clipping", hue: 1, x: before.x, y });
    }
    return this.#pictureOf(entries, ink);
  }

  #pictureOf(
    entries: { name: string; hue: number; x: Float64Array; y: Float64Array }[],
    ink: Ink,
    band?: Limits,
  ): Picture {
    const [low, high] = this.#window;
    const x: Limits = [low, Math.max(high - 1, low + 1)];
    let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    const curves: Curve[] = [];
    const marks: Picture["marks"] = [];
    this.#legend.replaceChildren();
    for (const { name, hue, ...whole } of entries) {
      const color = ink.curve(hue);
      const piece = cut(whole.x, whole.y, x, 600);
      const last = whole.y[whole.y.length - 1] ?? Number.NaN;
      const entry = new Entry(name, (alone) => {
        if (alone)
          this.#choice.isolate(
            name,
            entries.map((other) => other.name),
          );
        else this.#choice.toggle(name);
        this.#changed();
      });
      const shown = this.#choice.has(name);
      entry.update({ color, dashed: false, shown, value: formatValue(last), title: name });
      this.#legend.append(entry.element);
      if (!shown) continue;
      curves.push({ ...piece, color, alpha: 1, width: 1.25, dash: [] });
      piece.y.forEach((value, i) => {
        if (value > 0 && Number.isFinite(value)) {
          least = Math.min(least, value);
          most = Math.max(most, value);
        } else if (value === Number.POSITIVE_INFINITY) {
          marks.push({ x: piece.x[i], y: 0, color, sign: "cross" });
        } else if (value === 0) marks.push({ x: piece.x[i], y: 0, color, sign: "below" });
      });
    }
    if (band) [least, most] = [Math.min(least, band[0]), Math.max(most, band[1])];
    const lines = this.#step === null ? [] : [{ x: this.#step, color: ink.accent }];
    return { x, y: limitsOf(least, most, true), curves, marks, lines, band };
  }

  // Words, and the spread of one layer

  #drawNote(columns: Columns | undefined): void {
    const words: HTMLElement[] = [];
    const say = (text: string) => words.push(h("span", {}, text));
    const clipped = this.#store.runs.some((run) => run.scalars.has("clip_coefficient"));
    if (this.#view === "layers" && columns?.steps.length) {
      const [low, high] = this.#rangeOf(columns).map((log) => Number((10 ** log).toPrecision(2)));
      const bar = h("i", { class: "scale" });
      bar.style.background = gradient();
      words.push(
        h("span", {}, formatTick(low), bar, formatTick(high)),
        swatch(css(NOT_FINITE), "not finite"),
        swatch(css(ZERO), "zero"),
      );
    }
    if (this.#view === "flow") say("solid: root mean square, faint: largest |gradient|");
    if (this.#view === "ratio") say("tinted: 10⁻⁴ … 10⁻², where updates usually lie");
    else if (!clipped) say("after clipping, if any: clip with monitor.clip_grad_norm_ to see both");
    else if (this.#view !== "total") say("before clipping");
    this.#note.replaceChildren(...words);
    this.#note.hidden = this.#names.length === 0;
  }

  #drawSpread(ink: Ink): void {
    const found = this.#names.length ? this.#distribution() : null;
    const row = this.#row ?? this.#names[0];
    const waiting = this.#step !== null && this.#asking;
    const counts = found?.counts.get(row);
    this.#spread.hidden = !counts;
    this.#spreadTitle.hidden = !waiting && !counts;
    this.#spreadTitle.textContent = waiting
      ? `${row} at step ${formatCount(this.#step as number)}: waiting for the kernel`
      : `|gradient| of ${row} at step ${formatCount(found?.step ?? 0)}`;
    if (counts && found) drawSpread(this.#spread, counts, found.low, ink);
  }
}

function swatch(color: string, text: string): HTMLElement {
  const element = h("i", { class: "swatch", "aria-hidden": "true" });
  element.style.background = color;
  return h("span", {}, element, text);
}
