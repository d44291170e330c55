// A slider whose track is the metric curve itself.

import { h, svg } from "./dom";

export interface DialState {
  /** Index of the stop. */
  index: number;
  /** For each model its metric at every stop, 0 … 1; NaN where it is undefined. */
  curves: number[][];
  /** Index of the best stop, -1 for none. */
  best: number;
  /** Pixels at each level, T + 1 of them. */
  histogram: Float64Array;
  /** What a screen reader says of the position. */
  valueText: string;
}

export interface Dial {
  element: HTMLElement;
  input: HTMLInputElement;
  update(state: DialState): void;
}

/** Make a dial over `labels`, the texts of its stops. */
export function createDial(
  labels: readonly string[],
  name: string,
  onInput: (index: number) => void,
  onCommit: () => void,
): Dial {
  const last = labels.length - 1;
  const bars = svg("path", { class: "dial-bars" });
  const lines = svg("g");
  const plot = svg(
    "svg",
    {
      viewBox: `0 0 ${Math.max(last, 1)} 1`,
      preserveAspectRatio: "none",
      "aria-hidden": "true",
    },
    bars,
    lines,
  );
  const star = h("div", { class: "dial-best", "aria-hidden": "true" }, "★");
  const points = h("div");
  const needle = h("div", { class: "dial-needle" });
  const input = h("input", {
    type: "range",
    min: 0,
    max: last,
    step: 1,
    "aria-label": name,
    class: "dial-input",
  });
  input.addEventListener("input", () => onInput(input.valueAsNumber));
  input.addEventListener("change", onCommit);
  const marked = new Set([0, 0.25, 0.5, 0.75, 1].map((at) => Math.round(at * last)));
  const ticks = [...marked].map((k) =>
    h("span", { style: `left: ${(k / Math.max(last, 1)) * 100}%` }, labels[k]),
  );
  const element = h(
    "div",
    { class: "dial" },
    h("div", { class: "dial-plot" }, plot, needle, points, star),
    input,
    h("div", { class: "dial-ticks", "aria-hidden": "true" }, ...ticks),
  );

  const place = (node: HTMLElement, k: number, value: number) => {
    node.style.left = `${(k / Math.max(last, 1)) * 100}%`;
    node.style.top = `${(1 - value) * 100}%`;
    node.hidden = Number.isNaN(value);
  };

  return {
    element,
    input,
    update(state) {
      if (input.valueAsNumber !== state.index) input.valueAsNumber = state.index;
      input.setAttribute("aria-valuetext", state.valueText);
      bars.setAttribute("d", barPath(state.histogram));
      lines.replaceChildren(
        ...state.curves.flatMap((curve, i) => [
          ...(i === 0 ? [svg("path", { class: "dial-fill", d: areaPath(curve) })] : []),
          svg("path", { class: `dial-line model-${i}`, d: linePath(curve) }),
        ]),
      );
      needle.style.left = `${(state.index / Math.max(last, 1)) * 100}%`;
      points.replaceChildren(
        ...state.curves.map((curve, i) => {
          const point = h("div", { class: `dial-point model-${i}` });
          place(point, state.index, curve[state.index]);
          return point;
        }),
      );
      place(star, state.best, state.best < 0 ? Number.NaN : state.curves[0][state.best]);
    },
  };
}

/** A line through what is defined; it breaks where the metric is not. */
export function linePath(values: readonly number[]): string {
  let d = "";
  for (let k = 0; k < values.length; k++) {
    if (Number.isNaN(values[k])) continue;
    d += `${k === 0 || Number.isNaN(values[k - 1]) ? "M" : "L"}${k} ${round(1 - values[k])}`;
  }
  return d;
}

function areaPath(values: readonly number[]): string {
  const filled = values.map((v) => (Number.isNaN(v) ? 0 : v));
  return `${linePath(filled)}L${values.length - 1} 1L0 1Z`;
}

/** Bars between the stops, log-scaled, since the two ends hold nearly all pixels. */
export function barPath(histogram: Float64Array): string {
  const inner = histogram.slice(1, -1);
  const top = Math.log1p(Math.max(...inner, 1));
  let d = "";
  inner.forEach((count, k) => {
    d += `M${k} 1V${round(1 - (0.9 * Math.log1p(count)) / top)}h1V1`;
  });
  return d;
}

function round(value: number): number {
  return Math.round(value * 1e4) / 1e4;
}
