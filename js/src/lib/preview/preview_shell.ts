// The parts that all previews share: pictures with shared zoom and position, pages, keys, a readout
// that screen readers announce, notices, and messages from the kernel.

import type { AnyModel } from "@anywidget/types";
import type { Region, Size } from "../canvas/level_painting";
import { CELL_WIDTH, createPictureGrid, type Layer } from "../canvas/picture_grid";
import { button, h, keepHeight, renew, setText } from "../core/dom";
import { type Guard, mount } from "../core/error_display";
import type { Kernel } from "../core/kernel_connection";
import { type Failure, handleMessages } from "../core/kernel_messages";
import { range } from "../core/metrics";
import { beforePaint, debounce } from "../core/timing";
import { listen } from "../core/widget_model";
import { createChoiceLine, type PictureChoice } from "../numbers/picture_choice";
import { arrowKeys, type KeyActions, runKey, zoomKeys } from "./grid_keys";
import { createLegend } from "./legend";
import { modelSwatch } from "./model_swatch";
import { createPages, type Ranking } from "./picture_pages";
import type { PreviewTraits } from "./preview_wire";
import { createTileStore } from "./tile_store";
import { labelled } from "./toolbar";

const ANNOUNCE_MS = 200; // after the dial has come to rest
const PREVIEW_KEYS =
  "Pictures: arrows move, + − 0 zoom. B best, V next view, R reset, U undo, 1–9 one picture alone.";

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
  /** What the images are called, where they are no pictures. */
  unit?: string;
  /** Help on the keys of its dials. */
  keys: string;
  /** Tooltip of the button that goes to the best setting. */
  bestTitle: string;
  /** Names of the models. */
  sources: readonly string[];
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
  /** The caption of a picture, after the name of its model where there are several. */
  caption(cell: GridCell): string;
  /** The numbers of one model in one image, beside a picture that is shown alone. */
  numbers(cell: GridCell): NamedValue[];
  canRank(): boolean;
  /** The metric of an image at the setting, by which images are ranked; NaN where there is none. */
  measure(cell: GridCell): number;
  /** The setting as short text. */
  settingText(): string;
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

/** A name and its value: ["Dice", "0.842"]. */
export type NamedValue = readonly [name: string, value: string];

export type Shell = ReturnType<typeof createShell>;

export function createShell<Traits extends PreviewTraits>(
  model: AnyModel<Traits>,
  root: HTMLElement,
  guard: Guard,
  kernel: Kernel,
  preview: Preview,
) {
  const { numImages, pageSize, size } = preview;
  root.classList.toggle("torchdial-two", preview.sources.length > 1);
  const value = h("span", "value");
  const lines = h("span", "lines");
  const toBest = button("", preview.bestTitle, preview.goToBest);
  const readout = h("div", "readout", value, lines, toBest);
  const announced = h("div", { class: "spoken", role: "status" });
  const notice = h("div", { class: "notice", role: "alert" });
  const legend = createLegend();
  const beside = h("div", "beside");
  const hovered = h("div", "hovered");
  const help = h("div", { class: "keys", hidden: true }, `${preview.keys} ${PREVIEW_KEYS}`);
  const updating = beforePaint(guard(update));
  const announce = () => {
    const text = readout.innerText.replace(/\s+/g, " "); // forces a layout, so not before a paint
    setText(announced, text);
  };
  const announcing = debounce(ANNOUNCE_MS, announce, 1000);
  const byDifference = {
    name: "largest difference first",
    title: "Between the two models, by the chosen metric, at the current setting",
    rank: () => rankBy((image) => -Math.abs(difference(image))),
  };
  const cellSize = h("input", {
    type: "range",
    ...{ min: CELL_WIDTH.min, max: CELL_WIDTH.max, step: 10, value: CELL_WIDTH.first },
    "aria-label": "size of the pictures",
    oninput: () => grid.setCellWidth(cellSize.valueAsNumber),
  });
  let cells: GridCell[] = [];
  let requests = 0;
  let version = 0; // of the frame in use
  let problem = "";
  let shownView = "";
  let pointer: { cell: number; x: number; y: number } | null = null;

  const tiles = createTileStore(
    (keys) => kernel.send({ type: "need", id: ++requests, keys }),
    preview.bytesOf,
  );
  tiles.put(model.get("_pictures").tiles);
  const grid = createPictureGrid(size, {
    guard,
    draw: (context, cell, layer, region, dest) =>
      preview.draw(context, cells[cell], layer, region, dest),
    hover: (cell, x, y) => {
      pointer = cell === null ? null : { cell, x, y };
      updateHovered();
    },
    choose(cell) {
      pages.pick(Math.floor(cell / preview.modelsPerImage()));
      grid.element.focus({ preventScroll: true }); // where the keys go on
    },
  });
  const pages = createPages(numImages, pageSize, {
    orders: [
      {
        name: "worst first",
        title: "By the chosen metric, at the current setting",
        rank: () => rankBy((image) => preview.measure({ image, source: 0 })),
      },
      ...(preview.sources.length > 1 ? [byDifference] : []),
    ],
    canRank: preview.canRank,
    changed: updating.call,
  });
  const choiceLine = createChoiceLine(numImages, () => choose(null), preview.unit);

  /** Show the pictures that a clicked number counts; null shows all. One that is alone may stay. */
  function choose(choice: PictureChoice | null, staysAlone = false): void {
    if (choice === null) preview.chooseAll?.();
    choiceLine.show(choice);
    pages.choose(choice?.order ?? null, staysAlone);
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
    listen(model, ["_notice", "_steps"], updating.call),
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
  for (const name of ["keydown", "input", "click"]) root.addEventListener(name, updating.atOnce);
  const steadying = keepHeight(readout);

  /** Add the parts to the root and show the first pictures. */
  function assemble(toolbar: HTMLElement, dials: HTMLElement, details: HTMLElement[]): void {
    const size = labelled("size", cellSize, numImages * preview.sources.length > 1);
    pages.element.append(size);
    const pictures = h("div", "pictures", grid.element, beside);
    root.append(toolbar, help, readout, dials, notice, pages.element, choiceLine.element);
    root.append(pictures, hovered, legend.element, ...details, announced);
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
      ...(isAmongPictures(target as Node) && arrowKeys(grid, pages)),
      ...preview.actions(target),
    };
    runKey(e, actions, pages);
  }

  function isAmongPictures(target: Node): boolean {
    return target !== cellSize && [grid, pages].some(({ element }) => element.contains(target));
  }

  // What is shown

  /** Show the pictures of the current page, if they are not shown already. */
  function showCells(): void {
    const models = range(preview.modelsPerImage());
    const wanted = pages.images().flatMap((image) => models.map((source) => ({ image, source })));
    if (JSON.stringify(wanted) === JSON.stringify(cells)) return;
    cells = wanted;
    grid.element.classList.toggle("torchdial-alone", pages.alone() !== null);
    grid.setCells(cells.length, models.length);
  }

  /** The images in the order of some values, the lowest first; undefined ones last. */
  function rankBy(measure: (image: number) => number): Ranking {
    const values = range(numImages).map((image) => {
      const value = measure(image);
      return Number.isNaN(value) ? Number.POSITIVE_INFINITY : value;
    });
    const order = range(numImages).sort((a, b) => values[a] - values[b] || a - b);
    return { order, at: preview.settingText() };
  }

  function difference(image: number): number {
    return preview.measure({ image, source: 0 }) - preview.measure({ image, source: 1 });
  }

  /** The numbers of a picture that is shown alone, a table for each model. */
  function showBeside(): void {
    const image = pages.alone();
    beside.hidden = image === null;
    if (image === null) return;
    const tables = preview.sources.map((name, source) => {
      const rows = preview
        .numbers({ image, source })
        .map(([of, value]) => h("tr", {}, h("th", { scope: "row" }, of), h("td", {}, value)));
      const caption =
        preview.sources.length > 1 ? [h("caption", {}, modelSwatch(source, name))] : [];
      return h("table", {}, ...caption, h("tbody", {}, ...rows));
    });
    beside.replaceChildren(h("b", {}, `picture ${image + 1}`), ...tables);
  }

  /** Update everything on screen; runs once before a paint. */
  function update(): void {
    showCells();
    preview.update();
    const view = model.get("view");
    grid.redraw("overlay", ...(view === shownView ? [] : ["picture" as const]));
    shownView = view;
    grid.flush();
    const named = preview.modelsPerImage() > 1;
    cells.forEach((cell, i) => {
      const text = preview.caption(cell);
      const name = preview.sources[cell.source];
      if (named) grid.setCaption(i, text, `${name} ${text}`, modelSwatch(cell.source, name, 20));
      else grid.setCaption(i, text);
    });
    showBeside();
    updateHovered();
    pages.update();
    const text = [kernel.message, model.get("_notice") || problem].filter(Boolean).join("\n");
    notice.hidden = text === "";
    setText(notice, text);
    root.dataset.version = String(version);
  }

  function updateHovered(): void {
    const cell = pointer && cells[pointer.cell];
    setText(hovered, preview.describe(cell ?? null, pointer?.x ?? 0, pointer?.y ?? 0));
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

    /**
     * Show the position of the dials, its results, and the best position ("" for none). Where nothing
     * is gained there it is not visible, but has its room, so that what follows stays.
     */
    showReadout(position: string, results: Node[], best: string, gain: string): void {
      setText(value, position);
      renew(lines, results);
      setText(toBest, `${best} ${gain} →`);
      toBest.hidden = best === "";
      toBest.style.visibility = gain ? "" : "hidden";
      announcing.call();
    },

    showLegend: legend.show,

    dispose(): void {
      for (const stop of stopListening) stop();
      announcing.cancel();
      updating.cancel();
      grid.dispose();
      steadying.disconnect();
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
