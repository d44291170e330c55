// Planes as the kernel sends them, back to bytes row by row; src/torchdial/widgets/preview/plane_coding.py.

import type { Picture } from "../canvas/raster";
import { type Bytes, bytesOf } from "../core/bytes";
import { pause } from "../core/timing";

const LONGEST_MS = 40; // of decoding, until the page may do something else

export type Coding =
  /** A picture in colour, which the browser decodes. */
  | { kind: "jpeg" }
  /** zlib of each value's difference from the predicted one; the shape is (H, W) or (H, W, C). */
  | { kind: "deflate"; shape: number[] }
  /** zlib of a bit for each value, the first one in the lowest bit; the shape is (H, W). */
  | { kind: "bits"; shape: number[] };

/**
 * What bytes are decoded to, for all views of a widget. The widget's model keeps the bytes as they were
 * sent: they are what a notebook saves.
 */
export const decoded = new WeakMap<Bytes, Picture>();

/** A plane, decoded if it was to be. */
export const planeOf = (data: Bytes): Picture => decoded.get(data) ?? bytesOf(data);

export async function decodePlane(data: Bytes, coding: Coding): Promise<void> {
  decoded.set(data, await (coding.kind === "jpeg" ? bitmapOf(data) : valuesOf(data, coding)));
}

async function valuesOf(
  data: Bytes,
  coding: Exclude<Coding, { kind: "jpeg" }>,
): Promise<Uint8Array> {
  await pause(); // pictures are read meanwhile
  const [height, width, channels = 1] = coding.shape;
  const bytes = await inflate(data);
  if (coding.kind === "deflate") return addPredicted(bytes, width * channels, channels);
  const plane = new Uint8Array(height * width);
  for (let i = 0; i < plane.length; i++) plane[i] = (bytes[i >> 3] >> (i & 7)) & 1;
  return plane;
}

/** Decompress what zlib compressed. */
export async function inflate(data: Bytes): Promise<Uint8Array> {
  const { body } = new Response(data as BodyInit);
  const stream = body?.pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Add the predicted values, in place; above the first row and left of the first column is 0. */
async function addPredicted(plane: Uint8Array, row: number, step: number): Promise<Uint8Array> {
  let since = performance.now();
  for (let start = 0; start < plane.length; start += row) {
    for (let channel = 0; channel < step; channel++) {
      let left = 0;
      let corner = 0;
      for (let i = start + channel; i < start + row; i += step) {
        const above = start === 0 ? 0 : plane[i - row];
        const low = Math.min(left, above);
        const high = Math.max(left, above);
        left = (plane[i] + Math.max(low, Math.min(high, left + above - corner))) & 255;
        plane[i] = left;
        corner = above;
      }
    }
    if (performance.now() - since > LONGEST_MS) {
      await pause();
      since = performance.now();
    }
  }
  return plane;
}

function bitmapOf(data: Bytes): Promise<ImageBitmap> {
  const blob = new Blob([data as BlobPart], { type: "image/jpeg" });
  return createImageBitmap(blob, { colorSpaceConversion: "none" });
}
