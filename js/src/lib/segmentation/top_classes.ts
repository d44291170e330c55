// The classes of each pixel that are seen at some stop where each is painted over those before it;
// src/torchdial/sweeps/pixels/top_classes.py finds them.

import type { Plane, Size } from "../canvas/level_painting";
import { range } from "../core/metrics";

/** Split them into levels and classes, from the top: the first one of a level above a stop is seen. */
export function topPlanes(tops: Uint8Array, { width, height }: Size): Plane[] {
  const size = width * height;
  const plane = (i: number) => tops.subarray(i * size, (i + 1) * size);
  return range(tops.length / size / 2).map((k) => ({
    width,
    levels: plane(2 * k),
    rows: plane(2 * k + 1),
  }));
}
