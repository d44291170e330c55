// Arrays in a frame: a head of plain values that says where, in one block of bytes, each array lies.
// src/torchdial/widgets/live/packer.py writes them.

import { type Bytes, bytesOf } from "../core/bytes";

/** An array: where its bytes begin, little-endian, of what kind and how many numbers. */
export interface Packed {
  at: number;
  dtype: "f8" | "f4" | "i4";
  length: number;
}

const KINDS = { f8: Float64Array, f4: Float32Array, i4: Int32Array };

/** Read an array; copied, since the bytes may lie anywhere. */
export function unpack(packed: Packed, data: Bytes): Float64Array | Float32Array | Int32Array {
  const Kind = KINDS[packed.dtype];
  if (!Kind) throw new Error(`torchdial: unknown dtype ${packed.dtype}`);
  const bytes = bytesOf(data);
  const stop = packed.at + packed.length * Kind.BYTES_PER_ELEMENT;
  if (stop > bytes.length) throw new Error(`torchdial: ${bytes.length} bytes end before ${stop}`);
  return new Kind(bytes.slice(packed.at, stop).buffer);
}
