// What a loss plot draws of one scalar of one run.

import type { Name } from "../charts/scalar_names";
import type { Track } from "../charts/scalar_track";

/** One line: a scalar of a run. */
export interface ScalarLine {
  id: string;
  name: Name;
  /** What it is called in the legend: with its run's name where that might be another one. */
  label: string;
  run: string;
  earlier: boolean;
  /** Number of its colour. */
  hue: number;
  /** The whole of it, and the finest there is of the window. */
  track: Track;
  near: Track;
  /** Whether it has no noise, so that every value belongs on the axis. */
  schedule: boolean;
  nearSmooth: Float64Array | null;
}
