// Planes that are computed from others.

import type { TileStore } from "../preview/tile_store";

export type Derive = ReturnType<typeof createDerive>;

/** A plane is computed once for each `name` and last plane that it is of. */
export function createDerive(tiles: Pick<TileStore, "get">) {
  const known = new WeakMap<Uint8Array, Map<string, unknown>>();

  /** Make a plane of others, whose keys are given; null while one of them is missing. */
  return <P extends Uint8Array | Uint16Array>(
    name: string,
    keys: readonly string[],
    make: (...planes: Uint8Array[]) => P,
  ): P | null => {
    const planes = keys.map(tiles.get);
    if (!planes.every((plane) => plane !== null)) return null;
    const last = planes[planes.length - 1];
    const of = known.get(last) ?? new Map<string, unknown>();
    known.set(last, of);
    const plane = (of.get(name) as P | undefined) ?? make(...planes);
    of.set(name, plane);
    return plane;
  };
}

/** The highest value of each pixel. */
export function highestOf(planes: readonly Uint8Array[]): Uint8Array {
  const highest = planes[0].slice();
  for (const plane of planes) {
    for (let i = 0; i < highest.length; i++) if (plane[i] > highest[i]) highest[i] = plane[i];
  }
  return highest;
}
