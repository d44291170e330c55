// COCO's greedy matching at one NMS stop; `take_targets` in src/torchdial/sweeps/matching.py.

import { keptAt, type Scene } from "./scene";

export const SUPPRESSED = 0;
export const FALSE = 1;
export const TRUE = 2;
export const IGNORED = 3;

/** What becomes of each detection at a stop, whatever the score threshold: it cuts off the last. */
export interface Outcome {
  /** SUPPRESSED, FALSE, TRUE or IGNORED. */
  state: Uint8Array;
  /** Index of the target that a detection took, -1 for none. */
  taken: Int32Array;
}

/**
 * In score order each kept detection takes the first free target of its class among its pairs.
 * Ignored targets come last there; who takes one is ignored, and a crowd stays free.
 */
export function match({ found, truth, pairs }: Scene, stop: number): Outcome {
  const state = new Uint8Array(found.count);
  const taken = new Int32Array(found.count).fill(-1);
  const gone = new Uint8Array(truth.count);
  for (let i = 0; i < found.count; i++) if (keptAt(found, stop, i)) state[i] = FALSE;
  for (let p = 0; p < pairs.detection.length; p++) {
    const detection = pairs.detection[p];
    const target = pairs.target[p];
    if (state[detection] !== FALSE || gone[target]) continue;
    if (found.labels[detection] !== truth.labels[target]) continue;
    state[detection] = truth.ignore[target] ? IGNORED : TRUE;
    taken[detection] = target;
    gone[target] = 1 - truth.crowd[target];
  }
  return { state, taken };
}
