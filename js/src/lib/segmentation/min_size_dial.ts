// The dial of minimum sizes: a metric at each of them, at the threshold and at their own best one.

import { h } from "../core/dom";
import { bestStop, highestAt, nameOf, type PixelMetric } from "../core/metrics";
import { formatMetric } from "../numbers/metric_text";
import { createCurveSlider } from "../preview/curve_slider";
import type { ModelCounts, Scope } from "./model_counts";
import { sharesOn } from "./pixel_steps";

export interface SizeState {
  /** Index of the size. */
  size: number;
  /** The counts at each size. */
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
      const curves = counts.map(({ track }) => track && scope.curve(track, metric));
      const here = counts.map((of) =>
        of.track ? scope.metric(of.track, metric, at) : sharesOn(scope.histogram(of))[stop],
      );
      const bestAt = curves.map((curve) => (curve ? bestStop(curve) : -1));
      const best = curves.map((curve, k) => curve?.[bestAt[k]] ?? Number.NaN);
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
