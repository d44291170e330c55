// The operating map: a metric over both dials, with a movable point at their position.

import { clamp } from "../core/clamp";
import { pack, VIRIDIS_SCALE, viridis } from "../core/colors";
import { contextOf, h, setText, unspoken } from "../core/dom";
import { definedOf } from "../core/metrics";
import { formatMetric } from "../numbers/metric_text";
import { marksAt, quarters } from "./curve_slider";
import { dialKeys, type KeyActions } from "./grid_keys";

/** One of the two dials. */
export interface MapAxis {
  name: string;
  /** Its stops, increasing. */
  at: readonly number[];
  /** A stop as text. */
  text(k: number): string;
}

export interface MapState {
  /** The metric at each stop of y and x, row by row; null while it is being counted. */
  values: ArrayLike<number> | null;
  /** Why it is undefined everywhere, else empty. */
  lacks: string;
  /** Position of the dials: a value of x, which may lie between its stops, and the index of y. */
  x: number;
  y: number;
  /** Indices of the best stops. */
  best: { x: number; y: number } | null;
  /** The metric's name. */
  name: string;
  /** The position as text, for screen readers. */
  valueText: string;
}

export interface MapEvents {
  /** To a value of x, to the index of a stop of y, or to both. */
  move(to: { x?: number; y?: number }): void;
  commit(): void;
}

const COLORS = Array.from({ length: 256 }, (_, i) => pack(viridis(i / 255)));

/** @param model its swatch, to stand above the map; null for a single one. */
export function createOperatingMap(
  xAxis: MapAxis,
  yAxis: MapAxis,
  events: MapEvents,
  model: HTMLElement | null = null,
) {
  const columns = xAxis.at.length;
  let rows = yAxis.at.length;
  const canvas = h("canvas", { width: columns, "aria-hidden": "true" });
  const context = contextOf(canvas);
  const star = unspoken("map-best", "★");
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
      "aria-label": `operating map, ${xAxis.name} and ${yAxis.name}${model ? `, ${model.title}` : ""}`,
      "aria-valuemin": 0,
      "aria-valuemax": 1,
    },
    canvas,
    star,
    point,
    waiting,
  );
  const yTicks = unspoken("map-rows");
  const element = h(
    "div",
    "map",
    h("div", "map-name", model ?? ""),
    unspoken("map-y", `${yAxis.name} →`),
    yTicks,
    field,
    unspoken("map-ticks", ...ticks("left", xAxis)),
    unspoken("map-x", `${xAxis.name} →`),
    h("div", "map-scale", ofMetric, lowest, ramp, highest),
    reading,
  );
  let painted: ArrayLike<number> | null = null;
  let now = { x: 0, y: 0 };

  const index = (at: number, count: number) => clamp(at * count - 0.5, 0, count - 1);
  /** Position of a value among the stops of x; `valueAt` is its inverse. */
  const placeOf = (value: number) => {
    const { at } = xAxis;
    const after = at.findIndex((stop) => stop > value);
    const k = Math.max(after < 0 ? columns - 1 : after - 1, 0);
    const next = at[k + 1] ?? Number.POSITIVE_INFINITY;
    return k + Math.max(value - at[k], 0) / (next - at[k]);
  };
  const valueAt = (place: number) => {
    const { at } = xAxis;
    const k = Math.floor(place);
    return at[k] + (place - k) * ((at[k + 1] ?? at[k]) - at[k]);
  };

  const place = (node: HTMLElement, column: number, row: number) => {
    node.style.left = middle(columns)(column);
    node.style.bottom = middle(rows)(row);
  };

  /** Where the pointer is; the column may lie between stops. */
  const under = (e: PointerEvent) => {
    const box = field.getBoundingClientRect();
    return {
      column: index((e.clientX - box.left) / box.width, columns),
      row: Math.round(index((box.bottom - e.clientY) / box.height, rows)),
    };
  };
  const aim = (e: PointerEvent) => {
    const { column, row } = under(e);
    events.move({ x: valueAt(column), y: row });
  };
  /** Say the value under the pointer. */
  const read = (e: PointerEvent) => {
    const { column, row } = under(e);
    const k = Math.round(column);
    const value = painted?.[row * columns + k] ?? Number.NaN;
    const at = `${xAxis.name} ${xAxis.text(k)}, ${yAxis.name} ${yAxis.text(row)}`;
    reading.textContent = `${ofMetric.textContent} ${formatMetric(value)} at ${at}`;
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
    const image = context.createImageData(columns, rows);
    const out = new Uint32Array(image.data.buffer);
    for (let row = 0; row < rows; row++) {
      for (let k = 0; k < columns; k++) {
        const value = values[row * columns + k];
        const share = high > low ? (value - low) / (high - low) : 1;
        const color = Number.isNaN(value) ? 0 : COLORS[Math.round(255 * share)];
        out[(rows - 1 - row) * columns + k] = color;
      }
    }
    context.putImageData(image, 0, 0);
    lowest.textContent = Number.isFinite(low) ? low.toFixed(2) : "–";
    highest.textContent = Number.isFinite(high) ? high.toFixed(2) : "–";
  }

  /** Replace the stops of y. */
  function setRows(axis: MapAxis): void {
    yAxis = axis;
    rows = axis.at.length;
    canvas.height = rows; // and clears it
    painted = null;
    yTicks.replaceChildren(...ticks("bottom", axis));
  }

  setRows(yAxis);
  return {
    element,
    setRows,
    update({ values, lacks, x, y, best, name, valueText }: MapState): void {
      now = { x, y };
      waiting.hidden = values !== null && !lacks;
      setText(waiting, lacks || "counting …");
      setText(ofMetric, name);
      if (values && values !== painted) paint(values);
      painted = values;
      field.title = `${name} over ${xAxis.name} and ${yAxis.name}: drag the point`;
      field.ariaValueNow = String(x);
      field.ariaValueText = valueText;
      place(point, placeOf(x), y);
      star.hidden = best === null;
      if (best) place(star, best.x, best.y);
    },

    /** Key actions while it has the focus. */
    actions: (focus: EventTarget | null): KeyActions =>
      focus === field
        ? dialKeys(
            (by) => events.move({ x: valueAt(clamp(placeOf(now.x) + by, 0, columns - 1)) }),
            (by) => events.move({ y: clamp(now.y + by, 0, rows - 1) }),
          )
        : {},
  };
}

/** The middle of the column or row of stop k; k may lie between stops. */
const middle = (count: number) => (k: number) => `${(100 * (k + 0.5)) / count}%`;

/** Labels at each quarter of an axis. */
const ticks = (side: "left" | "bottom", { at, text }: MapAxis) =>
  marksAt(quarters(at.length, text), side, middle(at.length));

/** The lowest and the highest defined value. */
function extent(values: ArrayLike<number>): [number, number] {
  const defined = definedOf(values);
  const by = (choose: typeof Math.min, first: number) =>
    defined.reduce((a, b) => choose(a, b), first);
  return [by(Math.min, Number.POSITIVE_INFINITY), by(Math.max, Number.NEGATIVE_INFINITY)];
}
