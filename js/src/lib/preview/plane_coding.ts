// Planes as the kernel sends them, back to bytes row by row; src/torchdial/widgets/preview/plane_coding.py.

import { type Bytes, bytesOf } from "../core/bytes";

export type Coding =
  /** An RGB picture. */
  | { kind: "jpeg" }
  /** zlib of each value's difference from the predicted one; the shape is (H, W) or (H, W, C). */
  | { kind: "deflate"; shape: number[] };

export async function decodePlane(data: Bytes, coding: Coding): Promise<Uint8Array> {
  if (coding.kind === "jpeg") return rgbOf(data);
  const [, width, channels = 1] = coding.shape;
  return addPredicted(await inflate(data), width * channels, channels);
}

async function inflate(data: Bytes): Promise<Uint8Array> {
  const stream = new Blob([bytesOf(data) as Uint8Array<ArrayBuffer>])
    .stream()
    .pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Add the predicted values, in place; above the first row and left of the first column is 0. */
function addPredicted(plane: Uint8Array, row: number, step: number): Uint8Array {
  for (let i = step; i < row; i++) plane[i] += plane[i - step];
  for (let start = row; start < plane.length; start += row) {
    for (let i = start; i < start + step; i++) plane[i] += plane[i - row];
    for (let i = start + step; i < start + row; i++) {
      const left = plane[i - step];
      const above = plane[i - row];
      const corner = plane[i - row - step];
      if (corner >= left && corner >= above) plane[i] += left < above ? left : above;
      else if (corner <= left && corner <= above) plane[i] += left > above ? left : above;
      else plane[i] += left + above - corner;
    }
  }
  return plane;
}

async function rgbOf(data: Bytes): Promise<Uint8Array> {
  const blob = new Blob([bytesOf(data) as Uint8Array<ArrayBuffer>], { type: "image/jpeg" });
  const bitmap = await createImageBitmap(blob, { colorSpaceConversion: "none" });
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("torchdial: no canvas to decode pictures on");
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  const pixels = context.getImageData(0, 0, width, height).data;
  const rgb = new Uint8Array(width * height * 3);
  for (let from = 0, to = 0; to < rgb.length; from += 4) {
    rgb[to++] = pixels[from];
    rgb[to++] = pixels[from + 1];
    rgb[to++] = pixels[from + 2];
  }
  return rgb;
}
