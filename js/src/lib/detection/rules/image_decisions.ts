// The kernel's results for one image, from src/torchdial/sweeps/boxes/{nms,matching}.py. What depends
// on a setting is computed here; tests/golden/detections.json tests it.

/** Detections of one image by descending score, equal ones in the order of the input. */
export interface Detections {
  count: number;
  /** Corners x1, y1, x2, y2. */
  boxes: Float32Array;
  scores: Float32Array;
  labels: Uint16Array;
  /** Bit k % 8 of byte k >> 3 of a row: whether NMS keeps the detection at stop k. */
  kept: Uint8Array;
  /** Index in the input. */
  index: Int32Array;
  bytesPerRow: number;
}

export interface Targets {
  count: number;
  boxes: Float32Array;
  labels: Uint16Array;
  /** 1 for a box around a crowd, which any number of detections may take. */
  crowd: Uint8Array;
  /** 1 for a target that counts neither as found nor as missed, as crowds do. */
  ignore: Uint8Array;
}

/** Pairs with enough overlap to match, in matching order; `Pairs` in matching.py. */
export interface MatchPairs {
  detection: Int32Array;
  target: Int32Array;
  iou: Float32Array;
}

export interface Scene {
  found: Detections;
  truth: Targets;
  pairs: MatchPairs;
}

/** Whether NMS keeps detection i at stop k. */
export function keptAt(found: Detections, k: number, i: number): boolean {
  return ((found.kept[i * found.bytesPerRow + (k >> 3)] >> (k & 7)) & 1) === 1;
}
