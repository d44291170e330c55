// COCO's greedy matching at one NMS stop, as `take_targets` in src/torchdial/sweeps/boxes/matching.py.

import type { Detections, Scene } from "./image_decisions";

export const SUPPRESSED = 0;
export const FALSE = 1;
export const TRUE = 2;
export const IGNORED = 3;

/** The result for each detection at a stop; a score threshold only cuts off the last ones. */
export interface Outcome {
  /** SUPPRESSED, FALSE, TRUE or IGNORED. */
  state: Uint8Array;
  /** Index of the target that a detection took, -1 for none. */
  taken: Int32Array;
}

/**
 * In score order each kept detection takes the first free target of its class among its pairs.
 * Ignored targets come last; a detection that takes one is ignored, and a crowd stays free.
 */
export function match({ found, truth, pairs }: Scene, stop: number): Outcome {
  const state = keptStates(found, stop);
  const taken = new Int32Array(found.count).fill(-1);
  const gone = new Uint8Array(truth.count);
  const { detection, target } = pairs;
  for (let p = 0; p < detection.length; p++) {
    const i = detection[p];
    const j = target[p];
    if (state[i] !== FALSE || gone[j] || found.labels[i] !== truth.labels[j]) continue;
    state[i] = truth.ignore[j] ? IGNORED : TRUE;
    taken[i] = j;
    gone[j] = 1 - truth.crowd[j];
  }
  return { state, taken };
}

/** SUPPRESSED or FALSE for each detection. */
function keptStates({ count, kept, bytesPerRow }: Detections, stop: number): Uint8Array {
  const states = new Uint8Array(count);
  const byte = stop >> 3;
  for (let i = 0; i < count; i++) states[i] = (kept[i * bytesPerRow + byte] >> (stop & 7)) & 1;
  return states;
}
