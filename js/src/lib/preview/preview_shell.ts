// The parts that all previews share: pictures with shared zoom and position, pages, keys, a readout
// that screen readers announce, notices, and messages from the kernel.

import type { AnyModel } from "@anywidget/types";
import type { Region, Size } from "../canvas/level_painting";
import { type Layer, PictureGrid } from "../canvas/picture_grid";
import { button, h } from "../core/dom";
import { type Guard, mount } from "../core/error_display";
import type { Kernel } from "../core/kernel_connection";
import { type Failure, handleMessages } from "../core/kernel_messages";
import { range } from "../core/metrics";
import { beforePaint, throttle } from "../core/timing";
import { shorten } from "../core/user_names";
import { listen } from "../core/widget_model";
import { arrowKeys, type KeyActions, runKey, zoomKeys } from "./grid_keys";
import type { LegendCounts } from "./legend_counts";
import { createChoiceLine, type PictureChoice } from "./picture_choice";
import { createPages, type Ranking } from "./picture_pages";
import type { PreviewTraits } from "./preview_wire";
import { TileStore } from "./tile_store";

const PREVIEW_KEYS =
  "Pictures: arrows move, + − 0 zoom. B best, V next view, R reset, U undo, 1–9 one picture alone.";
const LONGEST_LEGEND_TEXT = 32;

/** Messages from src/torchdial/widgets. */
type PreviewMessage = { type: "tiles"; id: number; version: number; keys: string[] } | Failure;

/** One picture of the grid: an image with the output of a model over it. */
export interface GridCell {
  image: number;
  source: number;
}

/** The parts of a preview that depend on its kind. */
export interface Preview {
  size: Size;
  numImages: number;
  pageSize: number;
  /** Help on the keys of its dials. */
  keys: string;
  /** Tooltip of the button that goes to the best setting. */
  bestTitle: string;
  /** In how many pictures each image is shown, one for each model. */
  modelsPerImage(): number;
  /** Number of bytes of a plane; null if it is unknown. */
  bytesOf(key: string): number | null;
  draw(
    context: CanvasRenderingContext2D,
    cell: GridCell,
    layer: Layer,
    region: Region,
    dest: Region,
  ): boolean;
  /** A pixel and its values as text; the cell is null while the pointer is outside. */
  describe(cell: GridCell | null, x: number, y: number): string;
  caption(cell: GridCell): string;
  canRank(): boolean;
  rank(): Ranking;
  goToBest(): void;
  reset(): void;
  undo(): void;
  /** All pictures are shown again. */
  chooseAll?(): void;
  nextView(): void;
  /** Additional key actions while an element has the focus. */
  actions(focus: EventTarget | null): KeyActions;
  /** Read a new frame; on an error the old one stays. */
  readFrame(): void;
  /** Update everything but the pictures. */
  update(): void;
}

/** A colour of the legend and what it stands for; `class` is how the swatch is drawn. */
export interface LegendEntry {
  color: string;
  text: string;
  class?: string;
  /** What the entry counts, where it leads to pictures. */
  counts?: LegendCounts;
}

export type Shell = ReturnType<typeof createShell>;

export function createShell<Traits extends PreviewTraits>(
  model: AnyModel<Traits>,
  root: HTMLElement,
  guard: Guard,
  kernel: Kernel,
  preview: Preview,
) {
  const { numImages, pageSize, size } = preview;
  const value = h("span", { class: "value" });
  const lines = h("span", { class: "lines" });
  const toBest = button("", preview.bestTitle, preview.goToBest);
  const readout = h("div", { class: "readout" }, value, lines, toBest);
  const announced = h("div", { class: "spoken", role: "status" });
  const notice = h("div", { class: "notice", role: "alert" });
  const legend = h("div", { class: "legend" });
  const hovered = h("div", { class: "hovered" });
  const help = h("div", { class: "keys", hidden: true }, `${preview.keys} ${PREVIEW_KEYS}`);
  const updating = beforePaint(guard(update));
  const announcing = throttle(1000, () => {
    announced.textContent = readout.textContent;
  });
  let cells: GridCell[] = [];
  let requests = 0;
  let version = 0; // of the frame in use
  let problem = "";
  let shownLegend = "";
  let shownView = "";
  let pointer: { cell: number; x: number; y: number } | null = null;

  const tiles = new TileStore(
    (keys) => kernel.send({ type: "need", id: ++requests, keys }),
    preview.bytesOf,
  );
  tiles.put(model.get("_pictures").tiles);
  const grid = new PictureGrid(size.width, size.height, {
    guard,
    draw: (context, cell, layer, region, dest) =>
      preview.draw(context, cells[cell], layer, region, dest),
    hover: (cell, x, y) => {
      pointer = cell === null ? null : { cell, x, y };
      updateHovered();
    },
    choose: (cell) => pages.pick(Math.floor(cell / preview.modelsPerImage())),
  });
  const pages = createPages(numImages, pageSize, {
    canRank: preview.canRank,
    rank: preview.rank,
    changed: updating.call,
  });
  const choiceLine = createChoiceLine(numImages, () => choose(null));

  /** Show the pictures that a clicked number counts; null shows all. */
  function choose(choice: PictureChoice | null): void {
    if (choice === null) preview.chooseAll?.();
    choiceLine.show(choice);
    pages.choose(choice?.order ?? null);
  }

  const stopListening = [
    listen(model, ["_frame", "_curves"], guard(readFrame)),
    listen(
      model,
      ["_pictures"],
      guard(() => {
        tiles.renew(model.get("_pictures").tiles, "image/");
        grid.redraw("picture", "overlay");
      }),
    ),
    listen(model, ["_notice"], updating.call),
    handleMessages<PreviewMessage>(model, guard, {
      tiles({ keys, version: asked }, buffers) {
        tiles.put(
          keys.map((key, i) => ({ key, data: buffers[i] })),
          asked === version,
        );
        grid.redraw("picture", "overlay");
      },
      error({ message }) {
        problem = message;
        updating.call();
      },
    }),
  ];
  root.addEventListener("keydown", onKey);

  /** Add the parts to the root and show the first pictures. */
  function assemble(toolbar: HTMLElement, dials: HTMLElement, details: HTMLElement[]): void {
    const foot = h("div", { class: "foot" }, legend, pages.element);
    root.append(
      toolbar,
      help,
      readout,
      dials,
      notice,
      choiceLine.element,
      grid.element,
      hovered,
      foot,
    );
    root.append(...details, announced);
    for (const detail of details) detail.addEventListener("toggle", updating.call);
    readFrame();
    showCells();
  }

  function readFrame(): void {
    preview.readFrame();
    version = model.get("_frame").version;
    updating.call();
  }

  // Input

  function reset(): void {
    preview.reset();
    grid.zoom(0);
  }

  function toggleHelp(): void {
    help.hidden = !help.hidden;
  }

  function onKey(e: KeyboardEvent): void {
    if (e.ctrlKey || e.metaKey || e.altKey) return; // shortcuts of the host, such as saving
    // Hosts have shortcuts too; JupyterLab would take the arrow keys.
    e.stopPropagation();
    const { target } = e;
    if (target instanceof HTMLSelectElement) return;
    if (target instanceof HTMLInputElement && target.type !== "range") return;
    const actions: KeyActions = {
      b: preview.goToBest,
      v: preview.nextView,
      r: reset,
      u: preview.undo,
      "?": toggleHelp,
      ...zoomKeys(grid),
      ...(grid.element.contains(target as Node) && arrowKeys(grid, pages)),
      ...preview.actions(target),
    };
    runKey(e, actions, pages);
  }

  // What is shown

  /** Show the pictures of the current page, if they are not shown already. */
  function showCells(): void {
    const models = range(preview.modelsPerImage());
    const wanted = pages.images().flatMap((image) => models.map((source) => ({ image, source })));
    const same = (cell: GridCell, i: number) =>
      cell.image === cells[i]?.image && cell.source === cells[i].source;
    if (wanted.length === cells.length && wanted.every(same)) return;
    cells = wanted;
    grid.setCells(cells.length);
  }

  /** Update everything on screen; runs once before a paint. */
  function update(): void {
    showCells();
    preview.update();
    const view = model.get("view");
    grid.redraw("overlay", ...(view === shownView ? [] : ["picture" as const]));
    shownView = view;
    grid.flush();
    cells.forEach((cell, i) => {
      grid.setCaption(i, preview.caption(cell));
    });
    updateHovered();
    pages.update();
    const text = [kernel.message, model.get("_notice") || problem].filter(Boolean).join("\n");
    notice.hidden = text === "";
    notice.textContent = text;
    root.dataset.version = String(version);
  }

  function updateHovered(): void {
    const cell = pointer && cells[pointer.cell];
    hovered.textContent = preview.describe(cell ?? null, pointer?.x ?? 0, pointer?.y ?? 0);
  }

  return {
    tiles,
    grid,
    assemble,
    toggleHelp,
    reset,
    changed: updating.call,
    choose,
    cells: () => cells,

    /** Show the position of the dials, its results, and the best position ("" for none). */
    showReadout(position: string, results: Node[], best: string): void {
      value.textContent = position;
      lines.replaceChildren(...results);
      toBest.textContent = best;
      toBest.hidden = best === "";
      announcing.call();
    },

    /** `choose` is called with what a clicked entry counts, and its text. */
    showLegend(entries: LegendEntry[], choose: (counts: LegendCounts, text: string) => void): void {
      const now = JSON.stringify(entries);
      if (now === shownLegend) return;
      shownLegend = now;
      legend.replaceChildren(
        ...entries.map(({ color, text, class: name = "", counts }) => {
          const swatch = h("i", { class: `swatch ${name}`.trim(), "aria-hidden": "true" });
          swatch.style.setProperty("--torchdial-swatch", color);
          const short = shorten(text, LONGEST_LEGEND_TEXT);
          if (counts === undefined) return h("span", { title: text }, swatch, short);
          const entry = button(short, `${text}: show its pictures`, () => choose(counts, text));
          entry.prepend(swatch);
          return entry;
        }),
      );
    },

    dispose(): void {
      for (const stop of stopListening) stop();
      announcing.cancel();
      updating.cancel();
      grid.dispose();
    },
  };
}

/** The module that anywidget renders: `show` fills an element in `el` and returns its cleanup. */
export function renderer<M>(show: (model: M, root: HTMLElement, guard: Guard) => () => void) {
  return {
    render: ({ model, el }: { model: M; el: HTMLElement }) =>
      mount(el, (root, guard) => show(model, root, guard)),
  };
}
