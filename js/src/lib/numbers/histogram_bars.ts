// The histogram of levels as bars that are clicked to see the pictures that they count.

import { formatCount } from "../charts/axis_scale";
import { h } from "../core/dom";
import { range } from "../core/metrics";
import { formatStop, intervalOf } from "../core/stops";

const MOST_BINS = 20;

/** The levels from `first` to `last`, and what they count. */
export interface Bin {
  first: number;
  last: number;
  count: number;
  text: string;
}

/** Bins of levels 0 … T: the two ends by themselves, what is between in at most 20. */
export function binsOf(
  histogram: ArrayLike<number>,
  stops: readonly number[],
  symbol: string,
  textOfStop = formatStop,
): Bin[] {
  const last = stops.length;
  const width = Math.ceil((last - 1) / MOST_BINS);
  const inner = range(Math.ceil((last - 1) / width || 0)).map((i) => 1 + i * width);
  return [0, ...inner, last].flatMap((first) => {
    const end = first === 0 || first === last ? first : Math.min(first + width, last) - 1;
    const levels = range(end - first + 1).map((i) => histogram[first + i]);
    const count = levels.reduce((sum, v) => sum + v, 0);
    const isEnd = first === 0 || first === last;
    if (isEnd && count === 0) return [];
    return [{ first, last: end, count, text: intervalOf(stops, first, end, symbol, textOfStop) }];
  });
}

export function createHistogramBars(unit: string, choose: (bin: Bin) => void) {
  const bars = h("div", "bins");
  const axis = h("div", "foot");
  let bins: readonly Bin[] = [];
  bars.addEventListener("click", (e) => {
    const at = (e.target as Element).closest<HTMLElement>("[data-bin]");
    if (at) choose(bins[Number(at.dataset.bin)]);
  });
  return {
    element: h("div", {}, bars, axis),
    update(next: readonly Bin[]): void {
      while (bars.children.length > next.length) bars.lastChild?.remove();
      while (bars.children.length < next.length) {
        bars.append(h("button", { class: "bin", "data-bin": bars.children.length }, h("i")));
      }
      bins = next;
      const top = Math.log1p(Math.max(1, ...next.map(({ count }) => count)));
      next.forEach(({ count, text }, i) => {
        const bar = bars.children[i] as HTMLButtonElement;
        const words = `${text}: ${formatCount(count)} ${unit}`;
        bar.title = words;
        bar.ariaLabel = words;
        bar.disabled = count === 0;
        (bar.firstChild as HTMLElement).style.height = `${(100 * Math.log1p(count)) / top}%`;
      });
      axis.textContent = `${next[0]?.text} … ${next[next.length - 1]?.text}, ${unit} on a log scale`;
    },
  };
}
