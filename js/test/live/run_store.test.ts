// The browser's copy: frames in order, gaps seen, keyframes asked for, answers found again.

import { describe, expect, test } from "vitest";
import { readDetail, Store } from "../../src/lib/live/run_store";
import { FakeModel, frameOf } from "./live_model";

function open(now: () => number = () => 0) {
  const model = new FakeModel(frameOf(0, 0, [3, 2]));
  return { model, store: new Store(model, now) };
}

function deltaTo(model: FakeModel, seq: number, first: number, values: number[]) {
  const { frame, data } = frameOf(seq, first, values);
  model.deliver({ type: "delta", frame }, data);
}

const lossOf = (store: Store) => [...(store.runs[0].scalars.get("loss")?.values ?? [])];

describe("frames", () => {
  test("the opening state and what follows are one series", () => {
    const { model, store } = open();
    deltaTo(model, 1, 2, [1]);
    expect(lossOf(store)).toEqual([3, 2, 1]);
    expect(store.behind).toBe(false);
    expect(model.sent).toEqual([]);
  });

  test("what overlaps is taken once", () => {
    const { model, store } = open();
    deltaTo(model, 1, 1, [2, 1]);
    expect(lossOf(store)).toEqual([3, 2, 1]);
  });

  test("a frame that the picture already holds is passed over", () => {
    const { model, store } = open();
    deltaTo(model, 1, 2, [1]);
    deltaTo(model, 1, 9, [7]);
    expect(lossOf(store)).toEqual([3, 2, 1]);
  });

  test("a lost frame is noticed: a keyframe is asked for, not too often, and mends it", () => {
    let now = 0;
    const { model, store } = open(() => now);
    deltaTo(model, 2, 5, [1]);
    expect(store.behind).toBe(true);
    expect(store.runs[0].scalars.get("loss")?.exact).toBe(false);
    expect(lossOf(store)).toEqual([3, 2, 1]); // shows what it has meanwhile
    deltaTo(model, 3, 6, [1]);
    expect(model.sent.map(({ type }) => type)).toEqual(["keyframe"]);
    now = 5001;
    deltaTo(model, 4, 7, [1]);
    expect(model.sent.length).toBe(2);
    const { frame, data } = frameOf(5, 0, [3, 2, 9, 9, 9, 1, 1, 1]);
    model.deliver({ type: "keyframe", frame }, data);
    expect(store.behind).toBe(false);
    expect(lossOf(store)).toEqual([3, 2, 9, 9, 9, 1, 1, 1]);
    deltaTo(model, 6, 8, [4]);
    expect(lossOf(store).at(-1)).toBe(4);
  });

  test("events that overlap are taken once", () => {
    const { model, store } = open();
    const event = { step: 3, kind: "dial", where: null, message: "lr" };
    for (const seq of [1, 2]) {
      const { frame, data } = frameOf(seq, 2, []);
      frame.events.items.push(event as never);
      model.deliver({ type: "delta", frame }, data);
    }
    expect(store.events).toEqual([event]);
  });

  test("views are notified until they stop listening", () => {
    const { model, store } = open();
    let received = 0;
    const stop = store.listen(() => received++);
    deltaTo(model, 1, 2, [1]);
    stop();
    deltaTo(model, 2, 3, [1]);
    expect(received).toBe(1);
  });

  test("an unknown message is an error, said in words", () => {
    const { model, store } = open();
    model.deliver({ type: "nonsense" } as never);
    expect(store.damage).toContain('unknown message {"type":"nonsense"}');
    expect(lossOf(store)).toEqual([3, 2]);
  });
});

describe("questions", () => {
  test("an answer finds its question", async () => {
    const { model, store } = open();
    const asked = store.ask({ type: "detail" });
    const { id } = model.sent[0] as { id: number };
    const data = new Uint8Array(new Float64Array([7, 0.5, 3]).buffer);
    const packed = (at: number) => ({ at, dtype: "f8" as const, length: 1 });
    const scalar = { run: 0, name: "loss", step: packed(0), time: packed(8), value: packed(16) };
    model.deliver({ type: "detail", id, detail: { scalars: [scalar] } }, data);
    const { message, data: came } = await asked;
    if (message.type !== "detail") throw new Error(message.type);
    expect([...readDetail(message.detail, came)[0].values]).toEqual([3]);
  });

  test("a refusal fails the request it belongs to, and is shown where there is none", async () => {
    const { model, store } = open();
    const asked = store.ask({ type: "detail" });
    const { id } = model.sent[0] as { id: number };
    model.deliver({ type: "error", id, message: "no such run" });
    await expect(asked).rejects.toThrow("no such run");
    expect(store.problem).toBe("");
    model.deliver({ type: "error", id: null, message: "this plot stopped" });
    expect(store.problem).toBe("this plot stopped");
  });
});
