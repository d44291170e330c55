// Smoothing: an exponential moving average over the step, free of the pull of its beginning.

/** A run is seen in this many parts: points closer than one of them count less than a whole step of
 * the average, so that a thinned copy of a curve is smoothed like the curve itself. */
const PARTS = 1000;

/** Average `values`: the one before weighs `strength` (0 … 1) times as much, and so on back.
 *
 * Values that are not finite stay what they are and do not enter. */
export function smooth(
  steps: ArrayLike<number>,
  values: ArrayLike<number>,
  strength: number,
  range: number,
): Float64Array {
  const out = new Float64Array(values.length);
  let sum = 0;
  let weight = 0;
  let last = Number.NaN;
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i])) {
      out[i] = values[i];
      continue;
    }
    const apart = Number.isNaN(last) ? 0 : Math.abs(steps[i] - last);
    const decay = range > 0 ? strength ** Math.min((PARTS * apart) / range, 1) : strength;
    sum = sum * decay + values[i];
    weight = weight * decay + 1;
    last = steps[i];
    out[i] = sum / weight;
  }
  return out;
}
