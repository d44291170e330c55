// Draws computed pixels at any scale through one scratch canvas.

import { contextOf, h } from "../core/dom";
import type { Region, Size } from "./level_painting";

const DARKEST = 150; // of a pale picture
const LIGHTEST = 235;

/** Bytes row by row, or what a browser has decoded. */
export type Picture = Uint8Array | ImageBitmap;

export class Raster {
  #context: CanvasRenderingContext2D | null = null;
  #pixels = new Uint32Array();

  /** Let `fill` write width × height colours, then draw them at `dest`. */
  draw(
    onto: CanvasRenderingContext2D,
    { width, height }: Size,
    dest: Region,
    fill: (out: Uint32Array) => void,
  ): void {
    const count = width * height;
    if (this.#pixels.length !== count) this.#pixels = new Uint32Array(count);
    fill(this.#pixels);
    this.drawPixels(onto, this.#pixels, { width, height }, dest);
  }

  /** Draw a region of a picture on an empty canvas; bytes have so many channels, and pixels a row. */
  drawPicture(
    onto: CanvasRenderingContext2D,
    picture: Picture,
    [width, channels]: readonly [number, number],
    region: Region,
    dest: Region,
    isPale = false,
  ): void {
    if ("buffer" in picture) {
      this.draw(onto, region, dest, (out) => fillPicture(out, picture, width, channels, region));
    } else drawPart(onto, picture, region, dest);
    if (!isPale) return;
    const image = onto.getImageData(0, 0, onto.canvas.width, onto.canvas.height);
    toPaleGrey(new Uint32Array(image.data.buffer));
    onto.putImageData(image, 0, 0);
  }

  /** Draw colours, row by row, at `dest`, over what is there or on an empty canvas. */
  drawPixels(
    onto: CanvasRenderingContext2D,
    pixels: Uint32Array<ArrayBuffer>,
    { width, height }: Size,
    dest: Region,
    isEmpty = false,
  ): void {
    const image = new ImageData(new Uint8ClampedArray(pixels.buffer), width, height);
    const isWhole = [dest.x, dest.y].every(Number.isInteger);
    if (isEmpty && isWhole && dest.width === width && dest.height === height) {
      onto.putImageData(image, dest.x, dest.y); // copies the pixels once less
      return;
    }
    // The pixels are computed on the CPU, so keep the canvas there.
    this.#context ??= contextOf(h("canvas"), true);
    const { canvas } = this.#context;
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
    }
    this.#context.putImageData(image, 0, 0);
    drawPart(onto, canvas, { x: 0, y: 0, width, height }, dest);
  }
}

/** Draw a region of something at `dest`. */
function drawPart(
  onto: CanvasRenderingContext2D,
  source: CanvasImageSource,
  { x, y, width, height }: Region,
  dest: Region,
): void {
  onto.drawImage(source, x, y, width, height, dest.x, dest.y, dest.width, dest.height);
}

/** Write a region of a uint8 (H, W, C) picture of 1, 3 or 4 channels. */
function fillPicture(
  out: Uint32Array,
  pixels: Uint8Array,
  width: number,
  channels: number,
  region: Region,
): void {
  const [green, blue] = channels === 1 ? [0, 0] : [1, 2];
  let o = 0;
  for (let y = region.y; y < region.y + region.height; y++) {
    let i = (y * width + region.x) * channels;
    for (let x = 0; x < region.width; x++, i += channels) {
      const alpha = channels === 4 ? pixels[i + 3] : 255;
      out[o++] = (alpha << 24) | (pixels[i + blue] << 16) | (pixels[i + green] << 8) | pixels[i];
    }
  }
}

/** Make a picture grey and pale, so that what is drawn over it stands out. */
export function toPaleGrey(out: Uint32Array): void {
  for (let i = 0; i < out.length; i++) {
    const [r, g, b] = [out[i] & 255, (out[i] >> 8) & 255, (out[i] >> 16) & 255];
    const grey = (0.299 * r + 0.587 * g + 0.114 * b) / 255;
    const pale = Math.round(DARKEST + (LIGHTEST - DARKEST) * grey);
    out[i] = ((out[i] & 0xff000000) | (pale * 0x10101)) >>> 0;
  }
}
