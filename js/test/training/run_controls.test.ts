// A run's state, how far it is, and where a value lies on a dial.

import { describe, expect, test } from "vitest";
import type { Status } from "../../src/lib/live/run_wire";
import { partsOf, rateOf, secondsLeft, stateOf } from "../../src/lib/training/run_state";
import {
  dialTitle,
  dialWords,
  placeOn,
  rangeWords,
  valueOn,
} from "../../src/lib/training/training_dial";

const status: Status = {
  state: "running",
  ended_at: null,
  reason: "",
  step: 1240,
  steps_here: 1240,
  done: 1240,
  total: 5000,
  epoch: 1,
  epochs: 8,
  steps_per_s: 42.14,
  system: { memory: 1.2e9, data_wait: 0.031, samples_per_s: 1349.4, cpu: 3.52 },
  overhead: 0.0059,
  problem: "",
  notes: [],
  reach: "",
  dials: [],
};

describe("the state of a run", () => {
  test.each([
    ["running", {}, "running"],
    ["paused", {}, "paused at step 1,240"],
    ["idle", {}, "not started"],
    ["stopped", { ended_at: 180, step: 180, done: 180, total: 720 }, "stopped at step 180 of 720"],
    ["stopped", { ended_at: 180, step: 180, total: null }, "stopped at step 180"],
    ["finished", { ended_at: 5000 }, "finished"],
    [
      "failed",
      { ended_at: 61, reason: "loss is NaN or infinite from there on" },
      "failed at step 61: loss is NaN or infinite from there on",
    ],
    ["failed", { ended_at: 61 }, "failed at step 61"],
    ["saved", {}, "saved at step 1,240, before it ended"],
  ])("%s %o", (state, more, words) => {
    expect(stateOf({ ...status, state, ...more }, false).words).toBe(words);
  });

  test("a run whose kernel is gone does not run, and one that ended has ended", () => {
    expect(stateOf(status, true)).toEqual({ kind: "gone", words: "kernel gone at step 1,240" });
    expect(stateOf({ ...status, state: "finished" }, true).kind).toBe("finished");
  });

  test.each([
    ["no point yet", { silence: null, patience: 0 }, 0, "waiting"],
    ["last point 3 s ago", { silence: 3.7, patience: 60 }, 200, "running"],
    ["last point 5 s ago", { silence: 3.7, patience: 60 }, 1_500, "running"],
    ["last point 1:05 ago: writer gone?", { silence: 60, patience: 60 }, 5_000, "gone"],
    ["last point 1:05 ago", { silence: 60, patience: 90 }, 5_000, "running"],
  ])("a run that another process writes: %s", (words, more, age, kind) => {
    const followed = { ...status, state: "followed", ...more };
    expect(stateOf(followed, false, null, age)).toEqual({ kind, words });
    expect(stateOf(followed, true, null, age).words).toBe("kernel gone at step 1,240");
  });

  test("a long silence is said", () => {
    expect(stateOf(status, false, 95_000).words).toBe("running, no news for 1:35");
  });
});

describe("progress", () => {
  const words = (of: Status) => partsOf(of).map(({ text }) => text);

  test("is one line in words", () => {
    expect(words(status).join("  ")).toBe(
      "step 1,240 / 5,000  epoch 2/8  42.1 steps/s  1:29 left  1,349 samples/s  memory 1.2 GB  " +
        "CPU 3.5 cores  data wait 3.1 %  recording 0.6 %",
    );
  });

  test("a step is not shown beside its batch while that is worked on", () => {
    const during = { ...status, step: 1_241 };
    expect(words(during)[0]).toBe("step 1,241 / 5,000");
    expect(words({ ...during, step: 620 }).slice(0, 2)).toEqual([
      "step 620",
      "batch 1,240 / 5,000",
    ]);
  });

  test("of a run whose kernel is gone has no end to wait for", () => {
    const keys = (gone: boolean) => partsOf(status, gone).map(({ key }) => key);
    expect(keys(true)).toEqual(keys(false).filter((key) => key !== "left"));
    expect(keys(false)).toContain("left");
  });

  test("of a GPU is about the GPU", () => {
    const system = { gpu: 0.87, gpu_memory: 31e9, gpu_memory_total: 80e9, memory: 12e9, cpu: 0.1 };
    const shown = words({ ...status, system: { ...system, tokens_per_s: 52_000 } });
    expect(shown.slice(4, -1)).toEqual([
      "52,000 tokens/s",
      "GPU 87 %",
      "GPU memory 31.0 GB of 80.0 GB",
      "tensors 12.0 GB",
    ]);
  });

  test("never says that recording takes more of a step than all of it", () => {
    expect(words({ ...status, overhead: 1.18 })).toContain("recording over 100 %");
  });

  test("says no more than is known", () => {
    const bare = { ...status, done: null, total: null, epoch: null, epochs: null };
    const none = { ...bare, steps_per_s: null, system: { memory: null }, overhead: null };
    expect(words(none)).toEqual(["step 1,240"]);
  });

  test("what is left keeps its place until it is known", () => {
    expect(words({ ...status, steps_per_s: null })).toContain("– left");
    expect(words({ ...status, state: "finished" }).join()).not.toContain("left");
  });

  test("what is left counts batches where a step takes several", () => {
    const left = secondsLeft({ ...status, steps_here: 100, done: 400, total: 800, steps_per_s: 5 });
    expect(left).toBe(20);
  });

  test.each([
    [2345.6, "2,346 steps/s"],
    [1, "1.00 steps/s"],
    [0.3125, "3.20 s/step"],
    [0.005, "200 s/step"],
  ])("a rate of %d is %s", (rate, text) => {
    expect(rateOf(rate)).toBe(text);
  });
});

describe("a dial", () => {
  const dial = { name: "lr", value: 1, min: 0.01, max: 100, log: true };
  test.each([
    [0, 0.01],
    [0.5, 1],
    [1, 100],
  ])("of a log range at %d stands at %d", (place, value) => {
    expect(valueOn(dial, place)).toBeCloseTo(value, 12);
    expect(placeOn(dial, value)).toBeCloseTo(place, 12);
  });

  test.each([
    [{ ...dial, schedule: 6e-4 }, 0.5, "3.00e-4 = schedule 6.00e-4 × 0.5"],
    [{ ...dial, schedule: null }, 0.5, "× 0.5"],
    [{ ...dial, name: "dropout" }, 0.5, "0.5000"],
    [dial, null, "–"],
  ])("%o at %d says %s", (state, value, text) => {
    expect(dialWords(state, value)).toBe(text);
  });

  test("is called learning rate where it is the factor on it, and else by its name", () => {
    expect(dialTitle({ ...dial, schedule: null })).toBe("learning rate");
    expect(dialTitle(dial)).toBe("lr");
  });

  test("its range is in words", () => {
    expect(rangeWords({ ...dial, schedule: 1 })).toBe("×0.01 … ×100, logarithmic");
    expect(rangeWords({ ...dial, name: "p", log: false, min: 0, max: 1 })).toBe("0 … 1");
  });
});
