// Which box suppresses another; IoUs are rounded as in src/torchdial/sweeps/boxes/nms.py.

import { type Detections, keptAt } from "./image_decisions";

export interface Suppressor {
  /** Index of the box. */
  by: number;
  iou: number;
}

/** The best kept box whose IoU with detection i is above the stop; null if i is kept. */
export function suppressor(
  found: Detections,
  stop: number,
  i: number,
  classAgnostic: boolean,
  stops: ArrayLike<number>,
): Suppressor | null {
  if (keptAt(found, stop, i)) return null;
  const most = stops[stop]; // float64, as torchvision compares it
  for (let by = 0; by < i; by++) {
    if (!classAgnostic && found.labels[by] !== found.labels[i]) continue;
    if (!keptAt(found, stop, by)) continue;
    const iou = overlap(found.boxes, by, i);
    if (iou > most) return { by, iou };
  }
  return null;
}

/** IoU of two boxes in float32, rounded at every step as torchvision's CPU kernel does. */
export function overlap(boxes: Float32Array, i: number, j: number): number {
  const f = Math.fround;
  const [a, b] = [4 * i, 4 * j];
  const width = f(Math.min(boxes[a + 2], boxes[b + 2]) - Math.max(boxes[a], boxes[b]));
  const height = f(Math.min(boxes[a + 3], boxes[b + 3]) - Math.max(boxes[a + 1], boxes[b + 1]));
  if (width <= 0 || height <= 0) return 0;
  const both = f(width * height);
  return f(both / f(f(area(boxes, a) + area(boxes, b)) - both));
}

function area(boxes: Float32Array, start: number): number {
  const f = Math.fround;
  return f(f(boxes[start + 2] - boxes[start]) * f(boxes[start + 3] - boxes[start + 1]));
}
