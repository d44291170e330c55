import { describe, expect, test, vi } from "vitest";
import { createStepFrames } from "../../src/lib/steps/step_frames";
import { STEPS } from "./golden_steps";

const tile = (key: string, value: number) => ({ key, data: Uint8Array.of(value), coding: null });

interface About {
  step: number;
  kept: number[];
  first?: number;
}

const frameOf = (version: number, { step, kept, first = 0 }: About) => ({
  version,
  sources: [{ tiles: [tile("level/0/0/0", step)] }],
  about: { step, version, counts: `counts of ${step}`, first, kept },
});

/** Steps of a model that is refreshed, and what it was asked. */
function training(earlier: { step: number; version: number }[] = []) {
  const traits: Record<string, unknown> = { step: null, _steps: { steps: earlier } };
  const asked: unknown[] = [];
  const steps = createStepFrames({
    get: (name) => traits[name],
    send: (content) => asked.push(content),
  });
  // biome-ignore lint/suspicious/noExplicitAny: frames of the tests
  const get = () => steps.get() as any;
  return {
    steps,
    asked,
    get,
    set(name: string, value: unknown) {
      traits[name] = value;
      return get();
    },
  };
}

describe.each(STEPS.trainings)("$name", ({ refreshes, looks }) => {
  test("every kept step shows those that are nearest to it", () => {
    const { steps, set, get, asked } = training();
    refreshes.forEach((refresh, version) => {
      expect(set("_frame", frameOf(version, refresh)).version).toBe(version);
    });
    for (const [chosen, step, shown] of looks) {
      const frame = set("step", chosen);
      expect(steps.state(get().version)).toMatchObject({ step, shown, waiting: false });
      expect(frame.sources[0].tiles[0].data[0]).toBe(shown % 256);
      expect(frame.about.step).toBe(shown);
    }
    expect(asked).toEqual([]);
    const counted = refreshes.reduce<number[]>(
      (all, { step }) => [...all.filter((one) => one < step), step],
      [],
    );
    expect(steps.state(get().version).all.map(({ step }) => step)).toEqual(counted);
  });
});

test("a frame that is not in the page is asked for once, and shown when it comes", () => {
  vi.useFakeTimers();
  const { steps, asked, set, get } = training([
    { step: 0, version: 0 },
    { step: 10, version: 1 },
  ]);
  set("_frame", frameOf(2, { step: 20, kept: [0, 10, 20] }));
  expect(set("step", 10).version).toBe(2);
  set("step", 9);
  expect(asked).toEqual([{ type: "frame", id: 0, step: 10 }]);
  expect(steps.state(get().version)).toMatchObject({ step: 10, shown: 20, waiting: true });
  const sources = [{ tiles: [{ ...tile("level/0/0/0", 0), data: { $bytes: [1, 2] } }] }];
  const reply = { type: "frame" as const, step: 10, frame: { version: 1, sources } };
  expect(steps.receive(reply, [Uint8Array.of(7, 8, 9)])).toBe(true);
  expect([...get().sources[0].tiles[0].data]).toEqual([8, 9]);
  expect(steps.state(get().version)).toMatchObject({ step: 10, shown: 10, waiting: false });
  vi.advanceTimersByTime(60_000);
  expect(asked).toHaveLength(1);
  vi.useRealTimers();
});

test("a frame is asked for again until it comes, or the widget is gone", () => {
  vi.useFakeTimers();
  const { steps, asked, set } = training([{ step: 0, version: 0 }]);
  set("_frame", frameOf(1, { step: 20, kept: [0, 20] }));
  set("step", 0);
  vi.advanceTimersByTime(9_000);
  set("step", 20);
  set("step", 0);
  expect(asked).toHaveLength(1);
  vi.advanceTimersByTime(12_000); // nothing is touched meanwhile
  expect(asked).toEqual(Array(3).fill({ type: "frame", id: 0, step: 0 }));
  steps.dispose();
  vi.advanceTimersByTime(60_000);
  expect(asked).toHaveLength(3);
  vi.useRealTimers();
});

test("planes are asked of the step that is shown, and kept with its frame", () => {
  const { steps, set } = training();
  set("_frame", frameOf(0, { step: 0, kept: [0] }));
  set("_frame", frameOf(1, { step: 10, kept: [0, 10] }));
  const need = { type: "need", id: 1, keys: ["level/0/1/0"] };
  expect(steps.asked(need)).toEqual(need);
  set("step", 0);
  expect(steps.asked(need)).toEqual({ ...need, step: 0 });
  expect(steps.asked({ type: "settle" })).toEqual({ type: "settle" });
  const keys = ["level/0/1/0", "image/1"];
  const reply = { type: "tiles" as const, version: 0, keys, codings: [null, null] };
  for (let times = 0; times < 2; times++) {
    expect(steps.receive(reply, [Uint8Array.of(1), Uint8Array.of(2)])).toBe(false);
  }
  set("step", 10);
  const tiles = set("step", 0).sources[0].tiles as { key: string }[];
  expect(tiles.map(({ key }) => key)).toEqual(["level/0/0/0", "level/0/1/0"]);
});

test("decoding what is shown leaves the kept planes as they came", () => {
  const { set } = training();
  const first = frameOf(0, { step: 0, kept: [0] });
  set("_frame", first).sources[0].tiles[0].data = Uint8Array.of(99);
  expect(first.sources[0].tiles[0].data[0]).toBe(0);
});

test("frames of other images are forgotten", () => {
  const { steps, set, get } = training();
  set("_frame", frameOf(0, { step: 0, kept: [0] }));
  set("_frame", frameOf(1, { step: 1, kept: [1], first: 1 }));
  expect(steps.state(get().version).all.map(({ step }) => step)).toEqual([1]);
});

test("without kept frames the frame is passed on as it is", () => {
  const { steps, set, get } = training();
  const frame = { version: 3, sources: [] };
  expect(set("_frame", frame)).toBe(frame);
  expect(steps.state(get().version)).toMatchObject({ all: [], waiting: false });
});
