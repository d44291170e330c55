// SegmentationPreview and its comparison: src/torchdial/widgets/segmentation.py.

import { binaryMatrix, classMatrix, matrixTable } from "./lib/confusion";
import { createDial } from "./lib/dial";
import { button, copyText, h, select } from "./lib/dom";
import { Grid, type Layer } from "./lib/grid";
import { METRIC_NAMES, METRICS, type Metric, range } from "./lib/metrics";
import { listen, type Model } from "./lib/model";
import { keepOutline, paint, type Region } from "./lib/paint";
import { fillPicture, Raster } from "./lib/raster";
import { readSource, Scope, type Source, type Tally } from "./lib/source";
import { formatStop, intervalOf, nearestStop } from "./lib/stops";
import {
  argmaxKey,
  imageKey,
  levelKey,
  maskTargetKey,
  maximumKey,
  Tiles,
  targetKey,
} from "./lib/tiles";
import { beforePaint, throttle } from "./lib/timing";
import { legend, Painter, type View } from "./lib/views";
import type { Config, WireTile } from "./lib/wire";

const VIEWS: Record<View, string> = {
  mask: "Mask",
  overlay: "Overlay",
  heat: "Heat",
  outline: "Outline",
  errors: "Errors",
  difference: "Difference",
};
const SEE_THROUGH: readonly View[] = ["overlay", "heat", "errors", "difference"];
const READOUT: readonly Metric[] = ["dice", "iou", "precision", "recall"];
const MOST_CLASSES_IN_MATRIX = 32;
const KEYS =
  "Arrows move the dial one stop, Page Up and Page Down ten, Home and End to its ends. " +
  "B best, V next view, R reset, 1–9 one picture alone, + − 0 zoom, ? these keys.";

/** One picture of the grid: an image with a model's word over it. */
interface Cell {
  image: number;
  source: number;
}

class SegmentationView {
  private readonly config: Config;
  private readonly tiles: Tiles;
  private readonly painter: Painter;
  private readonly raster = new Raster();
  private readonly grid: Grid;
  private readonly dial: ReturnType<typeof createDial>;
  private readonly stopListening: (() => void)[] = [];
  private sources: Source[] = [];

  private metric: Metric = "dice";
  private opacity = 0.55;
  private page = 0;
  private alone: number | null = null;
  private order: number[];
  private cells: Cell[] = [];
  private requests = 0;

  private readonly viewButtons = new Map<View, HTMLButtonElement>();
  private readonly classChoice: HTMLSelectElement;
  private readonly metricChoice: HTMLSelectElement;
  private readonly opacitySlider: HTMLInputElement;
  private readonly opacityLabel: HTMLElement;
  private readonly readout = h("div", { class: "torchdial-readout" });
  private readonly spoken = h("div", { class: "torchdial-spoken", role: "status" });
  private readonly notice = h("div", { class: "torchdial-notice", role: "alert" });
  private readonly legend = h("div", { class: "torchdial-legend" });
  private readonly hovered = h("span", { class: "torchdial-hovered" });
  private readonly pager = h("div", { class: "torchdial-pager" });
  private readonly matrix = h("details", { class: "torchdial-details" });
  private readonly keys = h("div", { class: "torchdial-keys" }, KEYS);

  private readonly drawing = beforePaint(() => this.update());
  private readonly saving = throttle(100, () => this.model.save_changes());
  private readonly speaking = throttle(1000, () => {
    this.spoken.textContent = this.readout.textContent;
  });

  constructor(
    private readonly model: Model,
    private readonly root: HTMLElement,
  ) {
    this.config = model.get("_config");
    this.order = range(this.config.num_images);
    this.tiles = new Tiles((keys) => model.send({ type: "need", id: ++this.requests, keys }));
    this.tiles.put(model.get("_pictures").tiles);
    this.painter = new Painter(this.config, this.tiles);
    this.dial = createDial(
      this.config.stops.map((_, k) => formatStop(this.config.stops, k)),
      "threshold",
      (k) => this.setStop(k),
      () => this.saving.flush(),
    );
    this.grid = new Grid(this.config.width, this.config.height, {
      draw: (context, cell, layer, region, dest) => this.draw(context, cell, layer, region, dest),
      hover: (cell, x, y) => this.hover(cell, x, y),
      choose: (cell) => this.chooseAlone(cell),
    });
    this.classChoice = select("class", []);
    this.metricChoice = select(
      "curve",
      METRICS.map((m) => [m, METRIC_NAMES[m]] as const),
    );
    this.opacitySlider = h("input", {
      type: "range",
      min: 0,
      max: 1,
      step: 0.05,
      value: this.opacity,
      "aria-label": "opacity",
      "data-lm-suppress-shortcuts": "true",
    });
    this.opacityLabel = h("label", { class: "torchdial-label" }, "opacity ", this.opacitySlider);
    this.build();
    this.bind();
    this.readFrame();
    this.showCells();
  }

  dispose(): void {
    for (const stop of this.stopListening) stop();
    this.saving.flush();
    this.speaking.cancel();
    this.drawing.cancel();
    this.grid.dispose();
    this.root.replaceChildren();
  }

  // What the widget is made of

  private build(): void {
    const { config } = this;
    const views = (Object.keys(VIEWS) as View[]).filter(
      (view) =>
        (view !== "errors" || config.has_targets) &&
        (view !== "difference" || config.sources.length > 1),
    );
    for (const view of views) {
      const choice = button(VIEWS[view], `${VIEWS[view]} view`, () => this.setTrait("view", view));
      this.viewButtons.set(view, choice);
    }
    const group = h(
      "div",
      { class: "torchdial-segments", role: "group", "aria-label": "view" },
      ...this.viewButtons.values(),
    );
    const classes = h("label", { class: "torchdial-label" }, "class ", this.classChoice);
    classes.hidden = config.class_names.length < 2;
    const curve = h("label", { class: "torchdial-label" }, "curve ", this.metricChoice);
    curve.hidden = !config.has_targets && !this.model.get("_curves").some(Boolean);
    const copy = button("⧉ copy", "Copy the setting", () => this.copy(copy));
    const help = button("?", "Show the keys", () => this.toggleKeys());
    this.keys.hidden = true;
    this.matrix.append(h("summary", {}, "confusion matrix"), h("div"));
    const toolbar = h(
      "div",
      { class: "torchdial-toolbar", role: "toolbar", "aria-label": "preview" },
      group,
      classes,
      curve,
      this.opacityLabel,
      h("span", { class: "torchdial-spring" }),
      button("⟲ reset", "Back to where it began", () => this.reset()),
      copy,
      help,
    );
    this.root.classList.add("torchdial");
    this.root.append(
      toolbar,
      this.keys,
      this.readout,
      this.dial.element,
      this.notice,
      this.grid.element,
      h("div", { class: "torchdial-foot" }, this.legend, this.hovered, this.pager),
      this.matrix,
      this.spoken,
    );
  }

  private bind(): void {
    const { model } = this;
    this.classChoice.addEventListener("change", () => {
      const { value } = this.classChoice;
      this.setTrait("shown_class", value === "" ? null : Number(value));
    });
    this.metricChoice.addEventListener("change", () => {
      this.metric = this.metricChoice.value as Metric;
      this.drawing.call();
    });
    this.opacitySlider.addEventListener("input", () => {
      this.opacity = this.opacitySlider.valueAsNumber;
      this.drawing.call();
    });
    this.matrix.addEventListener("toggle", () => this.drawing.call());
    const onKey = (e: KeyboardEvent) => this.onKey(e);
    this.root.addEventListener("keydown", onKey);
    const onMessage = (message: { type: string }, buffers: (DataView | Uint8Array)[]) =>
      this.onMessage(message, buffers);
    model.on("msg:custom", onMessage);
    this.stopListening.push(
      () => this.root.removeEventListener("keydown", onKey),
      () => model.off("msg:custom", onMessage),
      listen(model, ["threshold", "class_thresholds", "shown_class", "view", "_notice"], () =>
        this.drawing.call(),
      ),
      listen(model, ["_frame", "_curves"], () => {
        this.readFrame();
        this.drawing.call();
      }),
    );
  }

  // What comes from the kernel

  private readFrame(): void {
    const frame = this.model.get("_frame");
    const curves = this.model.get("_curves");
    this.tiles.dropLevels();
    for (const source of frame.sources) this.tiles.put(source.tiles);
    this.sources = frame.sources.map((source, i) =>
      readSource(this.config.sources[i], source, curves[i] ?? null),
    );
  }

  private onMessage(message: { type: string }, buffers: (DataView | Uint8Array)[]): void {
    if (message.type === "tiles") {
      const { keys, version } = message as unknown as { keys: string[]; version: number };
      if (version !== this.model.get("_frame").version) return; // the next frame brings its own
      this.tiles.put(keys.map((key, i): WireTile => ({ key, data: buffers[i] })));
      this.grid.redraw("picture", "overlay");
      return;
    }
    if (message.type === "error") {
      this.showNotice((message as unknown as { message: string }).message);
      return;
    }
    throw new Error(`torchdial: unknown message type ${JSON.stringify(message.type)}`);
  }

  // What a person does

  private setTrait<K extends "view" | "shown_class" | "threshold" | "class_thresholds">(
    name: K,
    value: Parameters<typeof this.model.set<K>>[1],
  ): void {
    this.model.set(name, value);
    this.saving.call();
    this.drawing.call();
  }

  /** Move the dial: of the shown class if one is chosen, else of all that follow it. */
  private setStop(k: number): void {
    const { stops, class_names: names } = this.config;
    const shown = this.model.get("shown_class");
    if (shown === null || names.length === 1) {
      this.setTrait("threshold", stops[k]);
      return;
    }
    const own = this.model.get("class_thresholds");
    this.setTrait(
      "class_thresholds",
      names.map((_, c) => (c === shown ? stops[k] : (own[c] ?? null))),
    );
  }

  private reset(): void {
    this.setTrait("class_thresholds", this.config.initial_class_thresholds);
    this.setTrait("threshold", this.config.initial_threshold);
    this.grid.zoom(0);
  }

  private copy(from: HTMLButtonElement): void {
    const own = this.model.get("class_thresholds");
    const setting = own.length
      ? { class_thresholds: this.stopsOfClasses().map((k) => this.config.stops[k]) }
      : { threshold: this.config.stops[this.globalStop()] };
    copyText(JSON.stringify(setting)).then((copied) => {
      from.textContent = copied ? "⧉ copied" : "⧉ not allowed";
      setTimeout(() => {
        from.textContent = "⧉ copy";
      }, 1500);
    });
  }

  private goToBest(): void {
    const tally = this.sources[0].track;
    const best = tally ? this.scope().best(tally, this.metric) : -1;
    if (best >= 0) this.setStop(best);
  }

  private nextView(): void {
    const views = [...this.viewButtons.keys()];
    this.setTrait("view", views[(views.indexOf(this.model.get("view")) + 1) % views.length]);
  }

  private toggleKeys(): void {
    this.keys.hidden = !this.keys.hidden;
  }

  private onKey(e: KeyboardEvent): void {
    // Hosts have shortcuts of their own; a key pressed in here is meant for here.
    e.stopPropagation();
    if (e.ctrlKey || e.metaKey || e.altKey || e.target instanceof HTMLSelectElement) return;
    const inGrid = this.grid.element.contains(e.target as Node);
    const arrows: Record<string, [number, number]> = {
      ArrowLeft: [0.1, 0],
      ArrowRight: [-0.1, 0],
      ArrowUp: [0, 0.1],
      ArrowDown: [0, -0.1],
    };
    const actions: Record<string, () => void> = {
      b: () => this.goToBest(),
      v: () => this.nextView(),
      r: () => this.reset(),
      "?": () => this.toggleKeys(),
      "+": () => this.grid.zoom(1.5),
      "=": () => this.grid.zoom(1.5),
      "-": () => this.grid.zoom(1 / 1.5),
      "0": () => this.grid.zoom(0),
    };
    const action = actions[e.key.toLowerCase()];
    if (action) action();
    else if (/^[1-9]$/.test(e.key)) this.chooseAlone(Number(e.key) - 1);
    else if (inGrid && e.key in arrows) this.moveInGrid(...arrows[e.key]);
    else return;
    e.preventDefault();
  }

  private moveInGrid(dx: number, dy: number): void {
    if (!this.grid.pan(dx, dy) && dx !== 0) this.turnPage(dx < 0 ? 1 : -1);
  }

  private chooseAlone(cell: number): void {
    const chosen = this.cells[cell];
    if (this.alone !== null) this.alone = null;
    else if (chosen) this.alone = chosen.image;
    this.showCells();
  }

  private turnPage(by: number): void {
    const pages = Math.ceil(this.config.num_images / this.config.page_size);
    this.page = Math.min(Math.max(this.page + by, 0), pages - 1);
    this.showCells();
  }

  /** Sort the images by the chosen metric at the dial's position, once. */
  private sort(worstFirst: boolean): void {
    this.order = range(this.config.num_images);
    const tally = this.sources[0].shown;
    if (worstFirst && tally) {
      const values = this.order.map((i) => this.imageMetric(tally, i));
      const key = (i: number) => (Number.isNaN(values[i]) ? Number.POSITIVE_INFINITY : values[i]);
      this.order.sort((a, b) => key(a) - key(b) || a - b);
    }
    this.page = 0;
    this.showCells();
  }

  // What is shown

  private scope(): Scope {
    return new Scope(
      this.config,
      this.config.task === "binary" ? 0 : this.model.get("shown_class"),
    );
  }

  private globalStop(): number {
    return nearestStop(this.config.stops, this.model.get("threshold"));
  }

  private stopsOfClasses(): number[] {
    const own = this.model.get("class_thresholds");
    return this.config.class_names.map((_, c) =>
      nearestStop(this.config.stops, own[c] ?? this.model.get("threshold")),
    );
  }

  /** The stop under the dial's point. */
  private currentStop(): number {
    const { shown } = this.scope();
    return shown === null ? this.globalStop() : this.stopsOfClasses()[shown];
  }

  private imageMetric(tally: Tally, image: number): number {
    const scope = this.scope();
    const counts = scope.countsIn(tally);
    const one = {
      ...counts,
      numImages: 1,
      tp: slice(counts.tp, image, counts.numImages),
      fp: slice(counts.fp, image, counts.numImages),
      positives: slice(counts.positives, image, counts.numImages),
      negatives: slice(counts.negatives, image, counts.numImages),
    };
    const alone = { ...tally, counts: one, argmaxCounts: one };
    return scope.metric(alone, this.metric, this.stopsOfClasses(), "micro");
  }

  /** Decide which pictures are in the grid. */
  private showCells(): void {
    const { page_size: size, sources, num_images: count } = this.config;
    const images =
      this.alone === null
        ? this.order.slice(this.page * size, (this.page + 1) * size)
        : [this.alone];
    const models = this.model.get("view") === "difference" ? [0] : range(sources.length);
    this.cells = images.flatMap((image) => models.map((source) => ({ image, source })));
    this.grid.setCells(this.cells.length);
    this.showPager(count, size);
    this.drawing.call();
  }

  private showPager(count: number, size: number): void {
    const first = this.page * size;
    const parts: Node[] = [];
    if (this.alone === null && count > size) {
      const text = `${first + 1}–${Math.min(first + size, count)} of ${count}`;
      parts.push(
        button("‹", "Earlier pictures", () => this.turnPage(-1)),
        h("span", {}, text),
        button("›", "Later pictures", () => this.turnPage(1)),
      );
    }
    if (this.alone === null && count > 1 && this.config.has_targets) {
      parts.push(
        button("as given", "Order the pictures as they came", () => this.sort(false)),
        button("worst first", "Order the pictures by the curve's metric at this threshold", () =>
          this.sort(true),
        ),
      );
    }
    if (this.alone !== null) {
      parts.push(button("all pictures", "Back to the grid", () => this.chooseAlone(0)));
    }
    this.pager.replaceChildren(...parts);
  }

  /** Bring everything on screen to the state of the model; runs once before a paint. */
  private update(): void {
    const view = this.model.get("view");
    const scope = this.scope();
    const at = this.stopsOfClasses();
    const models = view === "difference" ? 1 : this.config.sources.length;
    if (this.cells.length > 0 && models !== this.modelsInGrid()) this.showCells();
    this.painter.set({ view, shown: scope.shown, at });
    this.grid.setOpacity(SEE_THROUGH.includes(view) ? this.opacity : 1);
    this.grid.redraw("overlay");
    this.updateControls(view, scope, at);
    this.updateDial(scope);
    this.updateReadout(scope, at);
    this.updateCaptions();
    this.updateMatrix(scope, at);
    this.showNotice(this.model.get("_notice"));
    this.root.dataset.stop = String(this.currentStop());
    this.root.dataset.version = String(this.model.get("_frame").version);
  }

  private modelsInGrid(): number {
    return new Set(this.cells.map((cell) => cell.source)).size;
  }

  private updateControls(view: View, scope: Scope, at: number[]): void {
    for (const [name, choice] of this.viewButtons)
      choice.setAttribute("aria-pressed", String(name === view));
    this.opacityLabel.hidden = !SEE_THROUGH.includes(view);
    const own = this.model.get("class_thresholds");
    const { class_names: names, stops } = this.config;
    const text = (c: number) =>
      typeof own[c] === "number" ? `${names[c]} (${formatStop(stops, at[c])})` : names[c];
    const options = [["", "all"], ...names.map((_, c) => [String(c), text(c)])];
    this.classChoice.replaceChildren(...options.map(([value, t]) => h("option", { value }, t)));
    this.classChoice.value = scope.shown === null ? "" : String(scope.shown);
    this.metricChoice.value = this.metric;
    const entries = legend(this.config, { view, shown: scope.shown, at });
    this.legend.replaceChildren(
      ...entries.map(({ color, text: label }) => {
        const swatch = h("i", { class: "torchdial-swatch", "aria-hidden": "true" });
        swatch.style.background = color;
        return h("span", {}, swatch, label);
      }),
    );
  }

  private updateDial(scope: Scope): void {
    const k = this.currentStop();
    const tracks = this.sources.map((source) => source.track);
    this.dial.update({
      index: k,
      curves: tracks.flatMap((tally) => (tally ? [scope.curve(tally, this.metric)] : [])),
      best: tracks[0] ? scope.best(tracks[0], this.metric) : -1,
      histogram: scope.histogram(this.sources[0]),
      valueText: `p > ${formatStop(this.config.stops, k)}`,
    });
  }

  private updateReadout(scope: Scope, at: number[]): void {
    const { stops, average, sources: names } = this.config;
    const parts: Node[] = [
      h("output", { class: "torchdial-value" }, `p > ${formatStop(stops, this.currentStop())}`),
    ];
    this.sources.forEach((source, i) => {
      const label = names.length > 1 ? [names[i]] : [];
      const tallies = source.track === source.shown ? [source.shown] : [source.track, source.shown];
      for (const tally of tallies) {
        if (!tally) continue;
        const metrics = READOUT.map(
          (m) => `${METRIC_NAMES[m]} ${formatMetric(scope.metric(tally, m, at))}`,
        );
        const which = tally !== source.track ? "the shown " : "";
        const over = `${average} over ${which}${countOf(tally.totalImages)}`;
        parts.push(h("span", {}, [...label, ...metrics].join("  "), h("small", {}, over)));
      }
      if (!source.shown) {
        const on = `${[...label, formatShare(scope.histogram(source), this.currentStop())].join("  ")}`;
        parts.push(h("span", {}, on, h("small", {}, countOf(this.config.num_images))));
      }
    });
    const track = this.sources[0].track;
    const best = track ? scope.best(track, this.metric) : -1;
    if (best >= 0) {
      const text = `best ${METRIC_NAMES[this.metric]} at ${formatStop(stops, best)} →`;
      const go = button(text, "Go to the best threshold", () => this.goToBest());
      go.classList.add("torchdial-best");
      parts.push(go);
    }
    this.readout.replaceChildren(...parts);
    this.speaking.call();
  }

  private updateCaptions(): void {
    const names = this.config.sources;
    this.cells.forEach(({ image, source }, index) => {
      const tally = this.sources[source].shown;
      const words = [String(image + 1)];
      if (names.length > 1 && this.modelsInGrid() > 1) words.push(names[source]);
      if (tally) {
        words.push(`${METRIC_NAMES[this.metric]} ${formatMetric(this.imageMetric(tally, image))}`);
      }
      this.grid.setCaption(index, words.join(" · "));
    });
  }

  private updateMatrix(scope: Scope, at: number[]): void {
    const tally = this.sources[0].track;
    const names = this.config.class_names;
    const all = tally?.joint && scope.shown === null;
    this.matrix.hidden = !tally || Boolean(all && names.length > MOST_CLASSES_IN_MATRIX);
    if (!this.matrix.open || !tally || this.matrix.hidden) return;
    const matrix =
      tally.joint && scope.shown === null
        ? classMatrix(tally.joint, names, at)
        : binaryMatrix(tally.counts, at, scope.classes);
    this.matrix.replaceChild(matrixTable(matrix), this.matrix.children[1]);
  }

  private showNotice(text: string): void {
    this.notice.hidden = text === "";
    this.notice.textContent = text;
  }

  private hover(cell: number | null, x: number, y: number): void {
    const { width, height } = this.config;
    const at = cell === null ? null : this.cells[cell];
    const inside = x >= 0 && y >= 0 && x < width && y < height;
    this.hovered.textContent = at && inside ? this.describe(at, x, y) : "";
  }

  /** What is known of a pixel: "(12, 40) target 1, p in (0.42, 0.43]". */
  private describe({ image, source }: Cell, x: number, y: number): string {
    const { task, stops, class_names: names, has_targets: hasTargets, width } = this.config;
    const shown = this.scope().shown;
    const pixel = y * width + x;
    const said = [`(${x}, ${y})`];
    const argmaxRule = task === "multiclass" && shown === null;
    if (hasTargets) {
      const c = task === "multilabel" ? (shown ?? 0) : 0;
      const key = task === "multilabel" ? maskTargetKey(image, c) : targetKey(image);
      const target = this.tiles.get(key)?.[pixel];
      if (target === 255) said.push("ignored");
      else if (target !== undefined)
        said.push(`target ${task === "multiclass" ? names[target] : target}`);
    }
    const key = argmaxRule ? maximumKey(source, image) : levelKey(source, image, shown ?? 0);
    const level = this.tiles.get(key)?.[pixel];
    const argmax = argmaxRule ? this.tiles.get(argmaxKey(source, image))?.[pixel] : (shown ?? 0);
    if (level !== undefined && argmax !== undefined) {
      const label = names.length > 1 ? `${names[argmax]} ` : "";
      said.push(`${label}${intervalOf(stops, level)}`);
    }
    return said.join(", ");
  }

  private draw(
    context: CanvasRenderingContext2D,
    cell: number,
    layer: Layer,
    region: Region,
    dest: Region,
  ): boolean {
    const { image, source } = this.cells[cell];
    const { width, channels } = this.config;
    if (layer === "picture") {
      const pixels = this.tiles.get(imageKey(image));
      if (!pixels) return false;
      this.raster.draw(context, region, dest, (out) =>
        fillPicture(out, pixels, width, channels, region),
      );
      return true;
    }
    const passes = this.painter.passes(image, source);
    for (const { plane, table, outline } of passes ?? []) {
      this.raster.draw(context, region, dest, (out) => {
        paint(out, plane, region, table);
        if (outline) keepOutline(out, region);
      });
    }
    return passes !== null;
  }
}

function slice(values: Float64Array, image: number, numImages: number): Float64Array {
  const size = values.length / numImages;
  return values.subarray(image * size, (image + 1) * size);
}

function countOf(images: number): string {
  return `${images.toLocaleString("en")} image${images === 1 ? "" : "s"}`;
}

function formatMetric(value: number): string {
  return Number.isNaN(value) ? "–" : value.toFixed(3);
}

function formatShare(histogram: Float64Array, k: number): string {
  const total = histogram.reduce((sum, count) => sum + count, 0);
  const above = histogram.subarray(k + 1).reduce((sum, count) => sum + count, 0);
  return `${((100 * above) / total).toFixed(1)} % of pixels on`;
}

export default {
  render({ model, el }: { model: Model; el: HTMLElement }) {
    const root = h("div");
    el.append(root);
    const view = new SegmentationView(model, root);
    return () => {
      view.dispose();
      root.remove();
    };
  },
};
