// Arrays as hosts deliver them: little-endian bytes at some offset of a buffer.

/** A DataView in JupyterLab, a Uint8Array in other hosts. */
export type Bytes = DataView | Uint8Array;

/** The bytes as a Uint8Array, without copying. */
export function bytesOf(data: Bytes): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** Little-endian float64 numbers; copied, since the bytes may be unaligned. */
export function float64Of(data: Bytes): Float64Array {
  return new Float64Array(bytesOf(data).slice().buffer);
}

/** Little-endian uint32 numbers; copied, since the bytes may be unaligned. */
export function uint32Of(data: Bytes): Uint32Array {
  return new Uint32Array(bytesOf(data).slice().buffer);
}
