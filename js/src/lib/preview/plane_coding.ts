// Planes as the kernel sends them, back to bytes row by row; src/torchdial/widgets/preview/plane_coding.py.

import type { Picture } from "../canvas/raster";
import { type Bytes, bytesOf } from "../core/bytes";
import { pause } from "../core/timing";

const SMALL = 1 << 20; // bytes that are decompressed at once
const MOST_ROWS = 1024; // that are decoded until the page may do something else

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
  const [height, width, channels = 1] = coding.shape;
  const bytes = await inflate(data);
  if (coding.kind === "deflate") return addPredicted(bytes, width * channels, channels);
  return unpackBits(bytes).subarray(0, height * width);
}

/** Decompress what zlib compressed. */
export async function inflate(data: Bytes): Promise<Uint8Array> {
  // A blob is read in parts, each decompressed in a task of its own; small ones would only wait for it.
  const parts =
    data.byteLength > SMALL
      ? new Blob([data as BlobPart]).stream()
      : new Response(data as BodyInit).body;
  const stream = parts?.pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/**
 * A value of 0 or 1 for each bit, the lowest first. Four at a time: the product has them 0, 7, 14 and
 * 21 places higher, each in the lowest bit of a byte.
 */
function unpackBits(bytes: Uint8Array): Uint8Array {
  const fours = new Uint32Array(2 * bytes.length);
  for (let i = 0; i < fours.length; i++) {
    const four = (bytes[i >> 1] >> (4 * (i & 1))) & 15;
    fours[i] = (four * 0x204081) & 0x1010101;
  }
  return new Uint8Array(fours.buffer);
}

/**
 * Add the predicted values, in place; above the first row and left of the first column is 0.
 * left + above - corner, kept between left and above, is left + (above - left kept between 0 and
 * above - corner).
 */
async function addPredicted(plane: Uint8Array, row: number, step: number): Promise<Uint8Array> {
  for (let start = 0; start < plane.length; start += row) {
    if (start % (MOST_ROWS * row) === 0) await pause();
    for (let channel = 0; channel < step; channel++) {
      let left = 0;
      let corner = 0;
      for (let i = start + channel; i < start + row; i += step) {
        const above = start === 0 ? 0 : plane[i - row];
        left = (plane[i] + left + kept(above - left, above - corner)) & 255;
        plane[i] = left;
        corner = above;
      }
    }
  }
  return plane;
}

/** An integer kept between 0 and `end`; without branches, which take three times as long. */
function kept(value: number, end: number): number {
  const low = negative(end);
  const high = end - low;
  const most = high + negative(value - high);
  return most - negative(most - low);
}

/** The lower of an integer and 0. */
const negative = (value: number): number => value & (value >> 31);

function bitmapOf(data: Bytes): Promise<ImageBitmap> {
  const blob = new Blob([data as BlobPart], { type: "image/jpeg" });
  return createImageBitmap(blob, { colorSpaceConversion: "none" });
}
