// SegmentationPreview and SegmentationComparison: src/torchdial/widgets/dial.py is the other half.

import { binaryMatrix, classMatrix, matrixTable } from "./lib/confusion";
import { createDial } from "./lib/dial";
import { button, h } from "./lib/dom";
import { Grid, type Layer } from "./lib/grid";
import { type Metric, nameOf, range } from "./lib/metrics";
import { listen, type Model } from "./lib/model";
import { Pages, type Ranking } from "./lib/pages";
import { keepOutline, paint, type Region, texture } from "./lib/paint";
import { fillPicture, Raster } from "./lib/raster";
import { paintMeans, shrunk } from "./lib/shrink";
import { readSource, Scope, type Source } from "./lib/source";
import { State } from "./lib/state";
import { formatStop } from "./lib/stops";
import { imageKey, Tiles } from "./lib/tiles";
import { beforePaint, throttle } from "./lib/timing";
import { isSeeThrough, Toolbar } from "./lib/toolbar";
import { legend, Painter } from "./lib/views";
import type { Bytes, Config } from "./lib/wire";
import { countOf, formatMetric, metricsInWords, pixelInWords, shareInWords } from "./lib/words";

const MOST_CLASSES_IN_MATRIX = 32;
const FIRST_OPACITY = 0.55;
const KEYS =
  "Dial: arrows one stop, Page keys ten, Home, End. Pictures: arrows move, + − 0 zoom. " +
  "B best, V next view, R reset, 1–9 one picture alone.";

/** Messages from src/torchdial/widgets/dial.py. */
type Message =
  | { type: "tiles"; id: number; version: number; keys: string[] }
  | { type: "error"; id: number; message: string };

/** One picture of the grid: an image with a model's word over it. */
interface Cell {
  image: number;
  source: number;
}

class SegmentationView {
  readonly #model: Model;
  readonly #root: HTMLElement;
  readonly #config: Config;
  readonly #state: State;
  readonly #tiles: Tiles;
  readonly #painter: Painter;
  readonly #raster = new Raster();
  readonly #grid: Grid;
  readonly #toolbar: Toolbar;
  readonly #pages: Pages;
  readonly #dial: ReturnType<typeof createDial>;
  readonly #value = h("span", { class: "value" });
  readonly #lines = h("span", { class: "lines" });
  readonly #toBest = button("", "Go to the best threshold", () => this.#goToBest());
  readonly #readout = h("div", { class: "readout" }, this.#value, this.#lines, this.#toBest);
  readonly #spoken = h("div", { class: "spoken", role: "status" });
  readonly #notice = h("div", { class: "notice", role: "alert" });
  readonly #legend = h("div", { class: "legend" });
  readonly #hovered = h("div", { class: "hovered" });
  readonly #matrix = h("details", { class: "details" }, h("summary"), h("div"));
  readonly #keys = h("div", { class: "keys", hidden: true }, KEYS);
  readonly #updating = beforePaint(() => this.#update());
  readonly #speaking = throttle(1000, () => {
    this.#spoken.textContent = this.#readout.textContent;
  });
  readonly #stopListening: (() => void)[];
  #sources: Source[] = [];
  #cells: Cell[] = [];
  #metric: Metric = "dice";
  #requests = 0;
  #problem = "";
  #pointer: { cell: number; x: number; y: number } | null = null;

  constructor(model: Model, root: HTMLElement) {
    this.#model = model;
    this.#root = root;
    this.#state = new State(model, () => this.#updating.call());
    const config = this.#state.config;
    this.#config = config;
    this.#tiles = new Tiles((keys) => model.send({ type: "need", id: ++this.#requests, keys }));
    this.#tiles.put(model.get("_pictures").tiles);
    this.#painter = new Painter(config, this.#tiles);
    this.#dial = createDial(
      config.stops.map((_, k) => formatStop(config.stops, k)),
      "threshold",
      (k) => {
        this.#state.stop = k;
      },
      () => this.#state.flush(),
    );
    this.#grid = new Grid(config.width, config.height, {
      draw: (context, cell, layer, region, dest) => this.#draw(context, cell, layer, region, dest),
      hover: (cell, x, y) => {
        this.#pointer = cell === null ? null : { cell, x, y };
        this.#updateHovered();
      },
      choose: (cell) => this.#pages.pick(Math.floor(cell / this.#modelsPerImage())),
    });
    this.#readFrame();
    this.#pages = new Pages(config.num_images, config.page_size, {
      canRank: () => this.#sources[0].shown?.counts.numImages === config.num_images,
      rank: () => this.#worstFirst(),
      changed: () => this.#updating.call(),
    });
    const hasMetrics = config.has_targets || model.get("_curves").some(Boolean);
    this.#toolbar = new Toolbar(this.#state, hasMetrics, FIRST_OPACITY, {
      metric: (metric) => {
        this.#metric = metric;
        this.#updating.call();
      },
      opacity: (opacity) => root.style.setProperty("--torchdial-opacity", String(opacity)),
      reset: () => this.#reset(),
      help: () => this.#toggleKeys(),
    });
    this.#stopListening = [
      listen(model, ["_frame", "_curves"], () => {
        this.#readFrame();
        this.#updating.call();
      }),
      this.#listenToMessages(),
    ];
    this.#build();
    this.#showCells();
  }

  dispose(): void {
    for (const stop of this.#stopListening) stop();
    this.#state.dispose();
    this.#speaking.cancel();
    this.#updating.cancel();
    this.#grid.dispose();
  }

  #build(): void {
    const root = this.#root;
    root.className = "torchdial";
    root.append(
      this.#toolbar.element,
      this.#keys,
      this.#readout,
      this.#dial.element,
      this.#notice,
      this.#grid.element,
      this.#hovered,
      h("div", { class: "foot" }, this.#legend, this.#pages.element),
      this.#matrix,
      this.#spoken,
    );
    root.addEventListener("keydown", (e) => this.#onKey(e));
    this.#matrix.addEventListener("toggle", () => this.#updating.call());
  }

  // What comes from the kernel

  #readFrame(): void {
    const frame = this.#model.get("_frame");
    const curves = this.#model.get("_curves");
    this.#tiles.dropLevels();
    for (const source of frame.sources) this.#tiles.put(source.tiles);
    this.#sources = frame.sources.map((source, i) =>
      readSource(this.#config.sources[i], source, curves[i] ?? null),
    );
  }

  #listenToMessages(): () => void {
    const onMessage = (message: Message, buffers: Bytes[]) => {
      switch (message.type) {
        case "tiles":
          this.#tiles.put(
            message.keys.map((key, i) => ({ key, data: buffers[i] })),
            message.version === this.#model.get("_frame").version,
          );
          this.#grid.redraw("picture", "overlay");
          return;
        case "error":
          this.#problem = message.message;
          this.#updating.call();
          return;
        default:
          throw new Error(`torchdial: unknown message ${JSON.stringify(message)}`);
      }
    };
    this.#model.on("msg:custom", onMessage);
    return () => this.#model.off("msg:custom", onMessage);
  }

  // What a person does

  #reset(): void {
    this.#state.reset();
    this.#grid.zoom(0);
  }

  #toggleKeys(): void {
    this.#keys.hidden = !this.#keys.hidden;
  }

  #goToBest(): void {
    const best = this.#best();
    if (best >= 0) this.#state.stop = best;
  }

  #onKey(e: KeyboardEvent): void {
    if (e.ctrlKey || e.metaKey || e.altKey) return; // the host's: saving, say
    // Hosts have shortcuts of their own (JupyterLab swallows arrows); a key here is meant for here.
    e.stopPropagation();
    if (e.target instanceof HTMLSelectElement) return;
    const inGrid = this.#grid.element.contains(e.target as Node);
    const actions: Record<string, () => void> = {
      b: () => this.#goToBest(),
      v: () => this.#toolbar.nextView(),
      r: () => this.#reset(),
      "?": () => this.#toggleKeys(),
      "+": () => this.#grid.zoom(1.5),
      "=": () => this.#grid.zoom(1.5),
      "-": () => this.#grid.zoom(1 / 1.5),
      "0": () => this.#grid.zoom(0),
      ...(e.target === this.#dial.input && {
        pageup: () => this.#step(10),
        pagedown: () => this.#step(-10),
      }),
      ...(inGrid && {
        arrowleft: () => this.#move(0.1, 0),
        arrowright: () => this.#move(-0.1, 0),
        arrowup: () => this.#move(0, 0.1),
        arrowdown: () => this.#move(0, -0.1),
      }),
    };
    const action = actions[e.key.toLowerCase()];
    if (action) action();
    else if (!/^[1-9]$/.test(e.key) || !this.#pages.pick(Number(e.key) - 1)) return;
    e.preventDefault();
  }

  #step(by: number): void {
    const last = this.#config.stops.length - 1;
    this.#state.stop = Math.min(Math.max(this.#state.stop + by, 0), last);
  }

  /** Move the pictures, or where they are whole, turn the page. */
  #move(dx: number, dy: number): void {
    if (!this.#grid.pan(dx, dy) && dx !== 0) this.#pages.turn(-Math.sign(dx));
  }

  // What is shown

  #scope(): Scope {
    return new Scope(this.#config, this.#state.shown);
  }

  #best(): number {
    const { track } = this.#sources[0];
    return track ? this.#scope().best(track, this.#metric) : -1;
  }

  /** Images by the first model's metric at the dial; where it is undefined, last. */
  #worstFirst(): Ranking {
    const scope = this.#scope();
    const { stops: at, stop } = this.#state;
    const { shown } = this.#sources[0];
    const values = range(this.#config.num_images).map((image) => {
      const metric = shown ? scope.imageMetric(shown, this.#metric, at, image) : Number.NaN;
      return Number.isNaN(metric) ? Number.POSITIVE_INFINITY : metric;
    });
    const order = range(values.length).sort((a, b) => values[a] - values[b] || a - b);
    return { order, at: formatStop(this.#config.stops, stop) };
  }

  /** How many models a picture is shown by: the difference needs one cell for both. */
  #modelsPerImage(): number {
    return this.#state.get("view") === "difference" ? 1 : this.#sources.length;
  }

  /** Put the page's pictures into the grid, if they are not there already. */
  #showCells(): void {
    const models = range(this.#modelsPerImage());
    const cells = this.#pages.images.flatMap((image) =>
      models.map((source) => ({ image, source })),
    );
    const same = (cell: Cell, i: number) =>
      cell.image === this.#cells[i]?.image && cell.source === this.#cells[i].source;
    if (cells.length === this.#cells.length && cells.every(same)) return;
    this.#cells = cells;
    this.#grid.setCells(cells.length);
  }

  /** Bring everything on screen to the state of the model; runs once before a paint. */
  #update(): void {
    const view = this.#state.get("view");
    const { shown, stops: at, stop } = this.#state;
    this.#showCells();
    this.#painter.set({ view, shown, at });
    this.#root.classList.toggle("torchdial-see-through", isSeeThrough(view));
    this.#grid.redraw("overlay");
    this.#grid.flush();
    this.#toolbar.update();
    this.#updateDial(stop);
    this.#updateReadout(at, stop);
    this.#updateLegend();
    this.#updateCaptions(at);
    this.#updateMatrix(at);
    this.#updateHovered();
    this.#pages.update();
    const notice = this.#state.get("_notice") || this.#problem;
    this.#notice.hidden = notice === "";
    this.#notice.textContent = notice;
    this.#root.dataset.stop = String(stop);
    this.#root.dataset.version = String(this.#state.get("_frame").version);
  }

  #updateDial(stop: number): void {
    const scope = this.#scope();
    const tracks = this.#sources.flatMap(({ track }) => (track ? [track] : []));
    this.#dial.update({
      index: stop,
      curves: tracks.map((tally) => scope.curve(tally, this.#metric)),
      best: this.#best(),
      histogram: scope.histogram(this.#sources[0]),
      valueText: `p > ${formatStop(this.#config.stops, stop)}`,
    });
  }

  #updateReadout(at: number[], stop: number): void {
    const { stops, average, task } = this.#config;
    const scope = this.#scope();
    const lines = this.#sources.flatMap((source) => {
      const tallies = [...new Set([source.track, source.shown])].filter((tally) => tally !== null);
      const words = tallies.map((tally) => metricsInWords(scope, source, tally, at, average));
      if (!source.shown) {
        const of = task === "multilabel" && scope.shown === null ? "class maps" : "pixels";
        const share = shareInWords(scope.histogram(source), stop, of);
        words.push([share, countOf(this.#config.num_images)]);
      }
      return words.map(([text, over]) =>
        h("span", {}, `${this.#nameOf(source)}${text}`, h("small", {}, over)),
      );
    });
    const own = this.#state.get("class_thresholds").filter((t) => t !== null).length;
    const others = scope.shown === null && own ? `, ${own} of their own` : "";
    this.#value.textContent = `p > ${formatStop(stops, stop)}${others}`;
    this.#lines.replaceChildren(...lines);
    const best = this.#best();
    const name = this.#nameOf(this.#sources[0]);
    this.#toBest.hidden = best < 0;
    if (best >= 0) {
      this.#toBest.textContent = `${name}best ${nameOf(this.#metric)} at ${formatStop(stops, best)} →`;
    }
    this.#speaking.call();
  }

  /** Which model a number is of, where there are two. */
  #nameOf(source: Source): string {
    return this.#sources.length > 1 ? `${source.name}  ` : "";
  }

  #updateLegend(): void {
    const entries = legend(this.#config, this.#state.get("view"), this.#state.shown);
    this.#legend.replaceChildren(
      ...entries.map(({ color, text }) => {
        const swatch = h("i", { class: "swatch", "aria-hidden": "true" });
        swatch.style.background = color;
        return h("span", { title: text }, swatch, text);
      }),
    );
  }

  #updateCaptions(at: number[]): void {
    const scope = this.#scope();
    this.#cells.forEach(({ image, source }, index) => {
      const { name, shown } = this.#sources[source];
      const words = this.#config.num_images > 1 ? [String(image + 1)] : [];
      if (this.#modelsPerImage() > 1) words.push(name);
      const metric = shown ? scope.imageMetric(shown, this.#metric, at, image) : Number.NaN;
      if (!Number.isNaN(metric) && this.#modelsPerImage() === this.#sources.length) {
        words.push(`${nameOf(this.#metric)} ${formatMetric(metric)}`);
      }
      this.#grid.setCaption(index, words.join(" · "));
    });
  }

  #updateMatrix(at: number[]): void {
    const { track } = this.#sources[0];
    const names = this.#config.class_names;
    const scope = this.#scope();
    const byArgmax = this.#config.task === "multiclass" && scope.shown === null;
    this.#matrix.hidden = !track || (byArgmax && names.length > MOST_CLASSES_IN_MATRIX);
    if (!track || this.#matrix.hidden) return;
    this.#matrix.children[0].textContent = `${this.#nameOf(this.#sources[0])}confusion matrix, ${countOf(track.totalImages)}`;
    if (!this.#matrix.open) return;
    const matrix =
      byArgmax && track.joint
        ? classMatrix(track.joint, names, at)
        : binaryMatrix(track.counts, at, scope.classes);
    this.#matrix.replaceChild(matrixTable(matrix), this.#matrix.children[1]);
  }

  #updateHovered(): void {
    const { width, height } = this.#config;
    const { cell, x, y } = this.#pointer ?? { cell: -1, x: 0, y: 0 };
    const inside = this.#cells[cell] && x >= 0 && y >= 0 && x < width && y < height;
    const { image, source } = this.#cells[inside ? cell : 0];
    this.#hovered.textContent = inside
      ? pixelInWords(this.#config, this.#tiles, this.#state.shown, image, source, x, y)
      : "";
  }

  #draw(
    context: CanvasRenderingContext2D,
    cell: number,
    layer: Layer,
    region: Region,
    dest: Region,
  ): boolean {
    const { image, source } = this.#cells[cell];
    const { width, channels } = this.#config;
    if (layer === "picture") {
      const pixels = this.#tiles.get(imageKey(image));
      if (!pixels) return false;
      this.#raster.draw(context, region, dest, (out) =>
        fillPicture(out, pixels, width, channels, region),
      );
      return true;
    }
    const view = this.#state.get("view");
    const passes = this.#painter.passes(image, source);
    for (const { plane, table, outline } of passes ?? []) {
      const textured = outline || view === "errors";
      const size = textured ? region : shrunk(region, dest);
      this.#raster.draw(context, size, dest, (out) => {
        if (size !== region) paintMeans(out, plane, region, table, size);
        else paint(out, plane, region, table);
        if (outline) keepOutline(out, region, this.#config);
        else if (textured) texture(out, region, this.#config);
      });
    }
    return passes !== null;
  }
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
