import { expect, it, vi } from "vitest";
import { argmaxKey, createTileStore, targetKey } from "../../src/lib/preview/tile_store";
import { createDerive } from "../../src/lib/segmentation/derived_planes";

it("a plane is made once of those that it is of, and anew of a new frame", () => {
  const tiles = createTileStore(() => {});
  const derive = createDerive(tiles);
  const add = vi.fn((a: Uint8Array, b: Uint8Array) => a.map((value, i) => value + b[i]));
  const sum = () => derive("sum", [targetKey(0), argmaxKey(0, 0)], add);
  tiles.put([{ key: targetKey(0), data: Uint8Array.of(1) }]);
  expect(sum()).toBeNull();
  tiles.put([{ key: argmaxKey(0, 0), data: Uint8Array.of(2) }]);
  expect(sum()).toEqual(Uint8Array.of(3));
  expect(sum()).toBe(sum());
  expect(add).toHaveBeenCalledTimes(1);
  const other = derive("difference", [targetKey(0), argmaxKey(0, 0)], (a, b) =>
    b.map((v) => v - a[0]),
  );
  expect(other).toEqual(Uint8Array.of(1));
  tiles.renew([{ key: argmaxKey(0, 0), data: Uint8Array.of(5) }]);
  expect(sum()).toEqual(Uint8Array.of(6));
});
