// Hosts deliver bytes as Uint8Array or as DataView, anywhere in a buffer; both are read the same.

import { describe, expect, test } from "vitest";
import type { Bytes } from "../../src/lib/core/bytes";
import { apOf, readScenes, readTruths } from "../../src/lib/detection/detection_wire";
import { createImageStore } from "../../src/lib/images/image_store";
import { readDetail, Store } from "../../src/lib/live/run_store";
import { createTileStore } from "../../src/lib/preview/tile_store";
import { readModelCounts } from "../../src/lib/segmentation/model_counts";
import type { SegmentationConfig } from "../../src/lib/segmentation/segmentation_wire";
import { LiveModules } from "../../src/lib/tree/live_columns";
import { FakeModel, frameOf } from "../live/live_model";

type Hand = (array: ArrayBufferView) => Bytes;

/** The bytes of an array in the middle of a larger buffer, where no number is aligned. */
function lying(array: ArrayBufferView): Uint8Array {
  const { buffer, byteOffset, byteLength } = array;
  const all = new Uint8Array(byteLength + 12).fill(0xee);
  all.set(new Uint8Array(buffer, byteOffset, byteLength), 5);
  return all.subarray(5, 5 + byteLength);
}

const HANDS: [string, Hand][] = [
  ["Uint8Array", lying],
  ["DataView", (array) => new DataView(lying(array).buffer, 5, array.byteLength)],
];
const f8 = (...values: number[]) => Float64Array.from(values);
const f4 = (...values: number[]) => Float32Array.from(values);
const i4 = (...values: number[]) => Int32Array.from(values);
const u2 = (...values: number[]) => Uint16Array.from(values);
const u1 = (...values: number[]) => Uint8Array.from(values);

describe.each(HANDS)("from %s", (_, hand) => {
  function give<Key extends string>(arrays: Record<Key, ArrayBufferView>): Record<Key, Bytes> {
    const given = Object.entries<ArrayBufferView>(arrays).map(([key, array]) => [key, hand(array)]);
    return Object.fromEntries(given);
  }

  test("planes of a preview", () => {
    const tiles = createTileStore(() => {});
    tiles.put([{ key: "level/0/0/0", data: hand(u1(1, 2, 255)) }]);
    expect(tiles.peek("level/0/0/0")).toEqual(u1(1, 2, 255));
  });

  test("pictures of a grid, and their sizes and captions", () => {
    const store = createImageStore(() => {});
    const about = new TextEncoder().encode('{"caption": "é"}');
    store.take([
      { key: "picture/3", data: hand(u1(7, 8, 9)) },
      { key: "about/3", data: hand(about) },
    ]);
    expect(store.get("picture/3")).toEqual(u1(7, 8, 9));
    expect(store.about(3)?.caption).toBe("é");
  });

  test("counts of a segmentation", () => {
    const config = { sources: ["model"], class_names: ["one"], stops: [0, 0.5] };
    const [tp, fp, positives, negatives] = [f8(3, 1), f8(2, 0), f8(4), f8(5)].map(hand);
    const counts = { num_images: 1, num_classes: 1, tp, fp, positives, negatives };
    const tally = { total_images: 1, counts, argmax_counts: null, joint: hand(f8(6, 7)) };
    const wire = {
      tiles: [],
      histograms: null,
      confusion: null,
      histogram: hand(f8(1, 2, 3)),
      tally,
    };
    const { shown, histogram } = readModelCounts(
      config as unknown as SegmentationConfig,
      0,
      wire,
      null,
    );
    expect(shown?.counts).toMatchObject({
      numStops: 2,
      tp: f8(3, 1),
      fp: f8(2, 0),
      positives: f8(4),
      negatives: f8(5),
    });
    expect([shown?.joint, histogram]).toEqual([f8(6, 7), f8(1, 2, 3)]);
  });

  test("boxes, their targets and pairs", () => {
    const box = [1.5, 2, 3, 4];
    const targets = { counts: i4(1), boxes: f4(...box), labels: u2(300), flags: u1(3) };
    const found = {
      counts: i4(0, 1),
      boxes: f4(...box),
      scores: f4(0.5),
      labels: u2(700),
      index: i4(-9),
      kept: u1(6),
    };
    const pairs = { counts: i4(0, 1), detection: i4(0), target: i4(70_000), iou: f4(0.25) };
    const truths = readTruths(give(targets), 1);
    expect(truths[0]).toEqual({
      count: 1,
      boxes: f4(...box),
      labels: u2(300),
      crowd: u1(1),
      ignore: u1(1),
    });
    const rest = { ap: null, score_floor: 0, tiles: [], has_masks: [], overlap: null };
    const scenes = readScenes({ ...give(found), ...rest, pairs: give(pairs) }, truths, 5);
    expect([scenes[0].found.count, scenes[1]]).toMatchObject([
      0,
      {
        found: { count: 1, boxes: f4(...box), scores: f4(0.5), labels: u2(700), index: i4(-9) },
        pairs: { detection: i4(0), target: i4(70_000), iou: f4(0.25) },
      },
    ]);
    expect(scenes[1].found.kept).toEqual(u1(6));
    expect(apOf(give({ match: f8(0.1), coco: f8(0.2), match_by_class: f8(0.3) }))).toEqual({
      match: f8(0.1),
      coco: f8(0.2),
      matchByClass: f8(0.3),
    });
  });

  test("a live plot's opening, later frames, and details", () => {
    const opening = frameOf(0, 0, [3, 2]);
    const model = new FakeModel({ frame: opening.frame, data: hand(opening.data) });
    const store = new Store(model);
    const next = frameOf(1, 2, [0.1]);
    model.deliver({ type: "delta", frame: next.frame }, hand(next.data));
    expect([...(store.runs[0].scalars.get("loss")?.values ?? [])]).toEqual([3, 2, 0.1]);
    store.dispose();
    const packed = (at: number) => ({ at, dtype: "f8" as const, length: 1 });
    const scalar = { run: 0, name: "loss", step: packed(0), time: packed(8), value: packed(16) };
    const [detail] = readDetail({ scalars: [scalar] }, hand(f8(7, 8, 9)));
    expect([detail.steps, detail.times, detail.values]).toEqual([f8(7), f8(8), f8(9)]);
  });

  test("the columns of a live tree", () => {
    const data = new Uint8Array([...lying(f8(4)), ...lying(f4(0.5, 2))]);
    const steps = { at: 0, dtype: "f8" as const, length: 1 };
    const values = { at: 8, dtype: "f4" as const, length: 2 };
    const frame = { columns: { grad_norm: { steps, values } }, marks: [] };
    const { rings } = new LiveModules({ frame, data: hand(data) });
    expect([rings.grad_norm.steps, rings.grad_norm.row(1)]).toEqual([[4], [2]]);
  });
});
