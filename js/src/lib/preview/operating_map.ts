// The operating map: a metric over both dials, with a movable point at their position.

import { pack, VIRIDIS_SCALE, viridis } from "../core/colors";
import { contextOf, h } from "../core/dom";
import { formatStop } from "../core/stops";
import { formatMetric } from "../segmentation/segmentation_text";
import { quarters } from "./curve_slider";

export interface MapState {
  /** The metric (T, S); null while it is being counted. */
  values: ArrayLike<number> | null;
  /** Why it is undefined everywhere, else empty. */
  lacks: string;
  /** Position of the dials: the score from 0 to 1, and the index of the NMS stop. */
  score: number;
  stop: number;
  /** Indices of the best stops. */
  best: { score: number; stop: number } | null;
  /** The metric's name. */
  name: string;
  /** The position as text, for screen readers. */
  valueText: string;
}

export interface MapEvents {
  move(to: { score?: number; stop?: number }): void;
  commit(): void;
}

const COLORS = Array.from({ length: 256 }, (_, i) => pack(viridis(i / 255)));

/** @param of the model, to be named above the map; nothing for a single one. */
export function createOperatingMap(
  stops: readonly number[],
  scores: readonly number[],
  events: MapEvents,
  of: { name: string; swatch: Node[] },
) {
  const numScores = scores.length;
  const numStops = stops.length;
  const canvas = h("canvas", { width: numScores, height: numStops, "aria-hidden": "true" });
  const context = contextOf(canvas);
  const image = context.createImageData(numScores, numStops);
  const star = h("div", { class: "map-best", "aria-hidden": "true" }, "★");
  const point = h("div", "map-point");
  const waiting = h("div", "map-waiting");
  const [lowest, highest, ofMetric] = [h("span"), h("span"), h("span")];
  const ramp = h("i", "ramp");
  ramp.style.background = `linear-gradient(to right, ${VIRIDIS_SCALE.join(", ")})`;
  const reading = h("div", "map-reading");
  const field = h(
    "div",
    {
      class: "map-field",
      role: "slider",
      tabindex: 0,
      "aria-label": `operating map, score and NMS IoU${of.name && `, ${of.name}`}`,
      "aria-valuemin": 0,
      "aria-valuemax": 1,
    },
    canvas,
    star,
    point,
    waiting,
  );
  const element = h(
    "div",
    "map",
    h("div", "map-name", ...of.swatch),
    h("div", { class: "map-y", "aria-hidden": "true" }, "NMS IoU →"),
    ticks("map-rows", "bottom", stops, (k) => formatStop(stops, k)),
    field,
    ticks("map-ticks", "left", scores, (k) => formatStop(scores, k)),
    h("div", { class: "map-x", "aria-hidden": "true" }, "score →"),
    h("div", "map-scale", ofMetric, lowest, ramp, highest),
    reading,
  );
  let painted: ArrayLike<number> | null = null;
  let metric = "";

  const index = (at: number, count: number) => Math.min(Math.max(at * count - 0.5, 0), count - 1);
  /** Position of a score among the stops; `scoreAt` is its inverse. */
  const placeOf = (score: number) => {
    const after = scores.findIndex((stop) => stop > score);
    const k = Math.max(after < 0 ? scores.length - 1 : after - 1, 0);
    const next = scores[k + 1] ?? Number.POSITIVE_INFINITY;
    return k + Math.max(score - scores[k], 0) / (next - scores[k]);
  };
  const scoreAt = (place: number) => {
    const k = Math.floor(place);
    return scores[k] + (place - k) * ((scores[k + 1] ?? scores[k]) - scores[k]);
  };

  const place = (node: HTMLElement, score: number, stop: number) => {
    node.style.left = `${100 * fraction(score, numScores)}%`;
    node.style.bottom = `${100 * fraction(stop, numStops)}%`;
  };

  /** Where the pointer is; both may lie between stops. */
  const under = (e: PointerEvent) => {
    const box = field.getBoundingClientRect();
    return {
      score: index((e.clientX - box.left) / box.width, numScores),
      stop: Math.round(index((box.bottom - e.clientY) / box.height, numStops)),
    };
  };
  const aim = (e: PointerEvent) => {
    const { score, stop } = under(e);
    events.move({ score: scoreAt(score), stop });
  };
  /** Say the value under the pointer. */
  const read = (e: PointerEvent) => {
    const { score, stop } = under(e);
    const s = Math.round(score);
    const value = painted?.[stop * numScores + s] ?? Number.NaN;
    const at = `score ${formatStop(scores, s)}, NMS IoU ${formatStop(stops, stop)}`;
    reading.textContent = `${metric} ${formatMetric(value)} at ${at}`;
  };
  field.addEventListener("pointerdown", (e) => {
    if (e.button !== 0) return;
    field.setPointerCapture(e.pointerId);
    aim(e);
  });
  field.addEventListener("pointermove", (e) => {
    if (field.hasPointerCapture(e.pointerId)) aim(e);
    read(e);
  });
  field.addEventListener("pointerleave", () => {
    reading.textContent = "";
  });
  field.addEventListener("lostpointercapture", events.commit);

  function paint(values: ArrayLike<number>): void {
    const [low, high] = extent(values);
    const out = new Uint32Array(image.data.buffer);
    for (let k = 0; k < numStops; k++) {
      for (let s = 0; s < numScores; s++) {
        const value = values[k * numScores + s];
        const share = high > low ? (value - low) / (high - low) : 1;
        const color = Number.isNaN(value) ? 0 : COLORS[Math.round(255 * share)];
        out[(numStops - 1 - k) * numScores + s] = color;
      }
    }
    context.putImageData(image, 0, 0);
    lowest.textContent = Number.isFinite(low) ? low.toFixed(2) : "–";
    highest.textContent = Number.isFinite(high) ? high.toFixed(2) : "–";
  }

  return {
    element,
    field,
    update({ values, lacks, score, stop, best, name, valueText }: MapState): void {
      waiting.hidden = values !== null && !lacks;
      waiting.textContent = lacks || "counting …";
      metric = name;
      ofMetric.textContent = name;
      if (values && values !== painted) paint(values);
      painted = values;
      field.title = `${name} over score and NMS IoU: drag the point`;
      field.setAttribute("aria-valuenow", String(score));
      field.setAttribute("aria-valuetext", valueText);
      place(point, placeOf(score), stop);
      star.hidden = best === null;
      if (best) place(star, best.score, best.stop);
    },
  };
}

/** The middle of the column or row of stop k, as a fraction; k may lie between stops. */
function fraction(k: number, count: number): number {
  return (k + 0.5) / count;
}

/** Labels at each quarter of an axis. */
function ticks(
  name: string,
  side: "left" | "bottom",
  at: readonly number[],
  textOf: (k: number) => string,
): HTMLElement {
  const marks = quarters(at.map((_, k) => textOf(k))).map(([k, text]) => {
    const mark = h("span", {}, text);
    mark.style[side] = `${100 * fraction(k, at.length)}%`;
    return mark;
  });
  return h("div", { class: name, "aria-hidden": "true" }, ...marks);
}

/** The lowest and the highest defined value. */
function extent(values: ArrayLike<number>): [number, number] {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < values.length; i++) {
    if (values[i] < low) low = values[i];
    if (values[i] > high) high = values[i];
  }
  return [low, high];
}
