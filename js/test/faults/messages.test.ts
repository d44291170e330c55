// Messages lost, duplicated and out of order, against a run without losses.

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { GONE, watchKernel } from "../../src/lib/core/kernel_connection";
import { RETRY_MS } from "../../src/lib/core/timing";
import { KEYFRAME_EVERY, LONG_SILENCE, Store } from "../../src/lib/live/run_store";
import type { Message, Status } from "../../src/lib/live/run_wire";
import { createTileStore } from "../../src/lib/preview/tile_store";
import { FakeModel, frameOf, type Opening } from "../live/live_model";

/** Numbers in [0, 1) that are the same for a seed each time (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The kernel's side of one plot: it records, sends new points and answers, as feed.py does. */
class FakeKernel {
  readonly values: number[] = [];
  #received = 0;
  #seq = 0;

  log(count: number, random: () => number): [Message, Opening] {
    for (let i = 0; i < count; i++) this.values.push(random());
    const opening = this.#frame(this.#received);
    this.#received = this.values.length;
    return [{ type: "delta", frame: opening.frame }, opening];
  }

  keyframe(): [Message, Opening] {
    const opening = this.#frame(0);
    this.#received = this.values.length;
    return [{ type: "keyframe", frame: opening.frame }, opening];
  }

  #frame(first: number): Opening {
    const opening = frameOf(++this.#seq, first, this.values.slice(first));
    const event = (step: number) => ({ step, kind: "note", where: null, message: `${step}` });
    const from = Math.floor(first / 10);
    const till = Math.floor(this.values.length / 10);
    const items = Array.from({ length: till - from }, (_, i) => event(10 * (from + i)));
    opening.frame.events = { first: from, items };
    return opening;
  }
}

const lossOf = (store: Store) => [...(store.runs[0]?.scalars.get("loss")?.values ?? [])];

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("a plot whose messages are lost, duplicated and out of order", () => {
  test.each(Array.from({ length: 25 }, (_, seed) => [seed]))(
    "holds all in the end (%i)",
    (seed) => {
      const random = randomOf(seed);
      const kernel = new FakeKernel();
      const model = new FakeModel(frameOf(0, 0, []));
      const store = new Store(model);
      const pending: [Message, Opening][] = [];
      let answered = 0;

      const answer = () => {
        for (; answered < model.sent.length; answered++) {
          const { type } = model.sent[answered];
          if (type === "keyframe" && random() < 0.6) pending.push(kernel.keyframe());
        }
      };
      const deliver = () => {
        const [[message, { data }]] = pending.splice(Math.floor(random() ** 2 * pending.length), 1);
        model.deliver(message, data);
        if (random() < 0.1) model.deliver(message, data);
      };

      for (let round = 0; round < 200; round++) {
        pending.push(kernel.log(Math.floor(4 * random()), random));
        if (random() < 0.15) pending.pop();
        answer();
        while (pending.length > 3) deliver();
        vi.advanceTimersByTime(100);
      }
      pending.push(kernel.log(1, random)); // the last message arrives: the page cannot detect its loss
      while (pending.length) deliver();
      for (let tries = 0; store.behind && tries < 20; tries++) {
        vi.advanceTimersByTime(4 * KEYFRAME_EVERY * 2 ** Math.min(tries, 8));
        answer();
        while (pending.length) deliver();
      }
      expect(store.behind).toBe(false);
      expect(lossOf(store)).toEqual(kernel.values);
      expect(store.events.map(({ step }) => step)).toEqual(
        Array.from({ length: Math.floor(kernel.values.length / 10) }, (_, i) => 10 * i),
      );
      store.dispose();
    },
  );

  test("repeats a request, less and less often, while no answer comes", () => {
    const model = new FakeModel(frameOf(0, 0, [1]));
    const store = new Store(model);
    const late = frameOf(2, 1, [2]);
    model.deliver({ type: "delta", frame: late.frame }, late.data);
    const asked = [0, 5, 15, 35, 75].map((seconds, i, all) => {
      vi.advanceTimersByTime(1000 * (seconds - (all[i - 1] ?? 0)));
      return model.sent.length;
    });
    expect(asked).toEqual([1, 2, 3, 4, 5]);
    store.dispose();
    vi.advanceTimersByTime(1e6);
    expect([model.sent.length, model.listeners]).toEqual([5, 0]);
  });

  test("requests a keyframe when a run sends nothing: its last message may be lost", () => {
    const opening = frameOf(0, 0, [1]);
    opening.frame.status = { state: "running" } as Status;
    const model = new FakeModel(opening);
    const store = new Store(model);
    vi.advanceTimersByTime(LONG_SILENCE - 1);
    expect(model.sent).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(model.sent.map(({ type }) => type)).toEqual(["keyframe"]);
    const last = frameOf(2, 0, [1, 2]);
    last.frame.status = { state: "finished" } as Status;
    model.deliver({ type: "keyframe", frame: last.frame }, last.data);
    vi.advanceTimersByTime(1e6);
    expect([lossOf(store), model.sent.length]).toEqual([[1, 2], 1]);
  });

  test("ignores a keyframe that arrives after newer data", () => {
    const model = new FakeModel(frameOf(0, 0, [1, 2]));
    const store = new Store(model);
    const old = frameOf(1, 0, [1, 2]);
    const next = frameOf(2, 2, [3]);
    model.deliver({ type: "delta", frame: next.frame }, next.data);
    model.deliver({ type: "keyframe", frame: old.frame }, old.data);
    expect(lossOf(store)).toEqual([1, 2, 3]);
  });

  test("takes the state that a host reads again, unless it is older", () => {
    const model = new FakeModel(frameOf(0, 0, [1]));
    const store = new Store(model);
    model.restore(frameOf(4, 0, [1, 2, 3]));
    expect([lossOf(store), store.seq]).toEqual([[1, 2, 3], 4]);
    model.restore(frameOf(3, 0, [1, 2]));
    expect(lossOf(store)).toEqual([1, 2, 3]);
  });
});

describe("a kernel that is gone", () => {
  test.each([
    ["a host says so", (model: FakeModel) => model.trigger("comm_live_update")],
    [
      "nothing can be sent",
      (model: FakeModel, store: Store) => {
        model.isDead = true;
        store.askForKeyframe();
      },
    ],
  ])("is reported when %s, and until something comes from it", async (_, die) => {
    const model = new FakeModel(frameOf(0, 0, [1]));
    const store = new Store(model);
    expect(store.kernel.message).toBe("");
    die(model, store);
    await vi.advanceTimersByTimeAsync(0);
    expect([store.kernel.message, store.problem]).toEqual([GONE, ""]);
    expect(lossOf(store)).toEqual([1]);
    model.isDead = false;
    const next = frameOf(1, 1, [2]);
    model.deliver({ type: "delta", frame: next.frame }, next.data);
    expect([store.kernel.message, lossOf(store)]).toEqual(["", [1, 2]]);
  });

  test("fails requests with a message", async () => {
    const model = new FakeModel(frameOf(0, 0, [1]));
    const store = new Store(model);
    model.isDead = true;
    await expect(store.ask({ type: "control" })).rejects.toThrow(GONE);
  });

  test("leaves no listener behind", () => {
    const model = new FakeModel(frameOf(0, 0, []));
    watchKernel(model, () => {}).dispose();
    expect(model.listeners).toBe(0);
  });
});

test("a plane that never came is requested again after a while, not before", async () => {
  const ask = vi.fn();
  const tiles = createTileStore(ask);
  const look = async () => {
    expect(tiles.get("level/0/0/0")).toBeNull();
    await vi.advanceTimersByTimeAsync(0);
    return ask.mock.calls.length;
  };
  expect(await look()).toBe(1);
  vi.advanceTimersByTime(RETRY_MS - 1);
  expect(await look()).toBe(1);
  vi.advanceTimersByTime(RETRY_MS);
  expect(ask).toHaveBeenCalledTimes(1);
  expect(await look()).toBe(2);
});

test("a plane of a later frame is not mixed into the current one", async () => {
  const ask = vi.fn();
  const tiles = createTileStore(ask);
  tiles.get("level/0/0/0");
  await vi.advanceTimersByTimeAsync(0);
  tiles.put([{ key: "level/0/0/0", data: Uint8Array.of(7) }], false);
  expect(tiles.get("level/0/0/0")).toBeNull();
  tiles.renew([]); // the frame comes
  tiles.get("level/0/0/0");
  await vi.advanceTimersByTimeAsync(0);
  expect(ask).toHaveBeenCalledTimes(2);
});
