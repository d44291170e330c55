// Live statistics of the modules: the newest columns of each statistic, and marks of events;
// src/torchdial/widgets/live/module_packing.py sends them.

import type { Bytes } from "../core/bytes";
import { type Packed, unpack } from "../live/packed_arrays";
import { STATISTICS, type Statistic } from "./statistic_styles";

export const MOST_RING_COLUMNS = 48;

/** The newest event about a row. */
export interface EventMark {
  row: number;
  words: string;
}

export interface LiveFrame {
  columns: Partial<Record<Statistic, { steps: Packed; values: Packed }>>;
  marks: EventMark[];
}

/** The newest columns, each with one value for each row. */
export class Ring {
  /** First step of each column. */
  steps: number[] = [];
  #columns: Float32Array[] = [];

  /** Add columns, concatenated in `values`; they replace those that begin at `steps[0]` or later. */
  take(steps: ArrayLike<number>, values: Float32Array): void {
    const rows = values.length / steps.length;
    const kept = this.steps.findIndex((step) => step >= steps[0]);
    if (steps.length && kept >= 0) this.#cut(0, kept);
    for (let k = 0; k < steps.length; k++) {
      this.steps.push(steps[k]);
      this.#columns.push(values.slice(k * rows, (k + 1) * rows));
    }
    this.#cut(Math.max(this.steps.length - MOST_RING_COLUMNS, 0), this.steps.length);
  }

  clear(): void {
    this.#cut(0, 0);
  }

  /** One row's values, the newest last. */
  row(row: number): number[] {
    return this.#columns.map((column) => column[row]);
  }

  /** The newest column. */
  get newest(): Float32Array | undefined {
    return this.#columns[this.#columns.length - 1];
  }

  #cut(from: number, to: number): void {
    this.steps = this.steps.slice(from, to);
    this.#columns = this.#columns.slice(from, to);
  }
}

export class LiveModules {
  readonly rings: Readonly<Record<Statistic, Ring>>;
  marks: readonly EventMark[] = [];

  constructor(opening: { frame: LiveFrame; data: Bytes }) {
    const rings = STATISTICS.map(({ key }) => [key, new Ring()] as const);
    this.rings = Object.fromEntries(rings) as Record<Statistic, Ring>;
    this.take(opening.frame, opening.data);
  }

  /** Add a frame, on an error nothing of it; `whole` if it replaces everything earlier. */
  take(frame: LiveFrame, data: Bytes, whole = false): void {
    const read = STATISTICS.map(({ key }) => {
      const columns = frame.columns[key];
      return columns && [columns.steps, columns.values].map((array) => unpack(array, data));
    });
    STATISTICS.forEach(({ key }, i) => {
      const ring = this.rings[key];
      const columns = read[i];
      if (whole) ring.clear();
      if (columns) ring.take(columns[0], columns[1] as Float32Array);
    });
    this.marks = frame.marks;
  }
}
