// Gradients: layers × steps, lines of chosen layers, the total, update ratios, and one step's spread.

import { formatCount, formatTick, type Limits, logTicks } from "../charts/axis_scale";
import { gradient, NOT_FINITE, ZERO } from "../charts/heat_colors";
import type { Columns } from "../charts/layer_columns";
import { type Ink, inkOf } from "../charts/line_colors";
import { css } from "../core/colors";
import { button, h } from "../core/dom";
import { RETRY_MS } from "../core/timing";
import { inText } from "../core/user_names";
import type { Distribution, Store } from "../live/run_store";
import { drawSpread, notFiniteWords } from "./gradient_histogram";
import { isCoefficient, LinesView } from "./layer_lines";
import { LayersView } from "./layers_view";

/** What each view is called, and what it shows. */
const VIEWS = {
  layers: ["layers", "Norm of each layer's gradient over the steps"],
  lines: ["lines", "Norms of the chosen layers' gradients"],
  total: ["total norm", "Norm of all gradients, before and after clipping"],
  ratio: ["update ratio", "Size of the update over the size of the weights; about 10⁻³ is usual"],
  flow: ["one step", "Typical and largest |gradient| of each layer at one step"],
};
type ViewName = keyof typeof VIEWS;

/** What the views beside it follow. */
export interface GradientViewEvents {
  /** A window of steps was chosen, null for the whole run. */
  zoom?(steps: Limits | null): void;
  /** A step is pointed at, null for none. */
  hover?(step: number | null): void;
}
const BAND: Limits = [1e-4, 1e-2];

export class GradientView {
  readonly #store: Store;
  readonly #changed: () => void;
  readonly #views: [ViewName, HTMLButtonElement][];
  readonly #layers: LayersView;
  readonly #lines: LinesView;
  readonly #pointed = h("span", { class: "pointed" });
  readonly #whole: HTMLButtonElement;
  /** Whether a view beside it has the button back to the whole run. */
  readonly #isFollowed: boolean;
  readonly #spread = h("canvas", { class: "spread", role: "img" });
  readonly #spreadTitle = h("div", { class: "spread-title" });
  readonly #note = h("div", { class: "legend" });
  readonly #empty = h("div", { class: "empty" }, "no gradients yet");
  readonly element: HTMLElement;
  #view: ViewName;
  #names: string[] = [];
  #step: number | null = null;
  #answer: Distribution | null = null;
  #answered = "";
  #asking = false;
  #askedAt = 0;

  constructor(store: Store, first: ViewName, changed: () => void, events: GradientViewEvents = {}) {
    this.#store = store;
    this.#view = (store.chosen.view as ViewName | undefined) ?? first;
    this.#changed = changed;
    const say = (words: string) => {
      this.#pointed.textContent = words;
    };
    this.#isFollowed = events.zoom !== undefined;
    const zoom = (steps: Limits | null) => {
      store.chosen.steps = steps;
      if (events.zoom) events.zoom(steps);
      else changed();
    };
    this.#whole = button("whole run", "Back to the whole run", () => zoom(null));
    this.#layers = new LayersView({
      changed,
      say,
      zoom,
      hover: (step) => events.hover?.(step),
      choose: (layer, step) => {
        store.choose(layer);
        this.show(step ?? this.#step);
      },
    });
    this.#lines = new LinesView({
      changed,
      say,
      zoom,
      hover: (step) => events.hover?.(step),
      choose: (step) => this.show(step),
    });
    this.#views = Object.entries(VIEWS).map(([name, [label, title]]) => {
      const view = name as ViewName;
      const choose = () => {
        this.#view = store.chosen.view = view;
        changed();
      };
      return [view, button(label, title, choose)];
    });
    const choices = this.#views.map(([, choice]) => choice);
    this.element = h(
      "div",
      { class: "gradients" },
      h(
        "div",
        { class: "toolbar", role: "toolbar", "aria-label": "gradient plot" },
        h("div", { class: "segments", role: "group", "aria-label": "view" }, ...choices),
        h("span", { class: "spring" }),
        this.#pointed,
        this.#whole,
      ),
      this.#empty,
      this.#layers.element,
      this.#lines.element,
      this.#note,
      this.#spreadTitle,
      this.#spread,
    );
  }

  dispose(): void {
    this.#lines.dispose();
  }

  /** Look at one step: its spread, and a line in the picture; null for the newest. */
  show(step: number | null): void {
    this.#step = step;
    this.#changed();
  }

  /** Draw the cursor at a step that is pointed at elsewhere; null for nowhere. */
  point(step: number | null): void {
    this.#layers.setCursor(step);
    this.#lines.setCursor(step);
  }

  draw(root: HTMLElement): void {
    const ink = inkOf(root);
    this.#readNames();
    this.#whole.hidden = this.#isFollowed || !this.#store.chosen.steps;
    for (const [view, choice] of this.#views) {
      choice.ariaPressed = String(view === this.#view);
    }
    const byLayer = this.#view === "layers" || this.#view === "flow";
    const any = this.#names.length > 0;
    this.#empty.hidden = any;
    this.#layers.element.hidden = !any || !byLayer;
    this.#lines.element.hidden = !any || byLayer;
    this.#note.hidden = this.#spread.hidden = this.#spreadTitle.hidden = !any;
    if (!any) return;
    const columns = this.#columns();
    this.#drawView(columns, ink);
    this.#drawNote(columns);
    this.#drawSpread(ink);
  }

  #columns(): Columns | undefined {
    return this.#store.layers.get(this.#view === "ratio" ? "update_ratio" : "grad_norm");
  }

  #readNames(): void {
    const { layers, distribution } = this.#store;
    const names = layers.get("grad_norm")?.names ?? distribution?.rows ?? [];
    const same = (name: string, i: number) => name === this.#names[i];
    if (names.length === this.#names.length && names.every(same)) return;
    this.#names = [...names];
    this.#layers.setNames(this.#names);
    this.#lines.setNames(this.#names);
  }

  #drawView(columns: Columns | undefined, ink: Ink): void {
    const run = windowOf(columns, this.#store.status?.step ?? 0);
    const window = this.#store.chosen.steps ?? run;
    const [step, layer] = [this.#step, this.#store.layer];
    if (this.#view === "layers" || this.#view === "flow") {
      const flow =
        this.#view === "flow" ? (this.#distribution() ?? this.#store.distribution) : null;
      this.#layers.draw({ columns, flow, window, run, step, layer }, ink);
    } else if (this.#view === "total") {
      const { runs } = this.#store;
      this.#lines.drawTotal(runs[runs.length - 1], window, step, ink);
    } else {
      const band = this.#view === "ratio" ? BAND : undefined;
      this.#lines.drawLayers(columns, layer, window, step, ink, band);
    }
  }

  /** The distribution of the chosen step, or the newest; null while it is waited for. */
  #distribution(): Distribution | null {
    const newest = this.#store.distribution;
    const layer = this.#store.layer ?? this.#names[0];
    if (this.#step === null && (!newest || newest.counts.has(layer))) return newest;
    const step = this.#step ?? (newest as Distribution).step;
    const question = `${step} ${layer}`;
    if (question === this.#answered) return this.#answer;
    const lost = performance.now() - this.#askedAt > RETRY_MS;
    if (!this.#asking || lost) this.#ask(question, step, layer);
    return this.#step === null ? this.#answer : null;
  }

  async #ask(question: string, step: number, row: string): Promise<void> {
    this.#asking = true;
    this.#askedAt = performance.now();
    try {
      const { message, data } = await this.#store.ask({ type: "distribution", step, row });
      const wire = message.type === "distribution" ? message.distribution : null;
      this.#answer = wire && this.#store.readDistribution(wire, data);
    } catch {
      this.#answer = null;
    }
    this.#asking = false;
    this.#answered = question;
    this.#changed();
  }

  #drawNote(columns: Columns | undefined): void {
    const words: HTMLElement[] = [];
    const say = (text: string) => words.push(h("span", {}, text));
    const clipped = this.#store.runs.some((run) => [...run.scalars.keys()].some(isCoefficient));
    if (this.#view === "layers" && columns?.steps.length) {
      say("gradient norm by layer, log scale");
      words.push(
        colorBar(this.#layers.rangeOf(columns)),
        swatch(css(NOT_FINITE), "not finite"),
        swatch(css(ZERO), "zero"),
      );
    }
    if (this.#view === "flow") say("solid: root mean square, faint: largest |gradient|");
    if (this.#view === "ratio") say("tinted: 10⁻⁴ … 10⁻², where updates usually lie");
    else if (!clipped)
      say(
        "norms when the optimizer steps; if you clip gradients, clip them with monitor.clip_grad_norm_() to see the norms before that, too",
      );
    else if (this.#view !== "total") say("norms before clipping");
    this.#note.replaceChildren(...words);
  }

  #drawSpread(ink: Ink): void {
    const found = this.#distribution();
    const layer = this.#store.layer ?? this.#names[0];
    const counts = found?.counts.get(layer);
    const waiting = this.#step !== null && this.#asking;
    const unknown = found ? notFiniteWords(found, layer) : "";
    this.#spread.hidden = !counts || unknown !== "";
    this.#spreadTitle.hidden = !waiting && !counts;
    const name = inText(layer);
    this.#spreadTitle.textContent = waiting
      ? `${name} at step ${formatCount(this.#step as number)}: waiting for the kernel`
      : `|gradient| of ${name} at step ${formatCount(found?.step ?? 0)}`;
    if (unknown) this.#spreadTitle.textContent += unknown;
    else if (counts && found) drawSpread(this.#spread, counts, found.low, ink);
    this.#spread.ariaLabel = this.#spreadTitle.textContent;
  }
}

/** The steps that are shown: from the first column to where the run is. */
function windowOf(columns: Columns | undefined, step: number): Limits {
  const steps = columns?.steps ?? [];
  return steps.length ? [steps[0], Math.max(step, steps[steps.length - 1]) + 1] : [0, 1];
}

/** The scale of the colours with its ticks. */
function colorBar([low, high]: Limits): HTMLElement {
  const bar = h("i", { class: "scale", "aria-hidden": "true" });
  bar.style.background = gradient();
  const ticks = logTicks(10 ** low, 10 ** high, 5).map((value) => {
    const tick = h("span", {}, formatTick(value));
    tick.style.left = `${(100 * (Math.log10(value) - low)) / (high - low)}%`;
    return tick;
  });
  return h("span", { class: "color-bar" }, bar, ...ticks);
}

function swatch(color: string, text: string): HTMLElement {
  const element = h("i", { class: "swatch", "aria-hidden": "true" });
  element.style.background = color;
  return h("span", {}, element, text);
}
