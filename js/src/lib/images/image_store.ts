// The pictures in the browser, and their sizes and captions.

import { bytesOf } from "../core/bytes";
import type { Failure } from "../core/kernel_messages";
import type { WireTile } from "../preview/preview_wire";
import { createTileStore } from "../preview/tile_store";

/** Messages from src/torchdial/widgets/image_grid.py. */
export type ImageGridMessage =
  | { type: "tiles"; id: number; version: number; keys: string[] }
  | { type: "pixel"; id: number; image: number; x: number; y: number; values: string }
  | Failure;

/** A picture's description, without its pixels. */
export interface ImageInfo {
  height: number;
  width: number;
  channels: number;
  /** Factor by which the first version is reduced; 1 for the whole picture. */
  reduced: number;
  caption: string;
  /** The values of black and white as text; empty for 0 and 1. */
  range: string;
  has_mask: boolean;
  has_boxes: boolean;
  /** The label of each number of the mask from 1 on, where these count objects. */
  instances: number[] | null;
}

const MOST_KEPT = 256; // pictures besides the visible ones, to bound the memory

export type ImageStore = ReturnType<typeof createImageStore>;

/** `request` is called with the keys of missing tiles. */
export function createImageStore(request: (keys: string[]) => void) {
  const tiles = createTileStore(request);
  const abouts = new Map<number, ImageInfo>();
  const seen = new Set<number>(); // in the order in which they were last visible

  return {
    get: (key: string) => tiles.get(key),
    /** A tile if it is here, without a request. */
    held: (key: string) => tiles.peek(key),

    about(image: number): ImageInfo | null {
      const known = abouts.get(image);
      if (known) return known;
      const bytes = tiles.get(`about/${image}`);
      if (!bytes) return null;
      const about: ImageInfo = JSON.parse(new TextDecoder().decode(bytes));
      abouts.set(image, about);
      return about;
    },

    isInside(image: number, x: number, y: number): boolean {
      const about = abouts.get(image);
      return about !== undefined && x >= 0 && y >= 0 && x < about.width && y < about.height;
    },

    take(wire: readonly WireTile[]): void {
      tiles.put(wire.map(({ key, data }) => ({ key, data: bytesOf(data).slice() })));
    },

    drop(): void {
      tiles.drop();
      abouts.clear();
      seen.clear();
    },

    /** Mark pictures as visible and delete those that were invisible for longest. */
    keep(images: readonly number[]): void {
      for (const image of images) {
        seen.delete(image);
        seen.add(image);
      }
      const old = [...seen].slice(0, Math.max(0, seen.size - images.length - MOST_KEPT));
      for (const image of old) {
        seen.delete(image);
        abouts.delete(image);
        for (const kind of ["about", "small", "picture", "mask", "boxes"]) {
          tiles.forget(`${kind}/${image}`);
        }
      }
    },
  };
}
