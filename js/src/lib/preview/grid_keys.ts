// The keys of every grid of pictures, and of dials.

import type { PictureGrid } from "../canvas/picture_grid";
import type { Pages } from "./picture_pages";

const ZOOM_STEP = 1.5;
const PAN_STEP = 0.1; // of the frame
const PAGE = 10; // stops

/** What each key does, by `KeyboardEvent.key` in lower case. */
export type KeyActions = Record<string, (() => void) | undefined>;

export function zoomKeys(grid: PictureGrid): KeyActions {
  return {
    "+": () => grid.zoom(ZOOM_STEP),
    "=": () => grid.zoom(ZOOM_STEP),
    "-": () => grid.zoom(1 / ZOOM_STEP),
    "0": () => grid.zoom(0),
  };
}

/** Arrows move zoomed pictures; while they are shown whole, left and right turn the page. */
export function arrowKeys(grid: PictureGrid, pages: Pages): KeyActions {
  const move = (dx: number, dy: number) => () => {
    if (!grid.pan(dx, dy) && dx !== 0) pages.turn(-Math.sign(dx));
  };
  return {
    arrowleft: move(PAN_STEP, 0),
    arrowright: move(-PAN_STEP, 0),
    arrowup: move(0, PAN_STEP),
    arrowdown: move(0, -PAN_STEP),
  };
}

/** Move a dial, or a point along two of them, by so many stops. */
export function dialKeys(right: (by: number) => void, up = right): KeyActions {
  return {
    arrowleft: () => right(-1),
    arrowright: () => right(1),
    arrowup: () => up(1),
    arrowdown: () => up(-1),
    pageup: () => up(PAGE),
    pagedown: () => up(-PAGE),
  };
}

/** Run the action of a pressed key; 1–9 without one show a single picture. */
export function runKey(e: KeyboardEvent, actions: KeyActions, pages: Pages): void {
  const action = actions[e.key.toLowerCase()];
  if (action) action();
  else if (!/^[1-9]$/.test(e.key) || !pages.pick(Number(e.key) - 1)) return;
  e.preventDefault();
}
