// What the kernel decided about one image; src/torchdial/sweeps/{nms,matching}.py say how. All that
// depends on a setting is computed here, and tests/golden/detections.json binds it.

/** Detections of one image in descending score, equal ones in the order they were handed over. */
export interface Detections {
  count: number;
  /** Corners x1, y1, x2, y2. */
  boxes: Float32Array;
  scores: Float32Array;
  labels: Uint16Array;
  /** Bit k % 8 of byte k >> 3 of a row: NMS keeps the detection at stop k. */
  kept: Uint8Array;
  /** Place in what was handed over. */
  index: Int32Array;
  bytesPerRow: number;
}

export interface Targets {
  count: number;
  boxes: Float32Array;
  labels: Uint16Array;
  /** 1 for a box around a crowd, which any number of detections may take. */
  crowd: Uint8Array;
  /** 1 for a target that counts neither as found nor as missed; crowds are such, too. */
  ignore: Uint8Array;
}

/** Overlaps that suffice to match, in the order in which they may: of `MatchPairs` in matching.py. */
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
