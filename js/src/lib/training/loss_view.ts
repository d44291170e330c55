// Curves of what was logged: panels of one axis each, with one window, cursor and smoothing for all.

import { formatCount, formatSeconds, type Limits } from "../charts/axis_scale";
import type { Picture } from "../charts/chart_picture";
import { Choice } from "../charts/legend_choice";
import { type Ink, inkOf } from "../charts/line_colors";
import { isLearningRate, isReserved, type Name, panelsOf } from "../charts/scalar_names";
import { type Axis, Epochs, nearest } from "../charts/scalar_track";
import { Tracks } from "../charts/track_cache";
import { h } from "../core/dom";
import { throttle } from "../core/timing";
import { huesOf } from "../live/run_choice";
import type { Run, Store } from "../live/run_store";
import { Details } from "../live/zoom_details";
import { tableOf } from "./csv_table";
import { isAsked } from "./event_list";
import { LossPanel } from "./loss_panel";
import { LossToolbar } from "./loss_toolbar";
import { RunList } from "./run_list";
import type { ScalarLine } from "./scalar_line";

const PANEL_WIDTH = 340;
const SMALL_WIDTH = 180;
const HEIGHTS = [
  [1, 220],
  [8, 170],
] as const; // of a chart, for at most so many panels
const SMALL_HEIGHT = 84;
const FIRST_PANELS = 12; // more than a screen shows
let views = 0;

export interface LossViewOptions {
  /** Draw every name, also those that a monitor keeps for other views. */
  all: boolean;
  /** Called when a step is pointed at; null when none is. */
  hover?(step: number | null): void;
  /** Called when a step is pressed. */
  choose?(step: number): void;
}

export class LossView {
  readonly #store: Store;
  readonly #options: LossViewOptions;
  readonly #changed: () => void;
  readonly #names = new Choice();
  readonly #runs: RunList;
  readonly #tracks = new Tracks();
  readonly #details: Details;
  readonly #panels = new Map<string, LossPanel>();
  readonly #key = `torchdial-${++views}`;
  readonly #toolbar: LossToolbar;
  readonly #spoken = h("div", { class: "spoken", role: "status" });
  readonly #grid = h("div", { class: "panels" });
  readonly #empty = h("div", { class: "empty" }, "nothing logged yet");
  readonly #asking = throttle(250, () => this.#askForDetail());
  readonly element: HTMLElement;
  #axis: Axis;
  #window: Limits | null;
  /** Where the pointer is, and the same in words. */
  #at: number | null = null;
  #said = "";
  #limits: Limits = [0, 1];
  #epochs = new Map<number, Epochs>();
  #scalars: ScalarLine[] = [];

  constructor(store: Store, options: LossViewOptions, changed: () => void) {
    this.#store = store;
    this.#options = options;
    this.#changed = changed;
    this.#details = new Details(store, changed);
    this.#runs = new RunList(store.chosen.runs, changed);
    const { axis = "step", window = null } = store.chosen;
    [this.#axis, this.#window] = [axis, window];
    this.#toolbar = new LossToolbar(store.chosen, {
      changed,
      setAxis: (along) => this.#setAxis(along),
      showWhole: () => this.#zoom(null),
      table: () => tableOf(this.#scalars),
    });
    this.element = h(
      "div",
      { class: "loss", tabindex: 0, role: "group", "aria-label": "curves" },
      this.#runs.element,
      this.#toolbar.element,
      this.#toolbar.keys,
      this.#empty,
      this.#grid,
      this.#spoken,
    );
    this.element.addEventListener("keydown", (e) => this.#onKey(e));
  }

  dispose(): void {
    this.#asking.cancel();
    for (const panel of this.#panels.values()) panel.dispose();
  }

  /** Bring a step into the middle of a window a twentieth of the run wide, or wider. */
  show(step: number): void {
    this.#setAxis("step");
    const width = Math.max((this.#limits[1] - this.#limits[0]) / 20, 20);
    this.#zoom([step - width / 2, step + width / 2]);
  }

  /** Show a window of steps, null for the whole run. */
  showSteps(window: Limits | null): void {
    if (window) this.#setAxis("step");
    this.#zoom(window);
  }

  /** Show values at a step that is pointed at elsewhere; null for the last ones. */
  point(step: number | null): void {
    const run = this.#store.runs[this.#store.runs.length - 1];
    if (!run || this.#axis === "time") return;
    this.#at = step === null ? null : this.#placeOf(run, step);
    for (const panel of this.#panels.values()) {
      panel.hover(this.#at);
      panel.setCursor(this.#at);
    }
  }

  draw(root: HTMLElement): void {
    const ink = inkOf(root);
    const runs = this.#shownRuns();
    this.#epochs = new Map(
      this.#store.runs.map((run) => [
        run.id,
        new Epochs(run.scalars.get("epoch") ?? run.scalars.get("time/epoch")),
      ]),
    );
    const names = this.#allNames(runs);
    const panels = panelsOf(names);
    this.#limits = this.#limitsOf(runs, names);
    this.#syncPanels([...panels.keys()]);
    this.#empty.hidden = panels.size > 0;
    this.#scalars = [];
    const width = this.#panelWidth(panels.size);
    for (const [title, members] of panels) {
      this.#drawPanel(title, members, runs, width, panels.size, ink);
    }
    if (this.#at !== null) this.#hover(this.#at);
    const epochs = [...this.#epochs.values()].some(({ known }) => known);
    this.#toolbar.draw(this.#axis, epochs, this.#window !== null);
    this.#runs.draw(this.#store.runs, ink);
    if (this.#window) this.#asking.call();
  }

  // What is drawn

  /** Names of the runs shown, the newest run's first; colours follow it, so hiding changes none. */
  #allNames(runs: Run[]): string[] {
    const names = new Set<string>();
    for (const run of [...runs].reverse()) {
      for (const [name, { length }] of run.scalars) {
        if (length && (this.#options.all || !isReserved(name))) names.add(name);
      }
    }
    return [...names];
  }

  #limitsOf(runs: Run[], names: string[]): Limits {
    let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (const run of runs) {
      for (const name of names) {
        const points = run.scalars.get(name);
        if (!points?.length) continue;
        const { x } = this.#tracks.of(points, this.#axis, this.#epochsOf(run)).track;
        low = Math.min(low, x[0]);
        high = Math.max(high, x[x.length - 1]);
      }
    }
    return low < high ? [low, high] : low === high ? [low - 0.5, low + 0.5] : [0, 1];
  }

  #epochsOf(run: Run): Epochs {
    return this.#epochs.get(run.id) as Epochs;
  }

  #drawPanel(
    title: string,
    members: Name[],
    runs: Run[],
    width: number,
    panels: number,
    ink: Ink,
  ): void {
    const hues = runs.length > 1 ? huesOf(this.#store.runs) : null;
    const keys = [...new Set(members.map(({ key }) => key))];
    const scalars = runs.flatMap((run) =>
      members.flatMap((name) => {
        const hue = hues?.get(run.id) ?? keys.indexOf(name.key);
        return this.#lineOf(run, name, hue) ?? [];
      }),
    );
    this.#scalars.push(...scalars);
    this.#panels.get(title)?.update(
      scalars,
      {
        window: this.#window ?? this.#limits,
        key: this.#key,
        axis: this.#axis,
        width,
        height: HEIGHTS.find(([most]) => panels <= most)?.[1] ?? SMALL_HEIGHT,
        lines: this.#eventLines(ink),
        withOutliers: this.#toolbar.withOutliers,
      },
      ink,
    );
  }

  #lineOf(run: Run, name: Name, hue: number): ScalarLine | null {
    const points = run.scalars.get(name.full);
    if (!points?.length) return null;
    const schedule = isLearningRate(name.full);
    const strength = schedule ? 0 : this.#toolbar.smoothing;
    const epochs = this.#epochsOf(run);
    const { track, smooth } = this.#tracks.of(points, this.#axis, epochs, strength);
    const id = `${run.id}/${name.full}`;
    const detail = this.#window && this.#details.find(id, this.#axis, this.#window);
    const near = detail ? this.#tracks.of(detail, this.#axis, epochs, strength) : null;
    return {
      id,
      name,
      label: this.#isThisAlone() ? name.full : `${run.name} · ${name.full}`,
      run: run.name,
      earlier: run.earlier,
      hue,
      schedule,
      track,
      near: near?.track ?? track,
      nearSmooth: near ? near.smooth : smooth,
    };
  }

  #shownRuns(): Run[] {
    return this.#store.runs.filter((run) => this.#store.chosen.runs.has(run));
  }

  /** Whether nothing is shown but the run that the status line is about. */
  #isThisAlone(): boolean {
    const shown = this.#shownRuns();
    return shown.length === 1 && shown[0] === this.#store.runs[this.#store.runs.length - 1];
  }

  #eventLines(ink: Ink): Picture["lines"] {
    const run = this.#store.runs[this.#store.runs.length - 1];
    if (!run || !this.#store.chosen.runs.has(run) || this.#axis === "time") return [];
    return this.#store.events.map(({ step, kind }) => ({
      x: this.#placeOf(run, step),
      color: isAsked(kind) ? ink.accent : ink.warning,
      label: `step ${formatCount(step)}`,
    }));
  }

  #syncPanels(titles: string[]): void {
    for (const [title, panel] of this.#panels) {
      if (titles.includes(title)) continue;
      panel.dispose();
      this.#panels.delete(title);
    }
    for (const title of titles) {
      if (!this.#panels.has(title)) {
        const { chosen } = this.#store;
        const panel = new LossPanel(title, this.#names, chosen, this.#panels.size < FIRST_PANELS, {
          zoom: (window) => this.#zoom(window),
          hover: (x) => this.#hover(x),
          click: (x) => this.#click(x),
          changed: this.#changed,
        });
        this.#panels.set(title, panel);
      }
      const { element } = this.#panels.get(title) as LossPanel;
      const place = titles.indexOf(title);
      if (this.#grid.children[place] !== element) {
        this.#grid.insertBefore(element, this.#grid.children[place] ?? null);
      }
    }
  }

  /** Whether there are so many panels that each is small. */
  get isDense(): boolean {
    return this.#panels.size > HEIGHTS[HEIGHTS.length - 1][0];
  }

  #panelWidth(count: number): number {
    this.#grid.classList.toggle("torchdial-small-panels", this.isDense);
    const least = this.isDense ? SMALL_WIDTH : PANEL_WIDTH;
    const whole = this.#grid.clientWidth || least;
    const columns = Math.max(1, Math.min(count, Math.floor(whole / least)));
    this.#grid.style.setProperty("--torchdial-columns", String(columns));
    return Math.floor((whole - 12 * (columns - 1)) / columns);
  }

  // Input

  #setAxis(axis: Axis): void {
    const window = axis === this.#axis ? this.#window : null;
    this.#axis = this.#store.chosen.axis = axis;
    this.#zoom(window);
  }

  #zoom(window: Limits | null): void {
    this.#window = this.#store.chosen.window = window;
    const run = this.#store.runs[this.#store.runs.length - 1];
    const known = window && run && this.#axis !== "time";
    this.#store.chosen.steps = known
      ? [this.#stepAt(run, window[0]), this.#stepAt(run, window[1])]
      : null;
    this.#changed();
  }

  #hover(x: number | null): void {
    this.#at = x;
    const run = this.#store.runs[this.#store.runs.length - 1];
    const step = x === null || !run || this.#axis === "time" ? null : this.#stepAt(run, x);
    this.#options.hover?.(step);
    const words = {
      step: () => `step ${formatCount(x as number)}`,
      epoch: () => `epoch ${(x as number).toFixed(2)}, step ${formatCount(step as number)}`,
      time: () => `after ${formatSeconds(x as number)}`,
    };
    const text = x === null ? "" : words[this.#axis]();
    this.#toolbar.say(text);
    this.#said = text;
    for (const panel of this.#panels.values()) panel.hover(x, text);
  }

  #click(x: number): void {
    const run = this.#store.runs[this.#store.runs.length - 1];
    if (run && this.#axis !== "time") this.#options.choose?.(Math.round(this.#stepAt(run, x)));
  }

  #stepAt(run: Run, x: number): number {
    return this.#axis === "epoch" ? this.#epochsOf(run).stepAt(x) : x;
  }

  #placeOf(run: Run, step: number): number {
    return this.#axis === "epoch" ? this.#epochsOf(run).at(step) : step;
  }

  #onKey(e: KeyboardEvent): void {
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    if (e.target instanceof HTMLInputElement || e.target instanceof HTMLSelectElement) return;
    const [low, high] = this.#window ?? this.#limits;
    const width = high - low;
    const middle = (low + high) / 2;
    const actions: Record<string, () => void> = {
      "+": () => this.#zoom([middle - width / 3, middle + width / 3]),
      "=": () => this.#zoom([middle - width / 3, middle + width / 3]),
      "-": () => this.#zoom([middle - 0.75 * width, middle + 0.75 * width]),
      "0": () => this.#zoom(null),
      ArrowLeft: () => this.#moveCursor(-1),
      ArrowRight: () => this.#moveCursor(1),
      "Shift ArrowLeft": () => this.#zoom([low - width / 10, high - width / 10]),
      "Shift ArrowRight": () => this.#zoom([low + width / 10, high + width / 10]),
      Escape: () => this.#moveCursor(0),
      r: () => {
        this.#store.chosen.yLocks.clear();
        this.#zoom(null);
      },
    };
    const key = e.shiftKey && e.key.startsWith("Arrow") ? `Shift ${e.key}` : e.key;
    if (!actions[key]) return;
    actions[key]();
    e.preventDefault();
  }

  /** Go on by points of the first curve, and say all values there; 0 takes the cursor away. */
  #moveCursor(by: -1 | 0 | 1): void {
    const [first] = this.#scalars;
    if (!first) return;
    const { x } = first.near;
    const [low, high] = this.#window ?? this.#limits;
    const begin = by > 0 ? nearest(x, low) - 1 : nearest(x, high) + 1;
    const from = this.#at === null ? begin : nearest(x, this.#at);
    const at = by === 0 ? null : x[Math.min(Math.max(from + by, 0), x.length - 1)];
    this.#hover(at);
    for (const panel of this.#panels.values()) panel.setCursor(at);
    const values =
      at === null ? [] : [...this.#panels.values()].flatMap((panel) => panel.valuesAt(at));
    this.#spoken.textContent = [this.#said, ...values].join(", ");
  }

  #askForDetail(): void {
    if (!this.#window) return;
    const shown = new Set(this.#scalars.map(({ id }) => id));
    const wanted = this.#shownRuns().flatMap((run) =>
      [...run.scalars].flatMap(([name, points]) =>
        shown.has(`${run.id}/${name}`) ? [{ run, name, points }] : [],
      ),
    );
    this.#details.ask(wanted, this.#axis, this.#window, (run, x) => this.#stepAt(run, x));
  }
}
