// Arrays as hosts deliver them: little-endian bytes at some offset of a buffer.

/** JupyterLab delivers DataViews, other hosts Uint8Arrays. */
export type Bytes = DataView | Uint8Array;

/** Uint8 view of what a host delivers, without copying. */
export function bytesOf(data: Bytes): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** Little-endian float64 numbers; copied, since the bytes may lie anywhere. */
export function float64Of(data: Bytes): Float64Array {
  return new Float64Array(bytesOf(data).slice().buffer);
}
