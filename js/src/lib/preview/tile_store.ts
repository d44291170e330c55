// The planes that the browser holds: pictures, targets, levels. What is missing is asked for once,
// and again when it is missed after a while: a request or its answer can be lost.

import { bytesOf } from "../core/bytes";
import { RETRY_MS } from "../core/timing";
import type { WireTile } from "./preview_wire";

export class TileStore {
  readonly #ask: (keys: string[]) => void;
  readonly #sizeOf: (key: string) => number | null;
  readonly #held = new Map<string, Uint8Array>();
  readonly #derived = new Map<string, unknown>();
  /** When it was asked for. */
  readonly #asked = new Map<string, number>();
  #wanted: string[] = [];

  /**
   * `ask` is called at most once a frame with the keys that were missed in it; `sizeOf` says how
   * many bytes a plane must have, null where that is not known.
   */
  constructor(ask: (keys: string[]) => void, sizeOf: (key: string) => number | null = () => null) {
    this.#ask = ask;
    this.#sizeOf = sizeOf;
  }

  get(key: string): Uint8Array | null {
    const plane = this.#held.get(key);
    if (plane) return plane;
    const now = performance.now();
    if (now - (this.#asked.get(key) ?? Number.NEGATIVE_INFINITY) > RETRY_MS) {
      this.#asked.set(key, now);
      this.#wanted.push(key);
      if (this.#wanted.length === 1) queueMicrotask(() => this.#ask(this.#wanted.splice(0)));
    }
    return null;
  }

  /** A plane that is held, without asking for it. */
  peek(key: string): Uint8Array | null {
    return this.#held.get(key) ?? null;
  }

  /** Let go of a plane; it is asked for again when it is missed. */
  forget(key: string): void {
    this.#held.delete(key);
    this.#asked.delete(key);
  }

  /** A plane computed from others, once; null while one of them is missing. */
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

  /** Take planes; of an outdated frame only what outlasts frames. All of them or, damaged, none. */
  put(tiles: readonly WireTile[], current = true): void {
    this.#check(tiles);
    for (const { key, data } of tiles) {
      if (!current && !isLasting(key)) continue;
      this.#held.set(key, bytesOf(data));
      this.#asked.delete(key);
    }
  }

  /** Take planes in place of what `drop` forgets. */
  renew(tiles: readonly WireTile[], prefix = ""): void {
    this.#check(tiles);
    this.drop(prefix);
    this.put(tiles);
  }

  #check(tiles: readonly WireTile[]): void {
    for (const { key, data } of tiles) {
      const size = this.#sizeOf(key) ?? data.byteLength;
      if (size !== data.byteLength) {
        throw new Error(`torchdial: ${key} came with ${data.byteLength} of ${size} bytes`);
      }
    }
  }

  /** Forget what the models said, and keep pictures and targets; or forget what begins so. */
  drop(prefix = ""): void {
    const isGone = (key: string) => (prefix ? key.startsWith(prefix) : !isLasting(key));
    for (const key of [...this.#held.keys()]) if (isGone(key)) this.#held.delete(key);
    for (const key of [...this.#asked.keys()]) if (isGone(key)) this.#asked.delete(key);
    this.#derived.clear();
  }
}

export const imageKey = (image: number) => `image/${image}`;
export const targetKey = (image: number) => `target/${image}`;
export const levelKey = (source: number, image: number, label: number) =>
  `level/${source}/${image}/${label}`;
export const argmaxKey = (source: number, image: number) => `argmax/${source}/${image}`;
export const maximumKey = (source: number, image: number) => `maximum/${source}/${image}`;
export const maskTargetKey = (image: number, label: number) => `target/${image}/${label}`;

function isLasting(key: string): boolean {
  return key.startsWith("image/") || key.startsWith("target/");
}
