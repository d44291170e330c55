// Fewer points that look the same: of every bucket the lowest, the highest and one that is no number.

/** Append to `out` the indices kept of values [from, to), in order. */
export function keepExtremes(
  values: ArrayLike<number>,
  from: number,
  to: number,
  out: number[],
): void {
  let low = -1;
  let high = -1;
  let odd = -1;
  for (let i = from; i < to; i++) {
    const value = values[i];
    if (!Number.isFinite(value)) {
      if (odd < 0) odd = i;
    } else if (low < 0) {
      low = i;
      high = i;
    } else if (value < values[low]) low = i;
    else if (value > values[high]) high = i;
  }
  const kept = new Set([low, high, odd].filter((i) => i >= 0));
  out.push(...[...kept].sort((a, b) => a - b));
}

/** Indices of at most three points for each of `buckets` equal parts of [from, to). */
export function extremes(
  values: ArrayLike<number>,
  from: number,
  to: number,
  buckets: number,
): number[] {
  const out: number[] = [];
  const count = to - from;
  if (count <= 3 * buckets) {
    for (let i = from; i < to; i++) out.push(i);
    return out;
  }
  for (let b = 0; b < buckets; b++) {
    const start = from + Math.floor((b * count) / buckets);
    const stop = from + Math.floor(((b + 1) * count) / buckets);
    keepExtremes(values, start, stop, out);
  }
  return out;
}
