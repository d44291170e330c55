// What a zoomed window shows beyond the picture of the whole: asked for, shown when it comes.

import type { Limits } from "../charts/axis_scale";
import { Points } from "../charts/scalar_points";
import type { Axis } from "../charts/scalar_track";
import { RETRY_MS } from "../core/timing";
import { type Run, readDetail, type Store } from "./run_store";
import type { Message } from "./run_wire";

const BUCKETS = 1500;

interface Detail {
  axis: Axis;
  window: Limits;
  points: Points;
}

export interface Wanted {
  run: Run;
  name: string;
  points: Points;
}

export class Details {
  readonly #store: Store;
  readonly #came: () => void;
  readonly #kept = new Map<string, Detail>();
  #asked = "";
  #askedAt = 0;

  constructor(store: Store, came: () => void) {
    this.#store = store;
    this.#came = came;
  }

  /** Points that are finer in a window than the whole picture, if they are here. */
  find(id: string, axis: Axis, [start, stop]: Limits): Points | null {
    const detail = this.#kept.get(id);
    if (!detail || detail.axis !== axis) return null;
    return detail.window[0] <= start && detail.window[1] >= stop ? detail.points : null;
  }

  /** Ask for what is not here in full, once for a window and what the kernel has. */
  async ask(
    wanted: Wanted[],
    axis: Axis,
    window: Limits,
    stepAt: (run: Run, x: number) => number,
  ): Promise<void> {
    const missing = wanted.filter(({ points }) => !points.exact);
    if (missing.length === 0) return;
    // Air on both sides, so that a small move finds it here.
    const air = window[1] - window[0];
    const wide: Limits = [window[0] - air / 2, window[1] + air / 2];
    const series = missing.map(({ run, name }) => ({
      run: run.id,
      name,
      window: this.#along(run, axis, wide, stepAt),
    }));
    // A window that later points fall into is asked for again when there are some.
    const grown = missing.map(({ points: { times, steps, total } }, i) => {
      const x = axis === "time" ? times : steps;
      return series[i].window[1] >= x[x.length - 1] ? total : 0;
    });
    const question = JSON.stringify([axis, window, grown]);
    const now = performance.now();
    if (question === this.#asked && now - this.#askedAt < RETRY_MS) return;
    [this.#asked, this.#askedAt] = [question, now];
    const along = axis === "time" ? "time" : "step";
    try {
      const { message, data } = await this.#store.ask({
        type: "detail",
        along,
        buckets: Math.floor(BUCKETS / missing.length) + 200,
        series,
      });
      this.#keep(message, data, axis, wide);
    } catch {
      this.#asked = ""; // what is shown stays
    }
  }

  #along(
    run: Run,
    axis: Axis,
    [low, high]: Limits,
    stepAt: (run: Run, x: number) => number,
  ): Limits {
    return axis === "time" ? [low, high] : [stepAt(run, low), stepAt(run, high)];
  }

  #keep(message: Message, data: DataView | Uint8Array, axis: Axis, window: Limits) {
    if (message.type !== "detail") return;
    readDetail(message.detail, data).forEach(({ run, name, steps, times, values }) => {
      const points = new Points();
      points.replace(values.length, true, steps, times, values);
      this.#kept.set(`${run}/${name}`, { axis, window, points });
    });
    this.#came();
  }
}
