// Arrays as hosts deliver them: little-endian bytes at some offset of a buffer.

/** A DataView in JupyterLab, a Uint8Array in other hosts. */
export type Bytes = DataView | Uint8Array;

/** The bytes as a Uint8Array, without copying. */
export function bytesOf(data: Bytes): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** Copied, since the bytes may be unaligned. */
const copyOf = (data: Bytes) => bytesOf(data).slice().buffer;

// Little-endian numbers.
export const float64Of = (data: Bytes) => new Float64Array(copyOf(data));
export const float32Of = (data: Bytes) => new Float32Array(copyOf(data));
export const uint32Of = (data: Bytes) => new Uint32Array(copyOf(data));
export const int32Of = (data: Bytes) => new Int32Array(copyOf(data));
export const uint16Of = (data: Bytes) => new Uint16Array(copyOf(data));
