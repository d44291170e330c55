// The planes in the browser: pictures, targets, levels. A missing plane is requested when it is first
// needed, and again later if it is still missing, since a request or its answer can be lost.

import type { Picture } from "../canvas/raster";
import { RETRY_MS } from "../core/timing";
import { planeOf } from "./plane_coding";
import type { WireTile } from "./preview_wire";

export type TileStore = ReturnType<typeof createTileStore>;

/**
 * `request` is called with the keys of the planes found missing, collected over a microtask;
 * `sizeOf` returns the number of bytes of a plane, null if it is unknown.
 */
export function createTileStore(
  request: (keys: string[]) => void,
  sizeOf: (key: string) => number | null = () => null,
) {
  const planes = new Map<string, Picture>();
  /** Time of the last request, in ms. */
  const requestedAt = new Map<string, number>();
  const missing: string[] = [];

  function find(key: string): Picture | null {
    const plane = planes.get(key);
    if (plane) return plane;
    const now = performance.now();
    if (now - (requestedAt.get(key) ?? Number.NEGATIVE_INFINITY) > RETRY_MS) {
      requestedAt.set(key, now);
      missing.push(key);
      if (missing.length === 1) queueMicrotask(() => request(missing.splice(0)));
    }
    return null;
  }

  /** Delete a plane; it is requested again when it is needed. */
  function forget(key: string): void {
    planes.delete(key);
    requestedAt.delete(key);
  }

  /** Add planes, of an outdated frame pictures and targets only; on an error none of them. */
  function put(tiles: readonly WireTile[], current = true): void {
    check(tiles);
    for (const { key, data } of tiles) {
      if (!current && !isLasting(key)) continue;
      planes.set(key, planeOf(data));
      requestedAt.delete(key);
    }
  }

  /** Replace what `drop` deletes by new planes. */
  function renew(tiles: readonly WireTile[], prefix = ""): void {
    check(tiles);
    drop(prefix);
    put(tiles);
  }

  function check(tiles: readonly WireTile[]): void {
    for (const { key, data } of tiles) {
      const plane = planeOf(data);
      if (!("buffer" in plane)) continue;
      const size = sizeOf(key) ?? plane.length;
      if (size !== plane.length) {
        throw new Error(`torchdial: expected ${size} bytes for ${key}, got ${plane.length}`);
      }
    }
  }

  /** Delete all but pictures and targets; with a prefix, the planes whose keys begin with it. */
  function drop(prefix = ""): void {
    const isDropped = (key: string) => (prefix ? key.startsWith(prefix) : !isLasting(key));
    for (const key of [...planes.keys()]) if (isDropped(key)) planes.delete(key);
    for (const key of [...requestedAt.keys()]) if (isDropped(key)) requestedAt.delete(key);
  }

  return {
    get: find as (key: string) => Uint8Array | null,
    picture: (image: number) => find(imageKey(image)),
    /** A plane if it is here, without a request. */
    peek: (key: string) => (planes.get(key) as Uint8Array) ?? null,
    forget,
    put,
    renew,
    drop,
  };
}

export const imageKey = (image: number) => `image/${image}`;
export const targetKey = (image: number) => `target/${image}`;
export const levelKey = (source: number, image: number, label: number, size = 0) =>
  `level/${source}/${image}/${label}${atSize(size)}`;
export const argmaxKey = (source: number, image: number) => `argmax/${source}/${image}`;
export const maximumKey = (source: number, image: number, size = 0) =>
  `maximum/${source}/${image}${atSize(size)}`;
export const topKey = (source: number, image: number, size = 0) =>
  `top/${source}/${image}${atSize(size)}`;
export const maskTargetKey = (image: number, label: number) => `target/${image}/${label}`;

const atSize = (size: number) => (size ? `@${size}` : "");

/** Whether a plane is of no model, but an image or a target. */
export function isLasting(key: string): boolean {
  return key.startsWith("image/") || key.startsWith("target/");
}
