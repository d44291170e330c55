// How far a run is, and where a value lies on a dial.

import { describe, expect, test } from "vitest";
import { placeOn, secondsLeft, statusParts, valueOn } from "../../src/lib/training/run_controls";

describe("progress", () => {
  const status = {
    state: "running",
    step: 1240,
    steps_here: 1240,
    done: 1240,
    total: 5000,
    epoch: 1,
    epochs: 8,
    steps_per_s: 42.14,
    memory: 1.2e9,
    data_wait: 0.031,
    overhead: 0.0059,
    problem: "",
    notes: [],
    reach: "",
    dials: [],
  };

  test("is one line in words", () => {
    expect(statusParts("run 3", status).join("  ")).toBe(
      "run 3 running  step 1,240 / 5,000  epoch 2/8  42.1 steps/s  ETA 1:29  memory 1.2 GB  " +
        "data wait 3.1 %  watching costs 0.6 %",
    );
  });

  test("says no more than is known", () => {
    const bare = { ...status, done: null, total: null, epoch: null, epochs: null };
    const none = { ...bare, steps_per_s: null, memory: null, data_wait: null, overhead: null };
    expect(statusParts("run 1", none)).toEqual(["run 1 running", "step 1,240"]);
    expect(secondsLeft({ ...status, state: "paused" })).toBeNull();
  });

  test("what is left counts batches where a step takes several", () => {
    const left = secondsLeft({ ...status, steps_here: 100, done: 400, total: 800, steps_per_s: 5 });
    expect(left).toBe(20);
  });

  const dial = { name: "lr", value: 1, min: 0.01, max: 100, log: true };
  test.each([
    [0, 0.01],
    [0.5, 1],
    [1, 100],
  ])("a log dial at %d stands at %d", (place, value) => {
    expect(valueOn(dial, place)).toBeCloseTo(value, 12);
    expect(placeOn(dial, value)).toBeCloseTo(place, 12);
  });
});
