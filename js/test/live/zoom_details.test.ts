// Detail on demand: asked for once, found while the window lies in it, forgotten by no refusal.

import { describe, expect, test } from "vitest";
import { Points } from "../../src/lib/charts/scalar_points";
import type { Reply, Run, Store } from "../../src/lib/live/run_store";
import type { Message } from "../../src/lib/live/run_wire";
import { Details } from "../../src/lib/live/zoom_details";

const run: Run = { id: 0, name: "run 1", earlier: false, scalars: new Map() };

function thinned(): Points {
  const points = new Points();
  points.replace(1000, false, [0, 999], [0, 999], [1, 2]);
  return points;
}

/** A store that keeps questions and answers them with two points, or not at all. */
function setup(refuse = false) {
  const asked: Record<string, unknown>[] = [];
  let came = 0;
  const data = new Uint8Array(new Float64Array([10, 11, 0, 1, 5, 6]).buffer);
  const packed = (at: number) => ({ at, dtype: "f8" as const, length: 2 });
  const scalar = { run: 0, name: "loss", step: packed(0), time: packed(16), value: packed(32) };
  const message: Message = { type: "detail", id: 1, detail: { scalars: [scalar] } };
  const ask = (content: Record<string, unknown>): Promise<Reply> => {
    asked.push(content);
    return refuse ? Promise.reject(new Error("busy")) : Promise.resolve({ message, data });
  };
  const details = new Details({ ask } as unknown as Store, () => came++);
  const want = (points: Points, stop = 20) =>
    details.ask([{ run, name: "loss", points }], "step", [10, stop], (_, x) => x);
  return { asked, details, want, came: () => came };
}

describe("details", () => {
  test("of what is here in full are not asked for", async () => {
    const { asked, want } = setup();
    const whole = new Points();
    whole.extend(0, [0, 1], [0, 1], [1, 2]);
    await want(whole);
    expect(asked).toEqual([]);
  });

  test("come with air around the window, and are found in it alone", async () => {
    const { asked, details, want, came } = setup();
    await want(thinned());
    expect(asked[0].series).toEqual([{ run: 0, name: "loss", window: [5, 25] }]);
    expect(came()).toBe(1);
    expect([...(details.find("0/loss", "step", [6, 24])?.values ?? [])]).toEqual([5, 6]);
    expect(details.find("0/loss", "step", [4, 24])).toBeNull();
    expect(details.find("0/loss", "step", [6, 26])).toBeNull();
    expect(details.find("0/loss", "time", [6, 24])).toBeNull();
    expect(details.find("0/acc", "step", [6, 24])).toBeNull();
  });

  test.each([
    ["that has passed is asked for once", 20, 1],
    ["that is growing is asked for again when there are more points", 990, 2],
  ])("of a window %s", async (_, stop, times) => {
    const { asked, want } = setup();
    const points = thinned();
    await want(points, stop);
    await want(points, stop);
    expect(asked.length).toBe(1);
    points.extend(1000, [1000], [1000], [3]);
    await want(points, stop);
    expect(asked.length).toBe(times);
  });

  test("that were refused are asked for again", async () => {
    const { asked, details, want } = setup(true);
    const points = thinned();
    await want(points);
    await want(points);
    expect(asked.length).toBe(2);
    expect(details.find("0/loss", "step", [10, 20])).toBeNull();
  });
});
