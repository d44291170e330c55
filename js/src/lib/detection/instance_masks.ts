// Instance masks: one bit for each pixel of a box, drawn as a tint in the colour of the box.

import type { Region } from "../canvas/level_painting";
import { clamp } from "../core/clamp";
import { pack, type Rgb } from "../core/colors";
import type { DecidedImage } from "./rules/detection_confusion";
import type { Detections } from "./rules/image_decisions";

const TINT = 110; // of 255

/** The pixels of an image that a box touches, and the byte at which its bits start. */
interface Cutout {
  x: number;
  y: number;
  width: number;
  height: number;
  byte: number;
}

const cutoutsKnown = new WeakMap<Detections, Cutout[]>();

/** Position of each detection's mask in the image and the tile; the size is [height, width]. */
export function cutoutsOf(
  found: Detections,
  [imageHeight, imageWidth]: readonly number[],
): Cutout[] {
  const old = cutoutsKnown.get(found);
  if (old) return old;
  let byte = 0;
  const cutouts = Array.from({ length: found.count }, (_, i) => {
    const [x1, y1, x2, y2] = found.boxes.subarray(4 * i, 4 * i + 4);
    const x = clamp(Math.floor(x1), 0, imageWidth);
    const y = clamp(Math.floor(y1), 0, imageHeight);
    const width = clamp(Math.ceil(x2), x, imageWidth) - x;
    const height = clamp(Math.ceil(y2), y, imageHeight) - y;
    const start = byte;
    byte += Math.ceil((width * height) / 8);
    return { x, y, width, height, byte: start };
  });
  cutoutsKnown.set(found, cutouts);
  return cutouts;
}

/** Write the tints of some detections into the colours of a region, the last one on top. */
export function tint(
  out: Uint32Array,
  region: Region,
  image: DecidedImage,
  size: readonly number[],
  bits: Uint8Array,
  detections: readonly { index: number; color: Rgb }[],
): void {
  const cutouts = cutoutsOf(image.found, size);
  out.fill(0, 0, region.width * region.height);
  for (const { index, color } of detections) {
    const { x, y, width, height, byte } = cutouts[index];
    const word = pack(color, TINT);
    const right = Math.min(x + width, region.x + region.width);
    const below = Math.min(y + height, region.y + region.height);
    for (let py = Math.max(y, region.y); py < below; py++) {
      for (let px = Math.max(x, region.x); px < right; px++) {
        const bit = (py - y) * width + px - x;
        if ((bits[byte + (bit >> 3)] >> (bit & 7)) & 1) {
          out[(py - region.y) * region.width + px - region.x] = word;
        }
      }
    }
  }
}
