// What a person has set, as stops: the model's traits read and written in one place.

import { listen, type Model, type Traits } from "./model";
import { nearestStop } from "./stops";
import { throttle } from "./timing";
import type { Config } from "./wire";

// The kernel hears of a moving dial less than ten times a second, first, last and rest included.
const SAVING_MS = 120;
const REST_MS = 250;

const SETTABLE = ["threshold", "class_thresholds", "shown_class", "view"] as const;
type Settable = (typeof SETTABLE)[number];

export class State {
  readonly config: Config;
  readonly #model: Model;
  readonly #changed: () => void;
  readonly #saving: ReturnType<typeof throttle>;
  readonly #stopListening: () => void;
  #resting: ReturnType<typeof setTimeout> | undefined;

  constructor(model: Model, changed: () => void) {
    this.config = model.get("_config");
    this.#model = model;
    this.#changed = changed;
    this.#saving = throttle(SAVING_MS, () => model.save_changes());
    this.#stopListening = listen(model, [...SETTABLE, "_notice"], changed);
  }

  dispose(): void {
    this.#stopListening();
    clearTimeout(this.#resting);
    this.flush();
  }

  /** Tell the kernel now what it has not heard yet. */
  flush(): void {
    this.#saving.flush();
  }

  /**
   * Tell the kernel in a message besides what was set last: ipywidgets holds traits back for good
   * if the kernel never says that it has taken the ones before, as happens in an async cell.
   */
  #settle(): void {
    this.flush();
    const state = Object.fromEntries(SETTABLE.map((name) => [name, this.get(name)]));
    this.#model.send({ type: "settle", id: 0, state });
  }

  get<K extends keyof Traits>(name: K): Traits[K] {
    return this.#model.get(name);
  }

  set<K extends Settable>(name: K, value: Traits[K]): void {
    this.#model.set(name, value);
    this.#saving.call();
    clearTimeout(this.#resting);
    this.#resting = setTimeout(() => this.#settle(), REST_MS);
    this.#changed();
  }

  /** Index of the class that is shown, null for all of them. */
  get shown(): number | null {
    return this.config.task === "binary" ? 0 : this.get("shown_class");
  }

  /** For each class the stop it is at. */
  get stops(): number[] {
    const { class_names: names, stops } = this.config;
    const own = this.get("class_thresholds");
    return names.map((_, c) => nearestStop(stops, own[c] ?? this.get("threshold")));
  }

  /** The stop under the dial's point. */
  get stop(): number {
    const { shown } = this;
    return shown === null
      ? nearestStop(this.config.stops, this.get("threshold"))
      : this.stops[shown];
  }

  /**
   * Move the dial: of the shown class, or else of all that have no threshold of their own. Where
   * every class has its own there is nobody to follow, so all follow again.
   */
  set stop(k: number) {
    const { task, stops, class_names: names } = this.config;
    const { shown } = this;
    const own = this.get("class_thresholds");
    if (shown === null || task === "binary") {
      if (own.length && own.every((t) => t !== null)) this.set("class_thresholds", []);
      this.set("threshold", stops[k]);
      return;
    }
    const moved = names.map((_, c) => (c === shown ? stops[k] : (own[c] ?? null)));
    this.set("class_thresholds", moved);
  }

  reset(): void {
    this.set("class_thresholds", this.config.initial_class_thresholds);
    this.set("threshold", this.config.initial_threshold);
  }

  /** The setting as Python's `export()` gives it. */
  toJson(): string {
    const { stops } = this.config;
    return JSON.stringify(
      this.get("class_thresholds").length
        ? { class_thresholds: this.stops.map((k) => stops[k]) }
        : { threshold: stops[nearestStop(stops, this.get("threshold"))] },
    );
  }
}
