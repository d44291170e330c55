// Zoom and position, shared by all pictures.

import { clamp } from "../core/clamp";
import type { Region, Size } from "./level_painting";

/** Magnification relative to the whole picture, and the point in the middle, as fractions. */
export interface Viewport {
  zoom: number;
  x: number;
  y: number;
}

export const WHOLE: Viewport = { zoom: 1, x: 0.5, y: 0.5 };

/** Limit the zoom to `most`, and the position so that the picture fills its frame. */
export function clampViewport(v: Viewport, most: number): Viewport {
  const zoom = clamp(v.zoom, 1, most);
  const half = 0.5 / zoom;
  const inside = (at: number) => clamp(at, half, 1 - half);
  return { zoom, x: inside(v.x), y: inside(v.y) };
}

/** Zoom by a factor around the point at (fx, fy) of the frame. */
export function zoomAt(
  v: Viewport,
  factor: number,
  fx: number,
  fy: number,
  most: number,
): Viewport {
  const { zoom } = clampViewport({ ...v, zoom: v.zoom * factor }, most);
  const shift = 1 / v.zoom - 1 / zoom;
  return clampViewport({ zoom, x: v.x + (fx - 0.5) * shift, y: v.y + (fy - 0.5) * shift }, most);
}

/** Move by a fraction of the frame. */
export function panBy(v: Viewport, dx: number, dy: number): Viewport {
  return clampViewport({ ...v, x: v.x - dx / v.zoom, y: v.y - dy / v.zoom }, v.zoom);
}

/** The map point, in pixels, at (fx, fy) of the frame. */
export function pointAt(v: Viewport, fx: number, fy: number, { width, height }: Size) {
  return { x: (v.x + (fx - 0.5) / v.zoom) * width, y: (v.y + (fy - 0.5) / v.zoom) * height };
}

/** The visible map pixels, and where to draw them in a frame of the given size. */
export function visibleRegion(
  v: Viewport,
  map: Size,
  frame: Size,
): { region: Region; dest: Region } {
  const { width, height } = map;
  const topLeft = pointAt(v, 0, 0, map);
  const bottomRight = pointAt(v, 1, 1, map);
  const x = Math.max(0, Math.floor(topLeft.x + 1e-6));
  const y = Math.max(0, Math.floor(topLeft.y + 1e-6));
  const region = {
    x,
    y,
    width: Math.min(width, Math.ceil(bottomRight.x - 1e-6)) - x,
    height: Math.min(height, Math.ceil(bottomRight.y - 1e-6)) - y,
  };
  const sx = (frame.width * v.zoom) / width;
  const sy = (frame.height * v.zoom) / height;
  const dest = {
    x: (x - topLeft.x) * sx,
    y: (y - topLeft.y) * sy,
    width: region.width * sx,
    height: region.height * sy,
  };
  return { region, dest };
}

/** The part of a region inside an image, and where to draw it; images may differ in size. */
export function coveredPart(region: Region, dest: Region, [height, width]: readonly number[]) {
  const part = {
    x: region.x,
    y: region.y,
    width: Math.min(region.x + region.width, width) - region.x,
    height: Math.min(region.y + region.height, height) - region.y,
  };
  const [sx, sy] = [dest.width / region.width, dest.height / region.height];
  const at = { x: dest.x, y: dest.y, width: part.width * sx, height: part.height * sy };
  return { region: part, dest: at };
}
