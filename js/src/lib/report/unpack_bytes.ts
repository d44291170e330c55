// Values as src/torchdial/report/html_file.py writes them: JSON, with the bytes in a separate block.

/** Replace each placeholder by its bytes, without copying them. */
export function unpackBytes(value: unknown, bytes: Uint8Array): unknown {
  if (Array.isArray(value)) return value.map((item) => unpackBytes(item, bytes));
  if (typeof value !== "object" || value === null) return value;
  if ("$bytes" in value) {
    const [start, length] = value.$bytes as [number, number];
    return bytes.subarray(start, start + length);
  }
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, unpackBytes(item, bytes)]),
  );
}
