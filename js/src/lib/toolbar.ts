// The line of controls above the dial.

import { button, copyText, h, select } from "./dom";
import { METRICS, type Metric, nameOf } from "./metrics";
import type { State } from "./state";
import { formatStop } from "./stops";
import type { View } from "./views";

const VIEWS: readonly View[] = ["mask", "overlay", "heat", "outline", "errors", "difference"];
const SEE_THROUGH: readonly View[] = ["overlay", "heat", "errors", "difference"];

export interface ToolbarEvents {
  metric(metric: Metric): void;
  opacity(opacity: number): void;
  reset(): void;
  help(): void;
}

export class Toolbar {
  readonly element: HTMLElement;
  readonly #state: State;
  readonly #views = new Map<View, HTMLButtonElement>();
  readonly #classes = select("class", []);
  readonly #metrics = select(
    "curve",
    METRICS.map((m) => [m, nameOf(m)] as const),
  );
  readonly #opacity: HTMLInputElement;
  #classTexts = "";

  constructor(state: State, hasMetrics: boolean, opacity: number, events: ToolbarEvents) {
    this.#state = state;
    const { config } = state;
    for (const view of VIEWS) {
      if (view === "errors" && !config.has_targets) continue;
      if (view === "difference" && config.sources.length < 2) continue;
      const choose = () => state.set("view", view);
      const text = view[0].toUpperCase() + view.slice(1);
      this.#views.set(view, button(text, "", choose));
    }
    this.#opacity = h("input", {
      type: "range",
      min: 0,
      max: 1,
      step: 0.05,
      value: opacity,
      "aria-label": "opacity",
    });
    this.#opacity.addEventListener("input", () => events.opacity(this.#opacity.valueAsNumber));
    this.#classes.addEventListener("change", () => {
      const { value } = this.#classes;
      state.set("shown_class", value === "" ? null : Number(value));
    });
    this.#metrics.addEventListener("change", () => events.metric(this.#metrics.value as Metric));
    const copy = button("copy", "Copy the setting", () => copySetting(copy, state.toJson()));
    const views = h("div", { role: "group", "aria-label": "view" }, ...this.#views.values());
    this.element = h(
      "div",
      { class: "toolbar", role: "toolbar", "aria-label": "preview" },
      views,
      labelled("class", this.#classes, config.class_names.length > 1),
      labelled("curve", this.#metrics, hasMetrics),
      labelled("opacity", this.#opacity, true),
      h("span", { class: "spring" }),
      h(
        "span",
        {},
        button("reset", "Back to where it began", events.reset),
        copy,
        button("?", "Show the keys", events.help),
      ),
    );
  }

  nextView(): void {
    const views = [...this.#views.keys()];
    this.#state.set("view", views[(views.indexOf(this.#state.get("view")) + 1) % views.length]);
  }

  update(): void {
    const view = this.#state.get("view");
    for (const [name, choice] of this.#views) {
      choice.setAttribute("aria-pressed", String(name === view));
    }
    (this.#opacity.parentElement as HTMLElement).hidden = !isSeeThrough(view);
    this.#updateClasses();
  }

  /** Name the classes, with the threshold of those that have their own. */
  #updateClasses(): void {
    const { class_names: names, stops } = this.#state.config;
    const own = this.#state.get("class_thresholds");
    const at = this.#state.stops;
    const texts = names.map((name, c) =>
      typeof own[c] === "number" ? `${name} (${formatStop(stops, at[c])})` : name,
    );
    // An open list is left alone unless it has to change.
    if (this.#classTexts !== texts.join("\n")) {
      this.#classTexts = texts.join("\n");
      this.#classes.replaceChildren(
        h("option", { value: "" }, "all"),
        ...texts.map((text, c) => h("option", { value: c }, text)),
      );
    }
    this.#classes.value = String(this.#state.shown ?? "");
  }
}

export function isSeeThrough(view: View): boolean {
  return SEE_THROUGH.includes(view);
}

function labelled(text: string, control: HTMLElement, visible: boolean): HTMLElement {
  const label = h("label", { class: "label" }, `${text} `, control);
  label.hidden = !visible;
  return label;
}

function copySetting(from: HTMLButtonElement, setting: string): void {
  copyText(setting).then((copied) => {
    from.textContent = copied ? "copied" : "not allowed";
    setTimeout(() => {
      from.textContent = "copy";
    }, 1500);
  });
}
