// The dial of minimum sizes: a metric at each of them, at the threshold and at their own best one.

import { h } from "../core/dom";
import { highestAt, nameOf, type PixelMetric } from "../core/metrics";
import { formatMetric } from "../numbers/metric_text";
import { createCurveSlider } from "../preview/curve_slider";
import { curvesOf, metricsAt } from "./metric_curves";
import type { ModelCounts, Scope } from "./model_counts";

export interface SizeState {
  /** Index of the size. */
  size: number;
  /** The counts at each size; the same array until there are other counts. */
  counts: readonly ModelCounts[];
  scope: Scope;
  metric: PixelMetric;
  /** Index of each class's stop, and of the dial's. */
  at: readonly number[];
  stop: number;
  /** A stop as text. */
  text(k: number): string;
}

export function createMinSizeDial(
  sizes: readonly number[],
  symbol: string,
  events: { input(k: number): void; commit(): void },
) {
  const dial = createCurveSlider({
    name: "minimum size",
    max: sizes.length - 1,
    step: 1,
    ticks: sizes.map((size, k) => [k, String(size)] as const),
    ...events,
  });
  const words = h("span");
  const name = h("div", { class: "dial-name" }, h("b", {}, "minimum size"), "  ", words);
  return {
    elements: sizes.length > 1 ? [h("div", "size-dial", name, dial.element)] : [],

    update({ size, counts, scope, metric, at, stop, text }: SizeState): void {
      if (sizes.length === 1) return;
      const { best, bestAt } = curvesOf(scope, metric, counts);
      const here = metricsAt(scope, metric, counts, at, stop);
      const highest = highestAt(best);
      const of = counts[0].track ? nameOf(metric) : "share on";
      const own =
        bestAt[size] < 0
          ? ""
          : `, at its best (${symbol} > ${text(bestAt[size])}) ${formatMetric(best[size])}`;
      words.textContent = `${sizes[size]} pixels: ${of} ${formatMetric(here[size])}${own}`;
      dial.update({
        value: size,
        curves: highest < 0 ? [here] : [here, best],
        points: [here[size]],
        bests: highest < 0 ? [] : [{ value: highest, height: best[highest] }],
        y: { name: of, top: "1" },
        valueText: words.textContent,
      });
    },
  };
}
