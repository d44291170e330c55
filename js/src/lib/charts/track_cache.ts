// Tracks and their smoothing, made again only when something changed.

import type { Points } from "./scalar_points";
import { type Axis, type Epochs, smoothed, type Track, trackOf } from "./scalar_track";

interface Made {
  version: number;
  axis: Axis;
  track: Track;
  strength: number;
  smooth: Float64Array | null;
}

export class Tracks {
  readonly #made = new WeakMap<Points, Made>();

  of(points: Points, axis: Axis, epochs: Epochs, strength = -1): Made {
    let made = this.#made.get(points);
    if (!made || made.version !== points.version || made.axis !== axis || axis === "epoch") {
      const track = trackOf(points, axis, epochs);
      made = { version: points.version, axis, track, strength: -1, smooth: null };
      this.#made.set(points, made);
    }
    if (strength >= 0 && made.strength !== strength) {
      const { steps } = made.track;
      const range = steps.length ? Math.abs(steps[steps.length - 1] - steps[0]) : 0;
      made.smooth = strength > 0 ? smoothed(made.track, strength, range) : null;
      made.strength = strength;
    }
    return made;
  }
}
