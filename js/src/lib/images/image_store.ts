// The pictures that the browser holds, and what is known of them.

import { bytesOf } from "../core/bytes";
import type { Failure } from "../core/kernel_messages";
import type { WireTile } from "../preview/preview_wire";
import { TileStore } from "../preview/tile_store";

/** Messages from src/torchdial/widgets/image_grid.py. */
export type ImageGridMessage =
  | { type: "tiles"; id: number; version: number; keys: string[] }
  | { type: "pixel"; id: number; image: number; x: number; y: number; values: string }
  | Failure;

/** What is known of a picture without its pixels. */
export interface ImageInfo {
  height: number;
  width: number;
  channels: number;
  /** By which factor the picture comes reduced at first, 1 for not at all. */
  reduced: number;
  caption: string;
  /** What black and white stand for, in words; empty where that is 0 and 1. */
  range: string;
  has_mask: boolean;
  has_boxes: boolean;
}

const MOST_KEPT = 256; // pictures, besides those in sight: beyond, the browser's memory would grow

export type ImageStore = ReturnType<typeof createImageStore>;

/** `ask` is called with the keys that were missed. */
export function createImageStore(ask: (keys: string[]) => void) {
  const tiles = new TileStore(ask);
  const abouts = new Map<number, ImageInfo>();
  const seen = new Set<number>(); // in the order they were last in sight

  return {
    get: (key: string) => tiles.get(key),
    /** What is held, without asking for it. */
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

    /** Forget what was out of sight for longest, where there is too much. */
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
