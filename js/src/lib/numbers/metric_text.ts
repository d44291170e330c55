// Metrics and counts as text.

import { formatCount } from "../charts/axis_scale";

export function formatMetric(value: number): string {
  return Number.isNaN(value) ? "–" : value.toFixed(3);
}

export function imageCountText(images: number): string {
  return `${formatCount(images)} image${images === 1 ? "" : "s"}`;
}

/** "(+0.003)": how much a metric gains at its best; empty where that is nothing. */
export function gainText(best: number, now: number): string {
  const gain = best - (Number.isNaN(now) ? 0 : now);
  return gain < 0.0005 ? "" : `(+${gain.toFixed(3)})`;
}
