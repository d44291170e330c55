// A grid of pictures that share zoom and position. The caller draws their two layers: the picture
// below, the model's output above.

import { contextOf, h } from "../core/dom";
import type { Guard } from "../core/error_display";
import { beforePaint } from "../core/timing";
import type { Region } from "./level_painting";
import {
  clampViewport,
  panBy,
  pointAt,
  type Viewport,
  visibleRegion,
  WHOLE,
  zoomAt,
} from "./viewport";

export type Layer = "picture" | "overlay";

/**
 * Draws the map pixels of `region` at `dest` (device pixels) in place of what is there, unless that is
 * the same; false while data are missing.
 */
export type Draw = (
  context: CanvasRenderingContext2D,
  cell: number,
  layer: Layer,
  region: Region,
  dest: Region,
) => boolean;

export interface GridEvents {
  guard: Guard;
  draw: Draw;
  /** The pointer is over map pixel (x, y) of a cell, or over none (null). */
  hover(cell: number | null, x: number, y: number): void;
  /** The caption of a cell was clicked. */
  choose(cell: number): void;
  /** A picture was clicked, not dragged. */
  click?(cell: number): void;
}

interface CellElements {
  element: HTMLElement;
  frame: HTMLElement;
  layers: Record<Layer, HTMLCanvasElement>;
  caption: HTMLButtonElement;
  waiting: HTMLElement;
}

const MIN_PIXELS_ACROSS = 8; // at the closest zoom
/** CSS pixels that a cell is wide at least: at first, and the smallest and largest of the slider. */
export const CELL_WIDTH = { first: 150, min: 70, max: 640 };
const MAX_CELL_WIDTH = 640;
const CAPTION_END = 12; // letters of a caption that are always shown
const WHEEL_STEP = 0.0015;
const MAX_CLICK_MOVE = 4; // CSS pixels; beyond, a press and release is a drag
const LAYERS: readonly Layer[] = ["picture", "overlay"];

export class PictureGrid {
  readonly #width: number;
  readonly #height: number;
  readonly #events: GridEvents;
  readonly element: HTMLElement;
  #cells: CellElements[] = [];
  #together = 1;
  #leastWidth = CELL_WIDTH.first;
  #viewport: Viewport = WHOLE;
  #dirty = new Set<Layer>();
  readonly #painting: ReturnType<typeof beforePaint>;
  readonly #resizing: ResizeObserver;
  readonly #sizes = new WeakMap<Element, { width: number; height: number }>();

  constructor(width: number, height: number, events: GridEvents) {
    this.#width = width;
    this.#height = height;
    this.#events = events;
    this.#painting = beforePaint(events.guard(() => this.#paint()));
    this.element = h("div", {
      class: "grid",
      tabindex: 0,
      role: "group",
      "aria-label": "pictures",
    });
    this.element.style.setProperty("--torchdial-aspect", String(width / height));
    this.element.addEventListener("wheel", (e) => this.#onWheel(e), { passive: false });
    this.#resizing = new ResizeObserver((entries) => {
      for (const entry of entries) {
        if (entry.target === this.element) this.#setColumns(entry.contentRect.width);
        else this.#sizes.set(entry.target, deviceSize(entry));
      }
      this.redraw("picture", "overlay");
    });
    this.#resizing.observe(this.element);
  }

  /** Set the number of cells, so many of which belong together and stay in one row, or column. */
  setCells(count: number, together = 1): void {
    this.#together = together;
    while (this.#cells.length > count) this.#removeCell();
    while (this.#cells.length < count) this.#addCell(this.#cells.length);
    this.#setColumns(this.element.clientWidth);
    this.redraw("picture", "overlay");
  }

  /** Set how wide a cell is at least, in CSS pixels. */
  setCellWidth(width: number): void {
    this.#leastWidth = width;
    this.#setColumns(this.element.clientWidth);
    this.redraw("picture", "overlay");
  }

  /** Set a cell's caption; `whole` is its tooltip, where that is longer. `name` is shortened first. */
  setCaption(cell: number, text: string, whole = text, name: Node | null = null): void {
    const { caption, layers } = this.#cells[cell];
    const title = `${whole || text}: this picture alone, or all`;
    const spoken = name ? whole : text;
    if (caption.title !== title || caption.ariaLabel !== spoken) {
      caption.replaceChildren(...(name ? [name, h("span", {}, text)] : [middleCut(text)]));
      caption.ariaLabel = spoken;
      caption.title = title;
      layers.picture.setAttribute("aria-label", whole || `picture ${cell + 1}`);
    }
    caption.hidden = text === "";
  }

  /** Highlight a cell, or stop highlighting it. */
  mark(cell: number, isMarked: boolean): void {
    this.#cells[cell].element.classList.toggle("torchdial-marked", isMarked);
  }

  redraw(...layers: Layer[]): void {
    for (const layer of layers) this.#dirty.add(layer);
    this.#painting.call();
  }

  /** Paint pending changes now, not in the next animation frame. */
  flush(): void {
    this.#painting.flush();
  }

  /** Zoom around the middle; 0 shows the whole picture. */
  zoom(factor: number): void {
    this.#look(factor === 0 ? WHOLE : zoomAt(this.#viewport, factor, 0.5, 0.5, this.#mostZoom()));
  }

  /** Move by fractions of the frame; false while the whole picture is visible. */
  pan(dx: number, dy: number): boolean {
    if (this.#viewport.zoom === 1) return false;
    this.#look(panBy(this.#viewport, dx, dy));
    return true;
  }

  dispose(): void {
    this.#painting.cancel();
    this.#resizing.disconnect();
  }

  #mostZoom(): number {
    return Math.max(this.#width, this.#height) / MIN_PIXELS_ACROSS;
  }

  #look(viewport: Viewport): void {
    this.#viewport = clampViewport(viewport, this.#mostZoom());
    this.element.dataset.zoom = this.#viewport.zoom.toFixed(3);
    this.redraw("picture", "overlay");
  }

  #setColumns(width: number): void {
    const fit = Math.floor(width / this.#leastWidth);
    const columns = columnsOf(this.#cells.length, fit, this.#together);
    const most = this.#cells.length === this.#together ? "1fr" : `${MAX_CELL_WIDTH}px`;
    const style = `repeat(${columns}, minmax(0, ${most}))`;
    this.element.style.gridTemplateColumns = style;
  }

  #addCell(index: number): void {
    const layers = {
      picture: h("canvas", { class: "picture", role: "img", "aria-label": `picture ${index + 1}` }),
      overlay: h("canvas", { class: "overlay", "aria-hidden": "true" }),
    };
    const caption = h("button", {
      type: "button",
      class: "caption",
    });
    caption.addEventListener("click", () => this.#events.choose(index));
    const waiting = h("div", "waiting", "waiting for the kernel");
    waiting.hidden = true;
    const frame = h("div", "frame", layers.picture, layers.overlay, waiting);
    const element = h("div", "cell", frame, caption);
    this.#listen(frame, index);
    this.#cells.push({ element, frame, layers, caption, waiting });
    this.element.append(element);
    try {
      this.#resizing.observe(frame, { box: "device-pixel-content-box" });
    } catch {
      this.#resizing.observe(frame); // Safari does not report device pixels
    }
  }

  #removeCell(): void {
    const cell = this.#cells.pop() as CellElements;
    this.#resizing.unobserve(cell.frame);
    cell.element.remove();
  }

  #listen(frame: HTMLElement, index: number): void {
    let grabbed = false;
    let moved = 0;
    frame.addEventListener("pointerdown", (e) => {
      grabbed = e.button === 0;
      moved = 0;
      if (grabbed) frame.setPointerCapture(e.pointerId);
    });
    frame.addEventListener("lostpointercapture", () => {
      grabbed = false;
    });
    frame.addEventListener("pointermove", (e) => {
      const { fx, fy, width, height } = within(frame, e);
      moved += Math.abs(e.movementX) + Math.abs(e.movementY);
      if (grabbed && this.pan(e.movementX / width, e.movementY / height)) return;
      const at = pointAt(this.#viewport, fx, fy, this.#width, this.#height);
      this.#events.hover(index, Math.floor(at.x), Math.floor(at.y));
    });
    frame.addEventListener("click", (e) => {
      // The second click of a double click zooms.
      if (moved < MAX_CLICK_MOVE && e.detail < 2) this.#events.click?.(index);
    });
    frame.addEventListener("pointerleave", () => this.#events.hover(null, 0, 0));
    frame.addEventListener("dblclick", (e) => {
      const { fx, fy } = within(frame, e);
      this.#look(zoomAt(this.#viewport, e.shiftKey ? 0.5 : 2, fx, fy, this.#mostZoom()));
    });
  }

  /** The wheel scrolls the page unless the pictures have the focus, or with Ctrl or ⌘. */
  #onWheel(e: WheelEvent): void {
    const focused = this.element.matches(":focus-within");
    const frame = (e.target as Element).closest<HTMLElement>(".torchdial-frame");
    const isWhole = this.#viewport.zoom === 1 && e.deltaY > 0;
    if (!frame || isWhole || !(focused || e.ctrlKey || e.metaKey)) return;
    e.preventDefault();
    e.stopPropagation();
    const { fx, fy } = within(frame, e);
    const factor = Math.exp(-e.deltaY * WHEEL_STEP * (e.deltaMode === 1 ? 20 : 1));
    this.#look(zoomAt(this.#viewport, factor, fx, fy, this.#mostZoom()));
  }

  #paint(): void {
    const layers = LAYERS.filter((layer) => this.#dirty.has(layer));
    this.#dirty.clear();
    this.#cells.forEach((cell, index) => {
      const size = this.#sizes.get(cell.frame);
      if (!size || size.width === 0 || size.height === 0) return;
      const drawn = layers.map((layer) => this.#paintLayer(cell, index, layer, size));
      if (layers.includes("overlay")) cell.waiting.hidden = drawn[drawn.length - 1];
    });
  }

  #paintLayer(
    cell: CellElements,
    index: number,
    layer: Layer,
    { width, height }: { width: number; height: number },
  ): boolean {
    const canvas = cell.layers[layer];
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
    }
    const context = contextOf(canvas);
    const { region, dest } = visibleRegion(
      this.#viewport,
      this.#width,
      this.#height,
      width,
      height,
    );
    // Magnified pixels stay squares; reduced pictures are averaged, which keeps thin lines.
    context.imageSmoothingEnabled = dest.width < region.width;
    context.imageSmoothingQuality = "medium";
    return this.#events.draw(context, index, layer, region, dest);
  }
}

/**
 * As many columns as fit, but only so many that rows are filled evenly, and that cells which belong
 * together stay in one row; where these do not fit beside each other, one column.
 */
export function columnsOf(cells: number, fit: number, together: number): number {
  if (fit < together) return 1;
  const groups = Math.max(cells / together, 1);
  const most = Math.min(Math.floor(fit / together), groups);
  return together * Math.ceil(groups / Math.ceil(groups / most));
}

/** A text that gives way in its middle where there is no room for it: names differ at their ends. */
function middleCut(text: string): HTMLElement {
  const letters = [...text];
  const start = letters.slice(0, -CAPTION_END).join("");
  const end = letters.slice(-CAPTION_END).join("");
  return h("bdi", "cut", ...(start ? [h("span", {}, start)] : []), h("span", {}, end));
}

function within(frame: HTMLElement, e: MouseEvent) {
  const box = frame.getBoundingClientRect();
  return {
    fx: (e.clientX - box.left) / box.width,
    fy: (e.clientY - box.top) / box.height,
    width: box.width,
    height: box.height,
  };
}

function deviceSize(entry: ResizeObserverEntry) {
  const exact = entry.devicePixelContentBoxSize?.[0];
  if (exact) return { width: exact.inlineSize, height: exact.blockSize };
  const ratio = window.devicePixelRatio;
  return {
    width: Math.round(entry.contentRect.width * ratio),
    height: Math.round(entry.contentRect.height * ratio),
  };
}
