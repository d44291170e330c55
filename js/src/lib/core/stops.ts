// Stops and levels; src/torchdial/inputs/stops.py defines them.

/** Index of the stop nearest to a value; of two equally near, the lower one. */
export function nearestStop(stops: readonly number[], value: number): number {
  let best = 0;
  for (let k = 1; k < stops.length; k++) {
    if (Math.abs(stops[k] - value) < Math.abs(stops[best] - value)) best = k;
  }
  return best;
}

/** The interval of the levels from `first` to `last` as text: "p in (0.42, 0.43]". */
export function intervalOf(
  stops: readonly number[],
  first: number,
  last = first,
  symbol = "p",
  text = formatStop,
): string {
  if (first === 0) return `${symbol} ≤ ${text(stops, last)}`;
  if (last === stops.length) return `${symbol} > ${text(stops, first - 1)}`;
  return `${symbol} in (${text(stops, first - 1)}, ${text(stops, last)}]`;
}

/**
 * A stop in decimals: as few as represent every stop exactly, else four, and more only where two
 * neighbours would look equal.
 */
export function formatStop(stops: readonly number[], k: number): string {
  const isExact = (stop: number, digits: number) =>
    Math.abs(Number(stop.toFixed(digits)) - stop) < 1e-7;
  const exact = [2, 3].find((digits) => stops.every((stop) => isExact(stop, digits))) ?? 4;
  const gap = Math.min(1, ...stops.slice(1).map((stop, i) => stop - stops[i]));
  const apart = Math.ceil(-Math.log10(gap) - 1e-9);
  return stops[k].toFixed(Math.min(6, Math.max(exact, apart)));
}
