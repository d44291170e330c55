// Lines over the steps on a log axis: chosen layers, or the total.

import { formatCount, formatTick, formatValue, type Limits, limitsOf } from "../charts/axis_scale";
import type { Curve } from "../charts/chart_picture";
import { type Columns, MISSING } from "../charts/layer_columns";
import { Choice, Entry } from "../charts/legend_choice";
import { Chart } from "../charts/line_chart";
import type { Ink } from "../charts/line_colors";
import { cut, Epochs, type Piece, trackOf } from "../charts/scalar_track";
import { marksBeyond } from "../charts/y_range";
import { h } from "../core/dom";
import type { Run } from "../live/run_store";

const HEIGHT = 220;
const BUCKETS = 600;
let charts = 0;

export interface Line extends Piece {
  name: string;
  /** The steps at which there is a value, which may be NaN; without it, all. */
  known?: Piece;
}

export interface LinesEvents {
  changed(): void;
  say(text: string): void;
  /** A window of steps was chosen, null for the whole run. */
  zoom(steps: Limits | null): void;
  /** A step is pointed at, null for none. */
  hover(step: number | null): void;
  choose(step: number): void;
}

export class LinesView {
  readonly #events: LinesEvents;
  readonly #choice = new Choice();
  readonly #chosen = new Set<string>();
  readonly #entries = new Map<string, Entry>();
  readonly #legend = h("div", { class: "entries" });
  readonly #more = h("select", { class: "select", "aria-label": "add a layer" });
  readonly element = h(
    "div",
    { class: "panel" },
    h("div", { class: "panel-head" }, this.#legend, this.#more),
  );
  readonly #key = `torchdial-lines-${++charts}`;
  #chart: Chart | null = null;
  #names: string[] = [];

  constructor(events: LinesEvents) {
    this.#events = events;
    this.#more.addEventListener("change", () => {
      this.#chosen.add(this.#more.value);
      this.#more.value = "";
      events.changed();
    });
  }

  dispose(): void {
    this.#chart?.dispose();
  }

  /** Take the layers that can be chosen; at first the ends and the middle are. */
  setNames(names: string[]): void {
    this.#names = names;
    const options = names.map((name) => h("option", { value: name }, name));
    this.#more.replaceChildren(h("option", { value: "" }, "add a layer"), ...options);
    if (this.#chosen.size) return;
    const last = names.length - 1;
    for (const i of [0, last >> 1, last]) this.#chosen.add(names[i]);
  }

  /** Draw the cursor at a step, null for nowhere. */
  setCursor(step: number | null): void {
    this.#chart?.setCursor(step);
  }

  /** Draw the chosen layers' rows of a matrix. */
  drawLayers(
    columns: Columns | undefined,
    extra: string | null,
    window: Limits,
    step: number | null,
    ink: Ink,
    band?: Limits,
  ): void {
    const x = Float64Array.from(columns?.steps ?? []);
    const names = new Set(extra === null ? this.#chosen : [...this.#chosen, extra]);
    const lines = [...names]
      .filter((name) => this.#names.includes(name))
      .map((name) => {
        const row = columns?.names.indexOf(name) ?? -1;
        const y = Float64Array.from(x, (_, k) => columns?.value(row, k) ?? MISSING);
        return lineOf(name, x, y, (k) => y[k] !== MISSING);
      });
    this.#more.hidden = false;
    this.#draw(lines, window, step, ink, band);
  }

  /** Draw the norm of all gradients of a run, and where it is clipped, what is left of it. */
  drawTotal(run: Run | undefined, window: Limits, step: number | null, ink: Ink): void {
    this.#more.hidden = true;
    this.#draw(totalsOf(run), window, step, ink);
  }

  #draw(lines: Line[], window: Limits, step: number | null, ink: Ink, band?: Limits): void {
    const x: Limits = [window[0], Math.max(window[1] - 1, window[0] + 1)];
    let [least, most] = band ?? [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    const curves: Curve[] = [];
    const drawn = lines.flatMap((line, hue) => {
      if (!this.#choice.has(line.name)) return [];
      const piece = cut(line.x, line.y, x, BUCKETS);
      for (const value of piece.y) {
        if (value <= 0 || !Number.isFinite(value)) continue;
        least = Math.min(least, value);
        most = Math.max(most, value);
      }
      const color = ink.curve(hue);
      curves.push({ ...piece, color, width: 1.25, dash: [] });
      const { known } = line;
      return [{ ...(known ? cut(known.x, known.y, x, BUCKETS) : piece), color }];
    });
    this.#drawLegend(lines, ink);
    const label = `step ${formatCount(step ?? 0)}`;
    const chosen = step === null ? [] : [{ x: step, color: ink.accent, label }];
    this.#chart ??= this.#newChart(ink);
    const width = this.element.clientWidth || 300;
    const y = limitsOf(least, most, true);
    const marks = marksBeyond(drawn, y, x, width);
    this.#chart.draw({ x, y, curves, marks, lines: chosen, band }, ink, width, HEIGHT);
  }

  #newChart(ink: Ink): Chart {
    const label = "gradients by step";
    const options = {
      height: HEIGHT,
      log: true,
      key: this.#key,
      formatX: formatTick,
      wholeX: true,
      label,
    };
    const chart = new Chart(ink, options, {
      zoom: (window) => this.#events.zoom(window),
      click: (x) => this.#events.choose(Math.round(x)),
      hover: (x) => {
        this.#events.say(x === null ? "" : `step ${formatCount(x)}`);
        this.#events.hover(x);
      },
    });
    this.element.append(chart.element);
    return chart;
  }

  #drawLegend(lines: Line[], ink: Ink): void {
    const names = lines.map(({ name }) => name);
    const elements = lines.map(({ name, x, y, known }, hue) => {
      let entry = this.#entries.get(name);
      if (!entry) {
        entry = new Entry((alone) => {
          if (alone) this.#choice.isolate(name, names);
          else this.#choice.toggle(name);
          this.#events.changed();
        });
        this.#entries.set(name, entry);
      }
      const shown = this.#choice.has(name);
      const isMissing = (known?.x ?? x).at(-1) !== x.at(-1) || x.length === 0;
      const value = isMissing ? "–" : formatValue(y[y.length - 1]);
      entry.update({ name, color: ink.curve(hue), dashed: false, shown, value, title: name });
      return entry.element;
    });
    if (elements.some((element, i) => this.#legend.children[i] !== element)) {
      this.#legend.replaceChildren(...elements);
    }
    while (this.#legend.children.length > elements.length) this.#legend.lastChild?.remove();
  }
}

/** A line with gaps where there is no value. */
function lineOf(
  name: string,
  x: Float64Array,
  y: Float64Array,
  isKnown: (k: number) => boolean,
): Line {
  const known = { x: x.filter((_, k) => isKnown(k)), y: y.filter((_, k) => isKnown(k)) };
  return { name, x, y: y.map((value, k) => (isKnown(k) ? value : Number.NaN)), known };
}

const NORM = "optim/grad_norm";
const COEFFICIENT = "optim/clip_coefficient";

/** Whether a scalar says what gradients were multiplied by as they were clipped. */
export function isCoefficient(name: string): boolean {
  return name === COEFFICIENT || name.startsWith(`${COEFFICIENT}/`);
}

/** The norm of all gradients and those of several optimizers, each also after clipping. */
function totalsOf(run: Run | undefined): Line[] {
  if (!run) return [];
  const names = [...run.scalars.keys()];
  const suffixes = names.filter((name) => name === NORM || name.startsWith(`${NORM}/`));
  return suffixes.flatMap((name) => normsOf(run, name.slice(NORM.length)));
}

/** The norm of one optimizer's gradients, and after clipping by the coefficient of its step. */
function normsOf(run: Run, suffix: string): Line[] {
  const norm = run.scalars.get(NORM + suffix);
  if (!norm) return [];
  const none = new Epochs(undefined);
  const { x, y } = trackOf(norm, "step", none);
  const whose = suffix && `optimizer ${suffix.slice(1)} `;
  const coefficient = run.scalars.get(COEFFICIENT + suffix);
  if (!coefficient) return [{ name: whose ? `${whose}norm` : "total norm", x, y }];
  const by = trackOf(coefficient, "step", none);
  const factor = new Map(Array.from(by.x, (step, i) => [step, by.y[i]]));
  const after = y.map((value, i) => value * (factor.get(x[i]) ?? 0));
  return [
    { name: `${whose}before clipping`, x, y },
    lineOf(`${whose}after clipping`, x, after, (k) => factor.has(x[k])),
  ];
}
