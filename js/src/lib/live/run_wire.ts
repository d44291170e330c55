// What crosses the wire of the live plots; src/torchdial/widgets/live/run_packing.py writes it.

import type { Bytes } from "../core/bytes";
import { type Packed, unpack } from "./packed_arrays";

export interface WireScalar {
  name: string;
  /** Number of the first point, and how many the kernel has in all. */
  first: number;
  total: number;
  /** Whether these are all points from the first on, or the extremes of buckets. */
  exact: boolean;
  step: Packed;
  time: Packed;
  value: Packed;
}

export interface WireRun {
  id: number;
  name: string;
  /** Earlier runs are shown only once they are chosen. */
  earlier: boolean;
  scalars: WireScalar[];
}

export interface WireLayers {
  name: string;
  /** Names of the rows, null where they are those of the frame before. */
  rows: string[] | null;
  step: Packed;
  /** Column after column. */
  value: Packed;
}

/** The distribution of |gradient| at one step, in bins of powers of two. */
export interface WireDistribution {
  step: number;
  /** Names of the rows, null where they are those of "grad_norm". */
  rows: string[] | null;
  /** The first bin holds what is below two to this power. */
  low: number;
  bins: number;
  /** Indices of the rows that are counted, null for all of them. */
  counted: number[] | null;
  /** Counted row after counted row. */
  count: Packed;
  /** Root mean square and largest |gradient| of each row, negative or NaN where unknown. */
  rms: Packed;
  max: Packed;
}

export interface TrainingEvent {
  step: number;
  kind: string;
  where: string | null;
  message: string;
}

export interface DialState {
  name: string;
  /** Null while it is not known. */
  value: number | null;
  min: number;
  max: number;
  log: boolean;
  /** Of a factor on the learning rate: the rate without it, null where that is not known. */
  schedule?: number | null;
}

/** The state of a run. */
export interface Status {
  state: string;
  /** The step where it stopped or failed, null while it has not. */
  ended_at: number | null;
  /** What it failed of, else empty. */
  reason: string;
  step: number;
  /** Steps since this process took the run up. */
  steps_here: number;
  /** Batches that a loop has yielded, and how many there will be. */
  done: number | null;
  total: number | null;
  epoch: number | null;
  epochs: number | null;
  steps_per_s: number | null;
  /** The newest of each scalar `system/…`. */
  system: Record<string, number | null>;
  overhead: number | null;
  problem: string;
  notes: string[];
  /** Why clicks cannot reach the run now and what helps; empty where they can. */
  reach: string;
  dials: DialState[];
  /** Of a run that another process writes: seconds since its last point, null before the first. */
  silence?: number | null;
  /** Seconds of that after which its writer may be gone. */
  patience?: number;
}

export interface Frame {
  seq: number;
  runs: WireRun[];
  layers: WireLayers[];
  distribution: WireDistribution | null;
  events: { first: number; items: TrainingEvent[] };
  status: Status | null;
}

/** Points of one window, asked for. */
export interface WireDetail {
  scalars: { run: number; name: string; step: Packed; time: Packed; value: Packed }[];
}

/** Messages from src/torchdial/widgets/live/live_plot.py. */
export type Message =
  | { type: "delta" | "keyframe"; frame: Frame }
  | { type: "detail"; id: number; detail: WireDetail }
  | { type: "distribution"; id: number; distribution: WireDistribution | null }
  | { type: "done"; id: number }
  | { type: "error"; id: number | null; message: string };

/** See that all arrays of a frame are there and fit together, before any of it is taken. */
export function checkFrame({ runs, layers, distribution }: Frame, data: Bytes): void {
  const lengthOf = (array: Packed) => unpack(array, data).length;
  for (const { name, step, time, value } of runs.flatMap(({ scalars }) => scalars)) {
    const [steps, times, values] = [step, time, value].map(lengthOf);
    if (steps !== times || steps !== values) {
      throw new Error(`torchdial: ${steps} steps, ${times} times and ${values} values of ${name}`);
    }
  }
  for (const { step, value } of layers) [step, value].map(lengthOf);
  if (distribution) [distribution.count, distribution.rms, distribution.max].map(lengthOf);
}
