// The browser's copy of one scalar: all its points while they are few, then the extremes of buckets.

import { extremes } from "./extremes";

export const MOST_POINTS = 16_384;
const FIRST_ROOM = 256;

export class Points {
  /** How many points the kernel has, as far as was said. */
  total = 0;
  /** Whether every one of them is here. */
  exact = true;
  /** Grows with each change. */
  version = 0;
  #length = 0;
  #steps = new Float64Array(FIRST_ROOM);
  #times = new Float64Array(FIRST_ROOM);
  #values = new Float64Array(FIRST_ROOM);
  #ordered = true;

  get length(): number {
    return this.#length;
  }

  get steps(): Float64Array {
    return this.#steps.subarray(0, this.#length);
  }

  get times(): Float64Array {
    return this.#times.subarray(0, this.#length);
  }

  get values(): Float64Array {
    return this.#values.subarray(0, this.#length);
  }

  /** Whether steps never go back. */
  get ordered(): boolean {
    return this.#ordered;
  }

  /** Forget what was here for a picture of `total` points. */
  replace(
    total: number,
    exact: boolean,
    steps: ArrayLike<number>,
    times: ArrayLike<number>,
    values: ArrayLike<number>,
  ): void {
    this.#length = 0;
    this.#ordered = true;
    const whole = this.#append(0, steps, times, values);
    this.total = total;
    this.exact = exact && whole;
    this.version++;
  }

  /** Add points number `first` … ; those that are here already are passed over. */
  extend(
    first: number,
    steps: ArrayLike<number>,
    times: ArrayLike<number>,
    values: ArrayLike<number>,
  ): void {
    if (first > this.total) this.exact = false;
    const skip = Math.max(0, this.total - first);
    if (skip >= values.length) return;
    this.exact = this.#append(skip, steps, times, values) && this.exact;
    this.total = first + values.length;
    this.version++;
  }

  /** Add points from number `skip` on; returns whether all that is here was kept. */
  #append(
    skip: number,
    steps: ArrayLike<number>,
    times: ArrayLike<number>,
    values: ArrayLike<number>,
  ): boolean {
    const count = values.length - skip;
    this.#makeRoom(this.#length + count);
    for (let i = skip; i < values.length; i++) {
      const n = this.#length++;
      this.#steps[n] = steps[i];
      this.#times[n] = times[i];
      this.#values[n] = values[i];
      if (n > 0 && steps[i] < this.#steps[n - 1]) this.#ordered = false;
    }
    if (this.#length <= MOST_POINTS) return true;
    this.#thin();
    return false;
  }

  #makeRoom(length: number): void {
    if (length <= this.#values.length) return;
    const room = Math.max(length, 2 * this.#values.length);
    const grown = (old: Float64Array) => {
      const array = new Float64Array(room);
      array.set(old.subarray(0, this.#length));
      return array;
    };
    this.#steps = grown(this.#steps);
    this.#times = grown(this.#times);
    this.#values = grown(this.#values);
  }

  /** Keep the extremes of buckets, to less than half of the room. */
  #thin(): void {
    const last = this.#length - 1;
    const kept = extremes(this.values, 0, last, MOST_POINTS / 8);
    kept.push(last);
    kept.forEach((from, to) => {
      this.#steps[to] = this.#steps[from];
      this.#times[to] = this.#times[from];
      this.#values[to] = this.#values[from];
    });
    this.#length = kept.length;
  }
}
