// A scalar along the chosen axis: sorted, smoothed, and cut to what a window and its pixels can show.

import type { Limits } from "./axis_scale";
import { extremes } from "./extremes";
import type { Points } from "./scalar_points";
import { smooth } from "./smoothing";

export type Axis = "step" | "epoch" | "time";

/** Points in the order of an axis. */
export interface Track {
  x: Float64Array;
  y: Float64Array;
  steps: Float64Array;
  times: Float64Array;
}

/** A piece of a track, as it is drawn. */
export interface Piece {
  x: Float64Array;
  y: Float64Array;
}

/** Arrange points along an axis; steps that go back are sorted, points of one step stay in order. */
export function trackOf(points: Points, axis: Axis, epochs: Epochs): Track {
  const { steps, times, values } = points;
  if (axis === "time") return { x: times, y: values, steps, times };
  const sorted = points.ordered ? { steps, times, values } : sort(steps, times, values);
  const x = axis === "step" ? sorted.steps : sorted.steps.map((step) => epochs.at(step));
  return { x, y: sorted.values, steps: sorted.steps, times: sorted.times };
}

function sort(steps: Float64Array, times: Float64Array, values: Float64Array) {
  const order = Uint32Array.from(steps, (_, i) => i).sort((a, b) => steps[a] - steps[b] || a - b);
  const pick = (from: Float64Array) => Float64Array.from(order, (i) => from[i]);
  return { steps: pick(steps), times: pick(times), values: pick(values) };
}

/** Smoothed values of a track. */
export function smoothed({ steps, y }: Track, strength: number, range: number): Float64Array {
  return smooth(steps, y, strength, range);
}

/** First index whose x is at least `value`. */
export function lowerBound(x: ArrayLike<number>, value: number): number {
  let low = 0;
  let high = x.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (x[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Index of the point nearest to `value`, -1 where there is none. */
export function nearest(x: ArrayLike<number>, value: number): number {
  const right = lowerBound(x, value);
  if (right === 0) return x.length ? 0 : -1;
  if (right === x.length) return right - 1;
  return value - x[right - 1] <= x[right] - value ? right - 1 : right;
}

/** What lies in a window, with a neighbour on each side, in at most three points a bucket. */
export function cut(
  x: Float64Array,
  y: Float64Array,
  [start, stop]: Limits,
  buckets: number,
): Piece {
  const from = Math.max(0, lowerBound(x, start) - 1);
  const to = Math.min(x.length, lowerBound(x, stop) + 1);
  const kept = extremes(y, from, to, Math.max(buckets, 1));
  return { x: Float64Array.from(kept, (i) => x[i]), y: Float64Array.from(kept, (i) => y[i]) };
}

/** Steps as epochs: a straight line from one epoch's first step to the next one's. */
export class Epochs {
  readonly #steps: number[] = [];
  readonly #epochs: number[] = [];

  constructor(points: Points | undefined) {
    if (!points) return;
    const { x, y } = trackOf(points, "step", this);
    for (let i = 0; i < x.length; i++) {
      const last = this.#epochs[this.#epochs.length - 1];
      if (Number.isFinite(y[i]) && (last === undefined || y[i] > last)) {
        this.#steps.push(x[i]);
        this.#epochs.push(y[i]);
      }
    }
  }

  /** Whether there are two, so that steps can be placed. */
  get known(): boolean {
    return this.#steps.length > 1;
  }

  at(step: number): number {
    return this.known ? along(this.#steps, this.#epochs, step) : step;
  }

  stepAt(epoch: number): number {
    return this.known ? along(this.#epochs, this.#steps, epoch) : epoch;
  }
}

/** The line through known places at `value`; the first and last piece go on for ever. */
function along(from: number[], to: number[], value: number): number {
  const right = Math.min(Math.max(lowerBound(from, value), 1), from.length - 1);
  const share = (value - from[right - 1]) / (from[right] - from[right - 1]);
  return to[right - 1] + share * (to[right] - to[right - 1]);
}
