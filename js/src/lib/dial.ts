// A slider whose track is a curve.

import { h, svg } from "./dom";

export interface DialOptions {
  name: string;
  /** The highest value; the lowest is 0. */
  max: number;
  step: number | "any";
  /** Texts of some values. */
  ticks: readonly (readonly [value: number, text: string])[];
  input(value: number): void;
  /** The hand has left the dial. */
  commit(): void;
}

export interface DialState {
  value: number;
  /** For each model a curve of evenly spaced points, 0 … 1; NaN where it is undefined. */
  curves: readonly ArrayLike<number>[];
  /** For each model how high its point stands; NaN for no point. */
  points: readonly number[];
  /** Where the first curve is highest. */
  best: { value: number; height: number } | null;
  /** How many there are below, between and above evenly spaced stops. */
  histogram?: Float64Array;
  /** Around the first curve: where it would lie for other images. */
  band?: { low: ArrayLike<number>; high: ArrayLike<number> } | null;
  /** What a screen reader says of the position. */
  valueText: string;
}

export interface Dial {
  element: HTMLElement;
  input: HTMLInputElement;
  update(state: DialState): void;
}

export function createDial({ name, max, step, ticks, ...events }: DialOptions): Dial {
  const percent = (value: number) => `${(value / Math.max(max, Number.MIN_VALUE)) * 100}%`;
  const bars = svg("path", { class: "dial-bars" });
  const lines = svg("g");
  const plot = svg("svg", { preserveAspectRatio: "none", "aria-hidden": "true" }, bars, lines);
  const star = h("div", { class: "dial-best", "aria-hidden": "true" }, "★");
  const points = h("div");
  const needle = h("div", { class: "dial-needle" });
  const input = h("input", {
    type: "range",
    min: 0,
    max,
    step,
    "aria-label": name,
    class: "dial-input",
  });
  input.addEventListener("input", () => events.input(input.valueAsNumber));
  input.addEventListener("change", events.commit);
  const marks = ticks.map(([value, text]) => h("span", { style: `left: ${percent(value)}` }, text));
  const element = h(
    "div",
    { class: "dial" },
    h("div", { class: "dial-plot" }, plot, needle, points, star),
    input,
    h("div", { class: "dial-ticks", "aria-hidden": "true" }, ...marks),
  );

  const place = (node: HTMLElement, value: number, height: number) => {
    node.style.left = percent(value);
    node.style.top = `${(1 - height) * 100}%`;
    node.hidden = Number.isNaN(height);
  };

  return {
    element,
    input,
    update({ value, curves, best, histogram, band, valueText, ...state }) {
      if (input.valueAsNumber !== value) input.valueAsNumber = value;
      input.setAttribute("aria-valuetext", valueText);
      const stops = histogram ? histogram.length - 1 : (curves[0]?.length ?? 2);
      plot.setAttribute("viewBox", `0 0 ${Math.max(stops - 1, 1)} 1`);
      bars.setAttribute("d", histogram ? barPath(histogram) : "");
      lines.replaceChildren(
        ...(band ? [svg("path", { class: "dial-band", d: bandPath(band.low, band.high) })] : []),
        ...curves.flatMap((curve, i) => [
          ...(i === 0 ? [svg("path", { class: "dial-fill", d: areaPath(curve) })] : []),
          svg("path", { class: `dial-line model-${i}`, d: linePath(curve) }),
        ]),
      );
      needle.style.left = percent(value);
      points.replaceChildren(
        ...state.points.map((height, i) => {
          const point = h("div", { class: `dial-point model-${i}` });
          place(point, value, height);
          return point;
        }),
      );
      place(star, best?.value ?? 0, best?.height ?? Number.NaN);
    },
  };
}

/** Every fourth of a dial's stops with its text. */
export function quarters(labels: readonly string[]): [number, string][] {
  const last = labels.length - 1;
  const marked = new Set([0, 0.25, 0.5, 0.75, 1].map((at) => Math.round(at * last)));
  return [...marked].map((k) => [k, labels[k]]);
}

/** A line through what is defined; it breaks where the metric is not. */
export function linePath(values: ArrayLike<number>): string {
  let d = "";
  for (let k = 0; k < values.length; k++) {
    if (Number.isNaN(values[k])) continue;
    d += `${k === 0 || Number.isNaN(values[k - 1]) ? "M" : "L"}${k} ${round(1 - values[k])}`;
  }
  return d;
}

function areaPath(values: ArrayLike<number>): string {
  const filled = Array.from(values, (v) => (Number.isNaN(v) ? 0 : v));
  return `${linePath(filled)}L${values.length - 1} 1L0 1Z`;
}

/** The strip between two lines, one part for each stretch where they are defined. */
export function bandPath(low: ArrayLike<number>, high: ArrayLike<number>): string {
  let d = "";
  for (let k = 0, start = 0; k <= low.length; k++) {
    if (k < low.length && !Number.isNaN(low[k])) continue;
    for (let i = start; i < k; i++) d += `${i === start ? "M" : "L"}${i} ${round(1 - high[i])}`;
    for (let i = k - 1; i >= start; i--) d += `L${i} ${round(1 - low[i])}`;
    if (k > start) d += "Z";
    start = k + 1;
  }
  return d;
}

/** Bars between the stops, log-scaled, since the two ends hold nearly all. */
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
