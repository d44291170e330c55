// A slider with curves above its track.

import { h, setText, svg, unspoken } from "../core/dom";

export interface SliderAxis {
  /** The highest value; the lowest is 0. */
  max: number;
  /** Values at which curves have their points; by default 0, 1, 2 … */
  at?: readonly number[];
  /** Labels of some values. */
  ticks: readonly (readonly [value: number, text: string])[];
}

export interface SliderOptions extends SliderAxis {
  name: string;
  step: number | "any";
  input(value: number): void;
  /** The slider was released. */
  commit(): void;
}

export interface SliderState {
  value: number;
  /** A curve for each model, between 0 and 1; NaN where it is undefined. */
  curves: readonly ArrayLike<number>[];
  /** Height of each model's point; NaN for no point. */
  points: readonly number[];
  /** Where each model is best; null for nowhere. */
  bests: readonly ({ value: number; height: number } | null)[];
  /** What the height is, and its value at the top; at the bottom it is 0. */
  y: { name: string; top: string } | null;
  /** Counts below, between and above the curves' points. */
  histogram?: Float64Array;
  /** Band around the first curve: where it would lie for other images. */
  band?: { low: ArrayLike<number>; high: ArrayLike<number> } | null;
  /** The position as text, for screen readers. */
  valueText: string;
}

export interface CurveSlider {
  element: HTMLElement;
  input: HTMLInputElement;
  /** Replace the highest value, the points of curves and the labels. */
  setAxis(axis: SliderAxis): void;
  update(state: SliderState): void;
}

export function createCurveSlider({
  name,
  max,
  step,
  at,
  ticks,
  ...events
}: SliderOptions): CurveSlider {
  let axis: SliderAxis = { max, at, ticks };
  let drawn = "";
  const percent = (value: number) => `${(value / (axis.max || 1)) * 100}%`;
  const plot = svg("svg", { preserveAspectRatio: "none", "aria-hidden": "true" });
  const stars = h("div", { "aria-hidden": "true" });
  const points = h("div");
  const [yName, top, bottom] = [h("div"), h("span"), h("span")];
  const yAxis = unspoken("dial-y", yName, top, bottom);
  const needle = h("div", "dial-needle");
  const input = h("input", {
    type: "range",
    min: 0,
    step,
    "aria-label": name,
    class: "dial-input",
    oninput: () => events.input(input.valueAsNumber),
    onchange: events.commit,
  });
  const marks = unspoken("dial-ticks");
  const element = h(
    "div",
    "dial",
    h("div", "dial-plot", plot, needle, points, stars, yAxis),
    input,
    marks,
  );

  const place = (node: HTMLElement, value: number, height: number) => {
    node.style.left = percent(value);
    node.style.top = `${(1 - height) * 100}%`;
    node.hidden = Number.isNaN(height);
  };

  /** The mark of model `i`, made when it is first placed. */
  const child = (parent: HTMLElement, i: number, name: string, text = "") => {
    if (!parent.children[i]) parent.append(h("div", `${name} model-${i}`, text));
    return parent.children[i] as HTMLElement;
  };

  /** Draw paths, unless they are there. */
  function draw(paths: (readonly [name: string, d: string])[]): void {
    const now = paths.join();
    if (now === drawn) return;
    drawn = now;
    plot.replaceChildren(...paths.map(([name, d]) => svg("path", { class: name, d })));
  }

  function setAxis(to: SliderAxis): void {
    axis = to;
    input.max = String(axis.max);
    plot.setAttribute("viewBox", `0 0 ${axis.max || 1} 1`);
    marks.replaceChildren(...marksAt(axis.ticks, "left", percent));
  }

  setAxis(axis);
  return {
    element,
    input,
    setAxis,
    update({ value, curves, bests, y, histogram, band, valueText, ...state }) {
      const { at } = axis;
      if (input.valueAsNumber !== value) input.valueAsNumber = value;
      input.ariaValueText = valueText;
      draw([
        ["dial-bars", histogram ? barPath(histogram, at) : ""],
        ["dial-band model-0", band ? bandPath(band.low, band.high, at) : ""],
        ["dial-fill model-0", curves[0]?.length ? areaPath(curves[0], at) : ""],
        ...curves.map((curve, i) => [`dial-line model-${i}`, linePath(curve, at)] as const),
      ]);
      needle.style.left = percent(value);
      state.points.forEach((height, i) => {
        place(child(points, i, "dial-point"), value, height);
      });
      bests.forEach((best, i) => {
        place(child(stars, i, "dial-best", "★"), best?.value ?? 0, best?.height ?? Number.NaN);
      });
      setText(yName, y?.name ?? "");
      setText(top, y?.top ?? "");
      setText(bottom, y ? "0" : "");
    },
  };
}

/** Labels along an axis, placed by a function of their values. */
export function marksAt(
  ticks: SliderAxis["ticks"],
  side: "left" | "bottom",
  place: (value: number) => string,
): HTMLElement[] {
  return ticks.map(([value, text]) => {
    const mark = h("span", {}, text);
    mark.style[side] = place(value);
    return mark;
  });
}

/** The stops at each quarter of a dial of `count` stops, with their labels. */
export function quarters(count: number, label: (k: number) => string): [number, string][] {
  const marked = new Set([0, 0.25, 0.5, 0.75, 1].map((at) => Math.round(at * (count - 1))));
  return [...marked].map((k) => [k, label(k)]);
}

type Numbers = ArrayLike<number>;

/** A line through the defined values, interrupted where they are NaN. */
export function linePath(values: Numbers, at?: Numbers): string {
  let d = "";
  let to = "M";
  for (let k = 0; k < values.length; k++) {
    const x = at?.[k] ?? k;
    const isDefined = !Number.isNaN(x + values[k]);
    if (isDefined) d += `${to}${x} ${round(1 - values[k])}`;
    to = isDefined ? "L" : "M";
  }
  return d;
}

function areaPath(values: Numbers, at?: Numbers): string {
  const filled = Array.from(values, (v) => (Number.isNaN(v) ? 0 : v));
  const last = values.length - 1;
  return `${linePath(filled, at)}L${at?.[last] ?? last} 1L${at?.[0] ?? 0} 1Z`;
}

/** The area between two lines, in one part for each range where they are defined. */
export function bandPath(low: Numbers, high: Numbers, at?: Numbers): string {
  let d = "";
  for (let k = 0, start = 0; k <= low.length; k++) {
    if (k < low.length && !Number.isNaN(low[k])) continue;
    const point = (i: number, value: number) => `${at?.[i] ?? i} ${round(1 - value)}`;
    for (let i = start; i < k; i++) d += `${i === start ? "M" : "L"}${point(i, high[i])}`;
    for (let i = k - 1; i >= start; i--) d += `L${point(i, low[i])}`;
    if (k > start) d += "Z";
    start = k + 1;
  }
  return d;
}

/** Bars between the stops on a log scale, without the two ends, which hold nearly all. */
export function barPath(histogram: Float64Array, at?: Numbers): string {
  const inner = histogram.slice(1, -1);
  const top = Math.log1p(Math.max(...inner, 1));
  let d = "";
  inner.forEach((count, k) => {
    d += `M${at?.[k] ?? k} 1V${round(1 - (0.9 * Math.log1p(count)) / top)}H${at?.[k + 1] ?? k + 1}V1`;
  });
  return d;
}

function round(value: number): number {
  return Math.round(value * 1e4) / 1e4;
}
