import { describe, expect, it, vi } from "vitest";
import { bytesOf, float64Of } from "../../src/lib/core/bytes";
import { argmaxKey, createTileStore, imageKey, targetKey } from "../../src/lib/preview/tile_store";

const tick = () => new Promise((resolve) => queueMicrotask(() => resolve(null)));

describe("tiles", () => {
  it("requests missing planes once, in one message", async () => {
    const ask = vi.fn();
    const tiles = createTileStore(ask);
    for (let draw = 0; draw < 3; draw++) {
      expect(tiles.get(imageKey(1))).toBeNull();
      expect(tiles.get(targetKey(1))).toBeNull();
    }
    await tick();
    tiles.get(imageKey(1));
    await tick();
    expect(ask.mock.calls).toEqual([[["image/1", "target/1"]]]);
  });

  it("deletes levels and keeps pictures", async () => {
    const ask = vi.fn();
    const tiles = createTileStore(ask);
    tiles.put([
      { key: imageKey(0), data: Uint8Array.of(1) },
      { key: argmaxKey(0, 0), data: Uint8Array.of(2) },
    ]);
    tiles.drop();
    expect(tiles.get(imageKey(0))).toEqual(Uint8Array.of(1));
    expect(tiles.get(argmaxKey(0, 0))).toBeNull();
    await tick();
    expect(ask).toHaveBeenCalledWith(["argmax/0/0"]);
  });

  it("takes only the pictures of an outdated answer", () => {
    const tiles = createTileStore(() => {});
    const answer = [
      { key: imageKey(0), data: Uint8Array.of(1) },
      { key: argmaxKey(0, 0), data: Uint8Array.of(2) },
    ];
    tiles.put(answer, false);
    expect(tiles.get(imageKey(0))).toEqual(Uint8Array.of(1));
    expect(tiles.get(argmaxKey(0, 0))).toBeNull();
  });

  it("repeats requests that were made before a new frame", async () => {
    const ask = vi.fn();
    const tiles = createTileStore(ask);
    tiles.get(argmaxKey(0, 3));
    await tick();
    tiles.drop();
    tiles.get(argmaxKey(0, 3));
    await tick();
    expect(ask).toHaveBeenCalledTimes(2);
  });
});

describe("bytes from any host", () => {
  const numbers = Float64Array.of(1, 2 ** 53, -0.5);
  const shifted = new Uint8Array(numbers.byteLength + 3);
  shifted.set(new Uint8Array(numbers.buffer), 3);
  const cases = {
    "a DataView inside a larger buffer": new DataView(shifted.buffer, 3),
    "a Uint8Array at an odd offset": shifted.subarray(3),
    "a Uint8Array of its own": new Uint8Array(numbers.buffer),
  };
  for (const [name, data] of Object.entries(cases)) {
    it(name, () => {
      expect(float64Of(data)).toEqual(numbers);
      expect(bytesOf(data).length).toBe(24);
    });
  }
});
