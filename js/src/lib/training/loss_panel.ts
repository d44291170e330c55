// One panel of the loss plot: a line of names with their values, and a chart below.

import {
  formatCount,
  formatSeconds,
  formatTick,
  formatValue,
  type Limits,
} from "../charts/axis_scale";
import type { Curve, Mark, Picture } from "../charts/chart_picture";
import { type Choice, Entry } from "../charts/legend_choice";
import { Chart, type ChartEvents } from "../charts/line_chart";
import type { Ink } from "../charts/line_colors";
import { higherIsBetter, type Name } from "../charts/scalar_names";
import { type Axis, cut, nearest } from "../charts/scalar_track";
import { marksBeyond, yLimits } from "../charts/y_range";
import { button, h } from "../core/dom";
import type { Chosen } from "../live/run_store";
import { tableOf } from "./csv_table";
import { createEnlarging, createSaving, type SavedChart } from "./panel_tools";
import type { ScalarLine } from "./scalar_line";

const MOST_VALUES = 12; // beside the cursor

export interface PanelSettings {
  window: Limits;
  key: string;
  axis: Axis;
  width: number;
  height: number;
  lines: Picture["lines"];
  withOutliers: boolean;
}

interface PanelEvents extends ChartEvents {
  changed(): void;
}

export class LossPanel {
  readonly #title: string;
  readonly #choice: Choice;
  readonly #events: PanelEvents;
  readonly #entries = new Map<string, Entry>();
  readonly #legend = h("div", { class: "entries" });
  readonly #tooltip = h("div", { class: "tooltip", hidden: true, "aria-hidden": "true" });
  readonly #place = h("div", { class: "chart-place" }, this.#tooltip);
  #isPointed = false;
  readonly #toLog = button("log", "Logarithmic axis", () => {
    const { logs, yLocks } = this.#chosen;
    if (!logs.delete(this.#title)) logs.add(this.#title);
    yLocks.delete(this.#title);
    this.#events.changed();
  });
  readonly #toLock = button("lock y", "Keep these limits of the y axis while values come", () =>
    this.#lock(this.#chosen.yLocks.has(this.#title) ? null : this.#y),
  );
  readonly #head: HTMLElement;
  readonly #large: ReturnType<typeof createEnlarging>;
  readonly element: HTMLElement;
  readonly #chosen: Pick<Chosen, "logs" | "yLocks">;
  #y: Limits = [0, 1];
  #chart: Chart | null = null;
  #axes = ""; // of the chart, which another view of the widget changes, too
  #scalars: ScalarLine[] = [];
  /** Whether it is on screen; what is not there yet is drawn when it comes. */
  #seen: boolean;
  #late = false;
  readonly #sight = new IntersectionObserver((entries) => {
    this.#seen = entries[entries.length - 1].isIntersecting;
    if (this.#seen && this.#late) this.#events.changed();
  });

  /** `seen` says whether to draw it before its visibility was observed. */
  constructor(
    title: string,
    choice: Choice,
    chosen: Pick<Chosen, "logs" | "yLocks">,
    seen: boolean,
    events: PanelEvents,
  ) {
    this.#seen = seen;
    this.#title = title;
    this.#choice = choice;
    this.#chosen = chosen;
    this.#events = events;
    this.#head = h("div", { class: "panel-head" }, this.#legend);
    this.element = h("div", { class: "panel" }, this.#head, this.#place);
    this.#large = createEnlarging(this.element, title, events.changed);
    const saving = createSaving(title, () => this.#saved());
    this.#head.append(this.#toLog, this.#toLock, saving, this.#large.toggle);
    this.element.dataset.panel = title;
    this.#sight.observe(this.element);
  }

  get #log(): boolean {
    return this.#chosen.logs.has(this.#title);
  }

  /** Keep limits of the y axis; null for those of the values. */
  #lock(limits: Limits | null): void {
    if (limits) this.#chosen.yLocks.set(this.#title, limits);
    else this.#chosen.yLocks.delete(this.#title);
    this.#events.changed();
  }

  #saved(): SavedChart | null {
    if (!this.#chart) return null;
    const { drawing } = this.#chart;
    const scalars = this.#shown();
    const names = scalars.map(({ label, name, hue }) => ({
      text: label,
      color: drawing.ink.curve(hue),
      dash: dashOf(name),
    }));
    return { title: this.#title, drawing, names, table: () => tableOf(scalars) };
  }

  #drop(): void {
    this.#chart?.dispose();
    this.#chart = null;
  }

  dispose(): void {
    this.#sight.disconnect();
    this.#chart?.dispose();
    this.element.remove();
  }

  update(scalars: ScalarLine[], settings: PanelSettings, ink: Ink): void {
    this.#scalars = scalars;
    const size = this.#large.size(this.#head);
    const [width, height] = size ?? [settings.width, settings.height];
    this.#place.style.height = `${height}px`; // where it will be, so that all keep their places
    this.#late = !this.#seen;
    if (this.#late && this.#legend.firstChild) return;
    this.#updateLegend(ink);
    if (this.#late) return;
    this.#toLog.ariaPressed = String(this.#log);
    this.#toLock.ariaPressed = String(this.#chosen.yLocks.has(this.#title));
    const axes = `${settings.axis}, ${this.#log ? "log" : "linear"}`;
    if (this.#axes !== axes) this.#drop();
    this.#axes = axes;
    this.#chart ??= this.#newChart(settings, ink);
    this.#chart.draw(this.#picture(settings, ink), ink, width, height);
  }

  /** Show values at `x` instead of the last ones; null for the last. `words` say where that is. */
  hover(x: number | null, words = ""): void {
    this.#late ||= !this.#seen;
    if (this.#late) return;
    for (const scalar of this.#scalars) {
      this.#entries.get(scalar.id)?.setValue(valueAt(scalar, x));
    }
    this.#drawTooltip(x, words);
  }

  /** As they are read: this run first; they are drawn the other way round. */
  #inOrder(): ScalarLine[] {
    return [...this.#scalars].sort((a, b) => a.hue - b.hue);
  }

  /** The values of all that is shown, in words. */
  valuesAt(x: number): string[] {
    return this.#shown().map((scalar) => `${scalar.label} ${valueAt(scalar, x)}`);
  }

  #shown(): ScalarLine[] {
    return this.#inOrder().filter(({ name }) => this.#choice.has(name.full));
  }

  /** Beside the cursor, in the chart that is pointed at. */
  #drawTooltip(x: number | null, words: string): void {
    const here = x !== null && this.#isPointed && this.#chart !== null;
    this.#tooltip.hidden = !here;
    if (!here || !this.#chart) return;
    const left = this.#chart.leftOf(x);
    const width = this.#place.clientWidth;
    const right = left > width / 2;
    this.#tooltip.style.left = right ? "" : `${left + 10}px`;
    this.#tooltip.style.right = right ? `${width - left + 10}px` : "";
    const values = this.valuesAt(x);
    const more = values.splice(MOST_VALUES).length;
    const lines = [words, ...values, ...(more ? [`and ${more} more, in the legend`] : [])];
    this.#tooltip.replaceChildren(...lines.map((text) => h("div", {}, text)));
  }

  /** Draw the cursor where another view is pointed at; null for nowhere. */
  setCursor(x: number | null): void {
    this.#chart?.setCursor(x);
  }

  #newChart(settings: PanelSettings, ink: Ink): Chart {
    const { key, axis, height } = settings;
    const label = `${this.#title} by ${axis}`;
    const formatX = axis === "time" ? formatSeconds : formatTick;
    const options = { height, log: this.#log, key, formatX, wholeX: axis === "step", label };
    const chart = new Chart(ink, options, {
      ...this.#events,
      zoomY: (limits) => this.#lock(limits),
      hover: (at) => {
        this.#isPointed = at !== null;
        this.#events.hover(at);
      },
    });
    this.#place.append(chart.element);
    return chart;
  }

  #picture(settings: PanelSettings, ink: Ink): Picture {
    const { window, width, lines, withOutliers } = settings;
    const shown = this.#scalars.filter(({ name }) => this.#choice.has(name.full));
    const curves: Curve[] = [];
    const pieces = shown.map(({ near }) => cut(near.x, near.y, window, width));
    const steady = shown.every(({ schedule }) => schedule);
    const y =
      this.#chosen.yLocks.get(this.#title) ??
      yLimits(pieces, window, this.#log, withOutliers || steady);
    this.#y = y;
    for (const [i, scalar] of shown.entries()) {
      const raw = pieces[i];
      const color = ink.curve(scalar.hue);
      const dash = dashOf(scalar.name);
      const { near, nearSmooth } = scalar;
      if (nearSmooth) {
        const fair = cut(near.x, nearSmooth, window, width);
        curves.unshift({ ...raw, color: ink.pale(scalar.hue), width: 1, dash: [] });
        curves.push({ ...fair, color, width: scalar.earlier ? 1.25 : 1.75, dash });
      } else curves.push({ ...raw, color, width: scalar.earlier ? 1 : 1.25, dash });
    }
    const beyond = shown.map(({ hue }, i) => ({ ...pieces[i], color: ink.curve(hue) }));
    const marks: Mark[] = marksBeyond(beyond, y, window, width);
    for (const scalar of shown) {
      const at = this.#best(scalar);
      const { x, y } = scalar.track;
      if (at >= 0) marks.push({ x: x[at], y: y[at], color: ink.curve(scalar.hue), sign: "best" });
    }
    return { x: window, y, curves, marks, lines };
  }

  /** Index of the best point, where that is worth a mark: of held-out data, if there is any. */
  #best(scalar: ScalarLine): number {
    const anyHeld = this.#scalars.some(({ name }) => name.held);
    return scalar.earlier || (anyHeld && !scalar.name.held) ? -1 : bestOf(scalar);
  }

  #updateLegend(ink: Ink): void {
    const scalars = this.#inOrder();
    for (const scalar of scalars) {
      const { full } = scalar.name;
      let entry = this.#entries.get(scalar.id);
      if (!entry) {
        entry = new Entry((alone) => {
          if (alone)
            this.#choice.isolate(
              full,
              this.#scalars.map(({ name }) => name.full),
            );
          else this.#choice.toggle(full);
          this.#events.changed();
        });
        this.#entries.set(scalar.id, entry);
      }
      entry.update({
        name: scalar.label,
        color: ink.curve(scalar.hue),
        dashed: scalar.name.held,
        shown: this.#choice.has(full),
        value: valueAt(scalar, null),
        title: titleOf(scalar),
      });
    }
    const elements = scalars.map(({ id }) => (this.#entries.get(id) as Entry).element);
    const same = elements.every((element, i) => this.#legend.children[i] === element);
    if (!same || this.#legend.children.length !== elements.length) {
      this.#legend.replaceChildren(...elements);
    }
  }
}

/** Dashes of what was measured on data that is not trained on. */
function dashOf({ held }: Name): number[] {
  return held ? [6, 3] : [];
}

/** Index of the best point of a scalar whose name says which end is better, else -1. */
export function bestOf({ name, track }: ScalarLine): number {
  const highest = higherIsBetter(name.full);
  if (highest === null) return -1;
  const sign = highest ? 1 : -1;
  let best = -1;
  for (let i = 0; i < track.y.length; i++) {
    if (!Number.isFinite(track.y[i])) continue;
    if (best < 0 || sign * track.y[i] > sign * track.y[best]) best = i;
  }
  return best;
}

/** The last value, or the one nearest to `x` with its smoothed one, from the finest there is. */
function valueAt({ track, near, nearSmooth }: ScalarLine, x: number | null): string {
  if (x === null) return track.y.length ? formatValue(track.y[track.y.length - 1]) : "–";
  const at = nearest(near.x, x);
  if (at < 0) return "–";
  const raw = formatValue(near.y[at]);
  return nearSmooth ? `${raw} (${formatValue(nearSmooth[at])})` : raw;
}

function titleOf(scalar: ScalarLine): string {
  const { name, run, track } = scalar;
  const parts = [`${name.full}, ${run}: ${formatCount(track.y.length)} points here`];
  const best = bestOf(scalar);
  if (best >= 0) {
    const end = higherIsBetter(name.full) ? "highest" : "lowest";
    parts.push(`${end} ${formatValue(track.y[best])} at step ${formatCount(track.steps[best])}`);
  }
  return parts.join("\n");
}
