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
