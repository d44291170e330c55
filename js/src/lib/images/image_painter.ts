// Draws pictures of any size, their masks and boxes.

import type { Region } from "../canvas/level_painting";
import { Raster } from "../canvas/raster";
import { coveredPart } from "../canvas/viewport";
import { float32Of } from "../core/bytes";
import { category, css, pack } from "../core/colors";
import { range } from "../core/metrics";
import { inText, shorten } from "../core/user_names";
import { type CanvasTransform, drawLabels, lettersOf, transformOf } from "../detection/box_strokes";
import type { ImageInfo, ImageStore } from "./image_store";

const MAX_MAGNIFICATION = 1.25; // of the reduced picture, before the whole one is requested
const BOX_LINE = 1.5;

/** @param names of labels, to stand at boxes. */
export function createImagePainter(store: ImageStore, names: () => Record<string, string>) {
  const raster = new Raster();

  const painter = {
    opacity: 1,
    isOverlaid: true,

    /** Draw the reduced picture while its resolution suffices, or until the whole one is here. */
    drawPicture(
      context: CanvasRenderingContext2D,
      image: number,
      region: Region,
      dest: Region,
    ): boolean {
      const about = store.about(image);
      if (!about) return false;
      const part = coveredPart(region, dest, [about.height, about.width]);
      if (part.region.width <= 0 || part.region.height <= 0) return true;
      const isEnough = dest.width / region.width <= MAX_MAGNIFICATION / about.reduced;
      const whole =
        about.reduced === 1 || !isEnough
          ? store.get(`picture/${image}`)
          : store.held(`picture/${image}`);
      if (whole) {
        const layout = [about.width, about.channels] as const;
        raster.drawPicture(context, whole, layout, part.region, part.dest);
        return true;
      }
      return about.reduced > 1 && drawSmall(context, image, about, part);
    },

    drawOverlay(
      context: CanvasRenderingContext2D,
      image: number,
      region: Region,
      dest: Region,
    ): boolean {
      const about = store.about(image);
      if (!about) return false;
      if (!painter.isOverlaid) return true;
      const mask = about.has_mask ? store.get(`mask/${image}`) : null;
      const boxes = about.has_boxes ? store.get(`boxes/${image}`) : null;
      if (mask)
        drawMask(context, mask, about, coveredPart(region, dest, [about.height, about.width]));
      if (boxes) drawBoxes(context, boxes, region, dest);
      return (!about.has_mask || mask !== null) && (!about.has_boxes || boxes !== null);
    },
  };

  function drawSmall(
    context: CanvasRenderingContext2D,
    image: number,
    about: ImageInfo,
    part: { region: Region; dest: Region },
  ): boolean {
    const small = store.get(`small/${image}`);
    if (!small) return false;
    const { reduced, channels } = about;
    const [width, height] = [about.width, about.height].map((side) => Math.ceil(side / reduced));
    const whole = { x: 0, y: 0, width, height };
    const [sx, sy] = [part.dest.width / part.region.width, part.dest.height / part.region.height];
    context.save();
    context.beginPath();
    context.rect(part.dest.x, part.dest.y, part.dest.width, part.dest.height);
    context.clip();
    context.imageSmoothingEnabled = true;
    const dest = {
      x: part.dest.x - part.region.x * sx,
      y: part.dest.y - part.region.y * sy,
      width: width * reduced * sx,
      height: height * reduced * sy,
    };
    raster.drawPicture(context, small, [width, channels], whole, dest);
    context.restore();
    return true;
  }

  function drawMask(
    context: CanvasRenderingContext2D,
    mask: Uint8Array,
    about: ImageInfo,
    part: { region: Region; dest: Region },
  ): void {
    const { x, y, width, height } = part.region;
    if (width <= 0 || height <= 0) return;
    const alpha = Math.round(255 * painter.opacity);
    const colors = Uint32Array.from({ length: 256 }, (_, i) =>
      i === 0 ? 0 : pack(category(i), alpha),
    );
    raster.draw(context, part.region, part.dest, (out) => {
      let o = 0;
      for (let row = y; row < y + height; row++) {
        for (let i = row * about.width + x; i < row * about.width + x + width; i++) {
          out[o++] = colors[mask[i]];
        }
      }
    });
  }

  function drawBoxes(
    context: CanvasRenderingContext2D,
    bytes: Uint8Array,
    region: Region,
    dest: Region,
  ): void {
    const numbers = float32Of(bytes);
    const [sx, sy] = [dest.width / region.width, dest.height / region.height];
    context.save();
    context.lineWidth = BOX_LINE * window.devicePixelRatio;
    for (let i = 0; i < numbers.length; i += 5) {
      const [x1, y1, x2, y2, label] = numbers.subarray(i, i + 5);
      context.strokeStyle = css(category(label + 1));
      const at = [dest.x + (x1 - region.x) * sx, dest.y + (y1 - region.y) * sy];
      context.strokeRect(at[0], at[1], (x2 - x1) * sx, (y2 - y1) * sy);
    }
    context.restore();
    drawNames(context, numbers, transformOf(context, region, dest));
  }

  function drawNames(
    context: CanvasRenderingContext2D,
    numbers: Float32Array,
    transform: CanvasTransform,
  ): void {
    const named = range(numbers.length / 5).flatMap((i) => {
      const [x1, y1, x2, y2, label] = numbers.subarray(5 * i, 5 * i + 5);
      const name = names()[label];
      if (name === undefined) return [];
      const text = shorten(inText(name), lettersOf(transform));
      return [{ corners: [x1, y1, x2, y2] as const, color: category(label + 1), text }];
    });
    drawLabels(context, transform, named);
  }

  return painter;
}
