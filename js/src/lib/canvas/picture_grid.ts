// A grid of pictures that share zoom and position. The caller draws their two layers: the picture
// below, the model's output above.

import { contextOf, h, renew } from "../core/dom";
import type { Guard } from "../core/error_display";
import { beforePaint } from "../core/timing";
import type { Region, Size } from "./level_painting";
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
const CAPTION_END = 12; // letters of a name that are always shown
const WHEEL_STEP = 0.0015;
const MAX_CLICK_MOVE = 4; // CSS pixels; beyond, a press and release is a drag
const LAYERS: readonly Layer[] = ["picture", "overlay"];

export type PictureGrid = ReturnType<typeof createPictureGrid>;

/** @param map the size of the pictures, in map pixels. */
export function createPictureGrid(map: Size, events: GridEvents) {
  const element = h("div", {
    class: "grid",
    tabindex: 0,
    role: "group",
    "aria-label": "pictures",
  });
  const cells: CellElements[] = [];
  let together = 1;
  let leastWidth = CELL_WIDTH.first;
  let width = 0; // of the grid, in CSS pixels
  let viewport: Viewport = WHOLE;
  const dirty = new Set<Layer>();
  const painting = beforePaint(events.guard(paint));
  const sizes = new WeakMap<Element, Size>();
  const resizing = new ResizeObserver((entries) => {
    for (const entry of entries) {
      if (entry.target === element) {
        width = entry.contentRect.width;
        setColumns();
      } else sizes.set(entry.target, deviceSize(entry));
    }
    redraw("picture", "overlay");
    painting.flush(); // it is not too late for this frame
  });
  const mostZoom = Math.max(map.width, map.height) / MIN_PIXELS_ACROSS;
  element.style.setProperty("--torchdial-aspect", String(map.width / map.height));
  element.addEventListener("wheel", onWheel, { passive: false });
  resizing.observe(element);

  /** Set the number of cells, so many of which belong together and stay in one row, or column. */
  function setCells(count: number, inRow = 1): void {
    together = inRow;
    while (cells.length > count) removeCell();
    while (cells.length < count) addCell(cells.length);
    setColumns();
    redraw("picture", "overlay");
  }

  /** Set how wide a cell is at least, in CSS pixels. */
  function setCellWidth(least: number): void {
    leastWidth = least;
    setColumns();
    redraw("picture", "overlay");
  }

  /** Set a cell's caption; `whole` is its tooltip, where that is longer. `name` is shortened first. */
  function setCaption(cell: number, text: string, whole = text, name: Node | null = null): void {
    const { caption, layers } = cells[cell];
    const title = `${whole || text}: this picture alone, or all`;
    const spoken = name ? whole : text;
    if (caption.title !== title || caption.ariaLabel !== spoken) {
      renew(caption, name ? [name, h("span", {}, text)] : [middleCut(text)]);
      caption.ariaLabel = spoken;
      caption.title = title;
      layers.picture.ariaLabel = whole || `picture ${cell + 1}`;
    }
    caption.hidden = text === "";
  }

  function redraw(...layers: Layer[]): void {
    for (const layer of layers) dirty.add(layer);
    painting.call();
  }

  /** Zoom around the middle; 0 shows the whole picture. */
  function zoom(factor: number): void {
    look(factor === 0 ? WHOLE : zoomAt(viewport, factor, 0.5, 0.5, mostZoom));
  }

  /** Move by fractions of the frame; false while the whole picture is visible. */
  function pan(dx: number, dy: number): boolean {
    if (viewport.zoom === 1) return false;
    look(panBy(viewport, dx, dy));
    return true;
  }

  function dispose(): void {
    painting.cancel();
    resizing.disconnect();
  }

  function look(at: Viewport): void {
    viewport = clampViewport(at, mostZoom);
    element.dataset.zoom = viewport.zoom.toFixed(3);
    redraw("picture", "overlay");
  }

  function setColumns(): void {
    width ||= element.clientWidth; // at first; later its observer knows it without a layout
    const fit = Math.floor(width / leastWidth);
    const columns = columnsOf(cells.length, fit, together);
    const most = cells.length === together ? "1fr" : `${CELL_WIDTH.max}px`;
    element.style.gridTemplateColumns = `repeat(${columns}, minmax(0, ${most}))`;
  }

  function addCell(index: number): void {
    const layers = {
      picture: h("canvas", { class: "picture", role: "img", "aria-label": `picture ${index + 1}` }),
      overlay: h("canvas", { class: "overlay", "aria-hidden": "true" }),
    };
    const onclick = () => events.choose(index);
    const caption = h("button", { type: "button", class: "caption", onclick });
    const waiting = h("div", { class: "waiting", hidden: true }, "waiting for the kernel");
    const frame = h("div", "frame", layers.picture, layers.overlay, waiting);
    const cell = h("div", "cell", frame, caption);
    listen(frame, index);
    cells.push({ element: cell, frame, layers, caption, waiting });
    element.append(cell);
    try {
      resizing.observe(frame, { box: "device-pixel-content-box" });
    } catch {
      resizing.observe(frame); // Safari does not report device pixels
    }
  }

  function removeCell(): void {
    const cell = cells.pop() as CellElements;
    resizing.unobserve(cell.frame);
    cell.element.remove();
  }

  function listen(frame: HTMLElement, index: number): void {
    let moved = 0;
    frame.addEventListener("pointerdown", (e) => {
      moved = 0;
      if (e.button === 0) frame.setPointerCapture(e.pointerId);
    });
    frame.addEventListener("pointermove", (e) => {
      const { fx, fy, box } = within(frame, e);
      moved += Math.abs(e.movementX) + Math.abs(e.movementY);
      const isGrabbed = frame.hasPointerCapture(e.pointerId);
      if (isGrabbed && pan(e.movementX / box.width, e.movementY / box.height)) return;
      const at = pointAt(viewport, fx, fy, map);
      events.hover(index, Math.floor(at.x), Math.floor(at.y));
    });
    frame.addEventListener("click", (e) => {
      // The second click of a double click zooms.
      if (moved < MAX_CLICK_MOVE && e.detail < 2) events.click?.(index);
    });
    frame.addEventListener("pointerleave", () => events.hover(null, 0, 0));
    frame.addEventListener("dblclick", (e) => {
      const { fx, fy } = within(frame, e);
      look(zoomAt(viewport, e.shiftKey ? 0.5 : 2, fx, fy, mostZoom));
    });
  }

  /** The wheel scrolls the page unless the pictures have the focus, or with Ctrl or ⌘. */
  function onWheel(e: WheelEvent): void {
    const focused = element.matches(":focus-within");
    const frame = (e.target as Element).closest<HTMLElement>(".torchdial-frame");
    const isWhole = viewport.zoom === 1 && e.deltaY > 0;
    if (!frame || isWhole || !(focused || e.ctrlKey || e.metaKey)) return;
    e.preventDefault();
    e.stopPropagation();
    const { fx, fy } = within(frame, e);
    const factor = Math.exp(-e.deltaY * WHEEL_STEP * (e.deltaMode === 1 ? 20 : 1));
    look(zoomAt(viewport, factor, fx, fy, mostZoom));
  }

  function paint(): void {
    const layers = LAYERS.filter((layer) => dirty.has(layer));
    dirty.clear();
    cells.forEach((cell, index) => {
      const size = sizes.get(cell.frame);
      if (!size || size.width === 0 || size.height === 0) return;
      element.dataset.painted ??= "true"; // for programs that wait for the first pictures
      const drawn = layers.map((layer) => paintLayer(cell, index, layer, size));
      if (layers.includes("overlay"))
        cell.waiting.toggleAttribute("hidden", drawn[drawn.length - 1]);
    });
  }

  function paintLayer(cell: CellElements, index: number, layer: Layer, size: Size): boolean {
    const canvas = cell.layers[layer];
    if (canvas.width !== size.width || canvas.height !== size.height) {
      Object.assign(canvas, size);
    }
    const context = contextOf(canvas);
    const { region, dest } = visibleRegion(viewport, map, size);
    // Magnified pixels stay squares; reduced pictures are averaged, which keeps thin lines.
    context.imageSmoothingEnabled = dest.width < region.width;
    context.imageSmoothingQuality = "medium";
    return events.draw(context, index, layer, region, dest);
  }

  return {
    element,
    setCells,
    setCellWidth,
    setCaption,
    redraw,
    /** Paint pending changes now, not in the next animation frame. */
    flush: painting.flush,
    zoom,
    pan,
    dispose,
  };
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

/**
 * A text whose end, after its last dot, takes a line of its own where there is no room for it. What
 * precedes it gives way; of a name the last letters are its end, as names differ there.
 */
function middleCut(text: string): HTMLElement {
  const dot = text.lastIndexOf(" · ") + 1;
  const end = dot ? text.slice(dot) : [...text].slice(-CAPTION_END).join("");
  const start = text.slice(0, text.length - end.length);
  const parts = [start, end].filter(Boolean).map((part) => h("span", {}, part));
  return h("bdi", "cut", ...parts);
}

function within(frame: HTMLElement, e: MouseEvent) {
  const box = frame.getBoundingClientRect();
  return {
    fx: (e.clientX - box.left) / box.width,
    fy: (e.clientY - box.top) / box.height,
    box,
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
