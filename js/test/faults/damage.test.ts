// Damaged messages: they are reported, and the last good picture stays.

import { describe, expect, test } from "vitest";
import {
  readScenes,
  readTruths,
  type WireDetections,
} from "../../src/lib/detection/detection_wire";
import { Store } from "../../src/lib/live/run_store";
import type { Frame, Message } from "../../src/lib/live/run_wire";
import { createTileStore } from "../../src/lib/preview/tile_store";
import { readModelCounts } from "../../src/lib/segmentation/model_counts";
import type { SegmentationConfig, WireNumbers } from "../../src/lib/segmentation/segmentation_wire";
import { LiveModules } from "../../src/lib/tree/live_columns";
import { FakeModel, frameOf } from "../live/live_model";

/** Bytes cut off in every way. */
const cuts = (data: Uint8Array) => Array.from({ length: data.length }, (_, n) => data.slice(0, n));

const lossOf = (store: Store) => [...(store.runs[0]?.scalars.get("loss")?.values ?? [])];

function open() {
  const model = new FakeModel(frameOf(0, 0, [3, 2]));
  return { model, store: new Store(model) };
}

/** The next frame with something wrong in it. */
function broken(change: (frame: Frame) => void): Frame {
  const { frame } = frameOf(1, 2, [1]);
  change(frame);
  return frame;
}

const BROKEN: [string, Frame, string][] = [
  [
    "a dtype from the future",
    broken(({ runs }) => {
      runs[0].scalars[0].value.dtype = "f2" as never;
    }),
    "unknown dtype f2",
  ],
  [
    "arrays of different lengths",
    broken(({ runs }) => {
      runs[0].scalars[0].value.length = 0;
    }),
    "1 steps, 1 times and 0 values of loss",
  ],
  [
    "an array that begins beyond the end",
    broken(({ runs }) => {
      runs[0].scalars[0].step.at = 1000;
    }),
    "24 bytes end before 1008",
  ],
  [
    "half of a frame",
    broken((frame) => {
      delete (frame as Partial<Frame>).runs;
    }),
    "undefined",
  ],
  [
    "layers that are not all there",
    broken((frame) => {
      const packed = { at: 0, dtype: "f4" as const, length: 999 };
      frame.layers = [{ name: "grad_norm", rows: ["a"], step: packed, value: packed }];
    }),
    "24 bytes end before 3996",
  ],
];

describe("a live plot", () => {
  test.each(BROKEN)("reports in words: %s", (_, frame, words) => {
    for (const type of ["delta", "keyframe"] as const) {
      const { model, store } = open();
      model.deliver({ type, frame }, frameOf(1, 2, [1]).data);
      expect(store.damage).toContain(words);
      expect([lossOf(store), store.seq, store.behind]).toEqual([[3, 2], 0, true]);
      expect(model.sent.map((message) => message.type)).toEqual(["keyframe"]);
      const whole = frameOf(2, 0, [3, 2, 1]);
      model.deliver({ type: "keyframe", frame: whole.frame }, whole.data);
      expect([lossOf(store), store.damage, store.behind]).toEqual([[3, 2, 1], "", false]);
      store.dispose();
    }
  });

  test("rejects a frame with missing bytes as a whole", () => {
    const { frame, data } = frameOf(1, 2, [1, 0.5]);
    for (const part of cuts(data)) {
      const { model, store } = open();
      model.deliver({ type: "delta", frame }, part);
      expect([lossOf(store), store.damage !== ""]).toEqual([[3, 2], true]);
      store.dispose();
    }
  });

  test("shows a notice if its first state is damaged, and recovers", () => {
    const { frame, data } = frameOf(0, 0, [3, 2]);
    const model = new FakeModel({ frame, data: data.slice(1) });
    const store = new Store(model);
    expect([store.runs.length, store.damage]).toEqual([0, expect.stringContaining("end before")]);
    model.deliver({ type: "keyframe", frame: { ...frame, seq: 1 } }, data);
    expect([lossOf(store), store.damage]).toEqual([[3, 2], ""]);
    store.dispose();
  });

  test.each([[null], [{}], [{ type: 7 }], [{ type: "delta" }], [{ type: "keyframe", frame: [] }]])(
    "outlives the message %j",
    (message) => {
      const { model, store } = open();
      model.deliver(message as unknown as Message);
      expect([lossOf(store), store.damage !== ""]).toEqual([[3, 2], true]);
      store.dispose();
    },
  );
});

test("a module tree takes a frame as a whole, or not at all", () => {
  const data = new Uint8Array(new Float64Array([5, 1]).buffer);
  const packed = (at: number) => ({ at, dtype: "f8" as const, length: 1 });
  const columns = { grad_norm: { steps: packed(0), values: packed(8) } };
  const live = new LiveModules({ frame: { columns, marks: [] }, data });
  for (const part of cuts(data)) {
    const marks = [{ row: 0, words: "new" }];
    expect(() => live.take({ columns, marks }, part, true)).toThrow("end before");
    expect([live.rings.grad_norm.steps, live.marks]).toEqual([[5], []]);
  }
});

test("planes of a wrong length are refused, and the existing ones stay", () => {
  const tiles = createTileStore(
    () => {},
    () => 4,
  );
  const good = { key: "level/0/0/0", data: Uint8Array.of(1, 2, 3, 4) };
  tiles.put([good]);
  for (const data of [Uint8Array.of(1, 2, 3), new Uint8Array(5), new Uint8Array()]) {
    const bad = { key: "level/0/1/0", data };
    expect(() => tiles.renew([good, bad])).toThrow(
      `expected 4 bytes for level/0/1/0, got ${data.length}`,
    );
    expect(tiles.peek(good.key)).toEqual(good.data);
    expect(tiles.peek(bad.key)).toBeNull();
  }
});

describe("counts of a segmentation", () => {
  const config = {
    sources: ["model"],
    class_names: ["one"],
    stops: [0, 0.5, 1],
  } as unknown as SegmentationConfig;
  const floats = (n: number) => new Uint8Array(new Float64Array(n).buffer);
  const source = (histogram: Uint8Array, tp: Uint8Array): WireNumbers => {
    const counts = { num_images: 1, num_classes: 1, tp, fp: tp, positives: tp, negatives: tp };
    const tally = { total_images: 1, counts, argmax_counts: null, joint: null };
    return { histograms: null, confusion: null, histogram, tally };
  };

  test("is read where it is whole", () => {
    expect(readModelCounts(config, 0, source(floats(4), floats(3)), null).histogram.length).toBe(4);
  });

  test.each([
    ["the histogram is short", floats(3), floats(3)],
    ["the counts are short", floats(4), floats(2)],
    ["a number is cut", floats(4).slice(0, 31), floats(3)],
    ["all is empty", floats(0), floats(0)],
  ])("is refused where %s", (_, histogram, tp) => {
    expect(() => readModelCounts(config, 0, source(histogram, tp), null)).toThrow();
  });
});

describe("detections", () => {
  const bytes = (array: ArrayBufferView) => new Uint8Array(array.buffer);
  const truths = readTruths(null, 1);
  const whole = {
    counts: bytes(Int32Array.of(2)),
    boxes: bytes(new Float32Array(8)),
    scores: bytes(new Float32Array(2)),
    labels: bytes(new Uint16Array(2)),
    index: bytes(new Int32Array(2)),
    kept: bytes(new Uint8Array(4)),
    pairs: null,
  };
  const read = (wire: object) => readScenes(wire as WireDetections, truths, 9);

  test("are read where they are whole", () => {
    expect(read(whole)[0].found.count).toBe(2);
  });

  test.each(["boxes", "scores", "labels", "index", "kept"] as const)(
    "are refused where %s are cut",
    (name) => {
      for (const part of cuts(whole[name])) {
        expect(() => read({ ...whole, [name]: part })).toThrow();
      }
    },
  );
});
