import { expect, it } from "vitest";
import {
  readScenes,
  readTruths,
  type WireDetections,
} from "../../src/lib/detection/detection_wire";

/** The bytes of an array at an unaligned offset. */
function bytes(array: { buffer: ArrayBufferLike }): DataView {
  const source = new Uint8Array(array.buffer);
  const odd = new Uint8Array(source.length + 3);
  odd.set(source, 1);
  return new DataView(odd.buffer, 1, source.length);
}

const TARGETS = {
  counts: bytes(Int32Array.of(0, 2)),
  boxes: bytes(Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8)),
  labels: bytes(Uint16Array.of(3, 300)),
  flags: bytes(Uint8Array.of(3, 2)),
};

const DETECTIONS = {
  counts: bytes(Int32Array.of(1, 2)),
  boxes: bytes(Float32Array.from({ length: 12 }, (_, i) => i / 2)),
  scores: bytes(Float32Array.of(0.5, 0.75, 0.25)),
  labels: bytes(Uint16Array.of(1, 2, 3)),
  index: bytes(Int32Array.of(0, 1, 0)),
  kept: bytes(Uint8Array.of(1, 2, 3, 4, 5, 6)),
  pairs: {
    counts: bytes(Int32Array.of(0, 1)),
    detection: bytes(Int32Array.of(1)),
    target: bytes(Int32Array.of(0)),
    iou: bytes(Float32Array.of(0.625)),
  },
} as unknown as WireDetections;

it("gives each image its own targets", () => {
  const [none, two] = readTruths(TARGETS, 2);
  expect(none.count).toBe(0);
  expect(two).toEqual({
    count: 2,
    boxes: Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8),
    labels: Uint16Array.of(3, 300),
    crowd: Uint8Array.of(1, 0),
    ignore: Uint8Array.of(1, 1),
  });
});

it("gives each image its own detections and pairs", () => {
  const [first, second] = readScenes(DETECTIONS, readTruths(TARGETS, 2), 9);
  expect(first.found.boxes).toEqual(Float32Array.of(0, 0.5, 1, 1.5));
  expect(first.pairs.iou).toHaveLength(0);
  expect(second.found).toMatchObject({
    count: 2,
    scores: Float32Array.of(0.75, 0.25),
    labels: Uint16Array.of(2, 3),
    index: Int32Array.of(1, 0),
    kept: Uint8Array.of(3, 4, 5, 6),
    bytesPerRow: 2,
  });
  expect(second.pairs).toMatchObject({
    detection: Int32Array.of(1),
    target: Int32Array.of(0),
    iou: Float32Array.of(0.625),
  });
});

it("reads frames without targets", () => {
  const scenes = readScenes({ ...DETECTIONS, pairs: null }, readTruths(null, 2), 9);
  expect(scenes.map(({ truth, pairs }) => [truth.count, pairs.iou.length])).toEqual([
    [0, 0],
    [0, 0],
  ]);
});
