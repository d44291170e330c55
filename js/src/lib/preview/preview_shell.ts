// What every preview has around its dials: pictures with one zoom and place, pages of them, keys,
// a readout that is spoken too, notices, and what the kernel sends.

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
import { createPages, type Ranking } from "./picture_pages";
import type { PreviewTraits } from "./preview_wire";
import { TileStore } from "./tile_store";

const PREVIEW_KEYS =
  "Pictures: arrows move, + − 0 zoom. B best, V next view, R reset, 1–9 one picture alone.";
const LONGEST_LEGEND_TEXT = 32; // in the legend

/** Messages from src/torchdial/widgets. */
type PreviewMessage = { type: "tiles"; id: number; version: number; keys: string[] } | Failure;

/** One picture of the grid: an image with a model's word over it. */
export interface GridCell {
  image: number;
  source: number;
}

/** What a preview adds to its shell. */
export interface Preview {
  size: Size;
  numImages: number;
  pageSize: number;
  /** The keys of its dials, in words. */
  keys: string;
  /** What the button to the best setting does. */
  bestTitle: string;
  /** How many models a picture is shown by. */
  modelsPerImage(): number;
  /** How many bytes a plane has; null where that is not known. */
  bytesOf(key: string): number | null;
  draw(
    context: CanvasRenderingContext2D,
    cell: GridCell,
    layer: Layer,
    region: Region,
    dest: Region,
  ): boolean;
  /** What is known of a pixel, in words; null where the pointer is nowhere. */
  describe(cell: GridCell | null, x: number, y: number): string;
  caption(cell: GridCell): string;
  canRank(): boolean;
  rank(): Ranking;
  goToBest(): void;
  reset(): void;
  nextView(): void;
  /** What keys do while an element has the focus, beyond what they do everywhere. */
  actions(focus: EventTarget | null): KeyActions;
  /** Take what the kernel says anew: all of it, or else nothing and an error. */
  readFrame(): void;
  /** Bring everything but the pictures to the state of the model. */
  update(): void;
}

/** A colour of the legend and what it stands for; `class` is how the swatch is drawn. */
export interface LegendEntry {
  color: string;
  text: string;
  class?: string;
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
  const spoken = h("div", { class: "spoken", role: "status" });
  const notice = h("div", { class: "notice", role: "alert" });
  const legend = h("div", { class: "legend" });
  const hovered = h("div", { class: "hovered" });
  const help = h("div", { class: "keys", hidden: true }, `${preview.keys} ${PREVIEW_KEYS}`);
  const updating = beforePaint(guard(update));
  const speaking = throttle(1000, () => {
    spoken.textContent = readout.textContent;
  });
  let cells: GridCell[] = [];
  let requests = 0;
  let version = 0; // of the frame that was read
  let problem = "";
  let explained = "";
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

  /** Put the parts together and show the first picture. */
  function assemble(toolbar: HTMLElement, dials: HTMLElement, details: HTMLElement[]): void {
    const foot = h("div", { class: "foot" }, legend, pages.element);
    root.append(toolbar, help, readout, dials, notice, grid.element, hovered, foot);
    root.append(...details, spoken);
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
    if (e.ctrlKey || e.metaKey || e.altKey) return; // the host's: saving, say
    // Hosts have shortcuts of their own (JupyterLab swallows arrows); a key here is meant for here.
    e.stopPropagation();
    const { target } = e;
    if (target instanceof HTMLSelectElement) return;
    if (target instanceof HTMLInputElement && target.type === "number") return;
    const actions: KeyActions = {
      b: preview.goToBest,
      v: preview.nextView,
      r: reset,
      "?": toggleHelp,
      ...zoomKeys(grid),
      ...(grid.element.contains(target as Node) && arrowKeys(grid, pages)),
      ...preview.actions(target),
    };
    runKey(e, actions, pages);
  }

  // What is shown

  /** Put the page's pictures into the grid, if they are not there already. */
  function showCells(): void {
    const models = range(preview.modelsPerImage());
    const wanted = pages.images().flatMap((image) => models.map((source) => ({ image, source })));
    const same = (cell: GridCell, i: number) =>
      cell.image === cells[i]?.image && cell.source === cells[i].source;
    if (wanted.length === cells.length && wanted.every(same)) return;
    cells = wanted;
    grid.setCells(cells.length);
  }

  /** Bring everything on screen to the state of the model; runs once before a paint. */
  function update(): void {
    showCells();
    preview.update();
    grid.redraw("overlay");
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
    cells: () => cells,

    /** Say where the dials stand and what follows, and where it would be best ("" for nowhere). */
    say(position: string, said: Node[], best: string): void {
      value.textContent = position;
      lines.replaceChildren(...said);
      toBest.textContent = best;
      toBest.hidden = best === "";
      speaking.call();
    },

    explain(entries: LegendEntry[]): void {
      const now = JSON.stringify(entries);
      if (now === explained) return;
      explained = now;
      legend.replaceChildren(
        ...entries.map(({ color, text, class: name = "" }) => {
          const swatch = h("i", { class: `swatch ${name}`.trim(), "aria-hidden": "true" });
          swatch.style.setProperty("--torchdial-swatch", color);
          return h("span", { title: text }, swatch, shorten(text, LONGEST_LEGEND_TEXT));
        }),
      );
    },

    dispose(): void {
      for (const stop of stopListening) stop();
      speaking.cancel();
      updating.cancel();
      grid.dispose();
    },
  };
}

/** What anywidget calls: it gets an element of its own in `el`, and cleans it up. */
export function renderer<M>(show: (model: M, root: HTMLElement, guard: Guard) => () => void) {
  return {
    render: ({ model, el }: { model: M; el: HTMLElement }) =>
      mount(el, (root, guard) => show(model, root, guard)),
  };
}
