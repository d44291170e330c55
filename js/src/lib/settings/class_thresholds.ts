// The own thresholds of classes; [] where no class has one.

import { range } from "../core/metrics";

type Own = readonly (number | null)[];

/** The thresholds with that of one class as it was at first. */
export function resetOne(
  own: Own,
  initial: Own,
  index: number,
  numClasses: number,
): (number | null)[] {
  const each = range(numClasses).map((c) => (c === index ? initial[c] : own[c]) ?? null);
  return each.some((t) => t !== null) ? each : [];
}
