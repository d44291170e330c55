// The planes in the browser: pictures, targets, levels. A missing plane is requested when it is first
// needed, and again later if it is still missing, since a request or its answer can be lost.

import { bytesOf } from "../core/bytes";
import { RETRY_MS } from "../core/timing";
import type { WireTile } from "./preview_wire";

export class TileStore {
  readonly #request: (keys: string[]) => void;
  readonly #sizeOf: (key: string) => number | null;
  readonly #planes = new Map<string, Uint8Array>();
  readonly #derived = new Map<string, unknown>();
  /** Time of the last request, in ms. */
  readonly #requestedAt = new Map<string, number>();
  #missing: string[] = [];

  /**
   * `request` is called with the keys of the planes found missing, collected over a microtask;
   * `sizeOf` returns the number of bytes of a plane, null if it is unknown.
   */
  constructor(
    request: (keys: string[]) => void,
    sizeOf: (key: string) => number | null = () => null,
  ) {
    this.#request = request;
    this.#sizeOf = sizeOf;
  }

  get(key: string): Uint8Array | null {
    const plane = this.#planes.get(key);
    if (plane) return plane;
    const now = performance.now();
    if (now - (this.#requestedAt.get(key) ?? Number.NEGATIVE_INFINITY) > RETRY_MS) {
      this.#requestedAt.set(key, now);
      this.#missing.push(key);
      if (this.#missing.length === 1) queueMicrotask(() => this.#request(this.#missing.splice(0)));
    }
    return null;
  }

  /** A plane if it is here, without a request. */
  peek(key: string): Uint8Array | null {
    return this.#planes.get(key) ?? null;
  }

  /** Delete a plane; it is requested again when it is needed. */
  forget(key: string): void {
    this.#planes.delete(key);
    this.#requestedAt.delete(key);
  }

  /** A plane computed once from others; null while one of them is missing. */
  derive<P>(
    key: string,
    sources: readonly string[],
    make: (...planes: Uint8Array[]) => P,
  ): P | null {
    const known = this.#derived.get(key) as P | undefined;
    if (known) return known;
    const planes = sources.map((source) => this.get(source));
    if (planes.some((plane) => plane === null)) return null;
    const made = make(...(planes as Uint8Array[]));
    this.#derived.set(key, made);
    return made;
  }

  /** Add planes, of an outdated frame pictures and targets only; on an error none of them. */
  put(tiles: readonly WireTile[], current = true): void {
    this.#check(tiles);
    for (const { key, data } of tiles) {
      if (!current && !isLasting(key)) continue;
      this.#planes.set(key, bytesOf(data));
      this.#requestedAt.delete(key);
    }
  }

  /** Replace what `drop` deletes by new planes. */
  renew(tiles: readonly WireTile[], prefix = ""): void {
    this.#check(tiles);
    this.drop(prefix);
    this.put(tiles);
  }

  #check(tiles: readonly WireTile[]): void {
    for (const { key, data } of tiles) {
      const size = this.#sizeOf(key) ?? data.byteLength;
      if (size !== data.byteLength) {
        throw new Error(`torchdial: expected ${size} bytes for ${key}, got ${data.byteLength}`);
      }
    }
  }

  /** Delete all but pictures and targets; with a prefix, the planes whose keys begin with it. */
  drop(prefix = ""): void {
    const isDropped = (key: string) => (prefix ? key.startsWith(prefix) : !isLasting(key));
    for (const key of [...this.#planes.keys()]) if (isDropped(key)) this.#planes.delete(key);
    for (const key of [...this.#requestedAt.keys()])
      if (isDropped(key)) this.#requestedAt.delete(key);
    this.#derived.clear();
  }
}

export const imageKey = (image: number) => `image/${image}`;
export const targetKey = (image: number) => `target/${image}`;
export const levelKey = (source: number, image: number, label: number, size = 0) =>
  `level/${source}/${image}/${label}${atSize(size)}`;
export const argmaxKey = (source: number, image: number) => `argmax/${source}/${image}`;
export const maximumKey = (source: number, image: number, size = 0) =>
  `maximum/${source}/${image}${atSize(size)}`;
export const maskTargetKey = (image: number, label: number) => `target/${image}/${label}`;

const atSize = (size: number) => (size ? `@${size}` : "");

/** Whether a plane is of no model, but an image or a target. */
export function isLasting(key: string): boolean {
  return key.startsWith("image/") || key.startsWith("target/");
}
