// The toolbar of the curves: along what, how smooth, which y range, and what is pointed at.

import type { Axis } from "../charts/scalar_track";
import { button, copyText, h, select } from "../core/dom";
import type { Chosen } from "../live/run_store";

const AXES: readonly Axis[] = ["step", "epoch", "time"];
const KEYS =
  "Drag or + −: zoom. Drag up or down, or Alt and the wheel: zoom y. " +
  "Shift-drag or Shift ← →: move. Double click or 0: the whole run. R: all axes as at first. " +
  "← →: the values of each point. " +
  "Names: click hides, double click or Alt-click leaves one alone.";
const ANSWER_MS = 1500; // how long the button says whether it copied

interface ToolbarEvents {
  changed(): void;
  setAxis(axis: Axis): void;
  showWhole(): void;
  /** The points that are shown, as text. */
  table(): string;
}

export class LossToolbar {
  readonly #axes: [Axis, HTMLButtonElement][];
  readonly #smoothing = h("input", {
    type: "range",
    min: 0,
    max: 0.99,
    step: 0.01,
    value: 0,
    "aria-label": "smoothing",
  });
  readonly #yRange = select("y axis", [
    ["middle", "y: no outliers"],
    ["all", "y: all values"],
  ]);
  readonly #whole: HTMLButtonElement;
  readonly #pointed = h("span", { class: "pointed" });
  /** The keys in words, on request. */
  readonly keys = h("div", { class: "keys", hidden: true }, KEYS);
  readonly element: HTMLElement;

  constructor(chosen: Chosen, events: ToolbarEvents) {
    this.#axes = AXES.map((axis) => [
      axis,
      button(axis, `Along the ${axis}`, () => events.setAxis(axis)),
    ]);
    this.#whole = button("whole run", "Back to the whole run", events.showWhole);
    this.#yRange.title =
      "Without outliers: the middle 99 % of the values seen and the newest 1 % of steps; " +
      "what lies beyond is marked at the edge";
    this.#yRange.value = chosen.yRange ?? "middle";
    this.#yRange.addEventListener("change", () => {
      chosen.yRange = this.#yRange.value;
      events.changed();
    });
    const smoothed = h("span");
    const showSmoothing = () => {
      smoothed.textContent = this.smoothing.toFixed(2);
    };
    this.#smoothing.valueAsNumber = chosen.smoothing ?? 0;
    showSmoothing();
    this.#smoothing.addEventListener("input", () => {
      showSmoothing();
      chosen.smoothing = this.smoothing;
      events.changed();
    });
    const axes = this.#axes.map(([, choice]) => choice);
    this.element = h(
      "div",
      { class: "toolbar", role: "toolbar", "aria-label": "loss plot" },
      h("div", { class: "segments", role: "group", "aria-label": "along" }, ...axes),
      h("label", { class: "label" }, "smoothing ", this.#smoothing, smoothed),
      this.#yRange,
      this.#pointed,
      this.#whole,
      copyButton(events.table),
      button("?", "Show the keys", () => {
        this.keys.hidden = !this.keys.hidden;
      }),
    );
  }

  /** How much values are smoothed, 0 … 0.99. */
  get smoothing(): number {
    return this.#smoothing.valueAsNumber;
  }

  get withOutliers(): boolean {
    return this.#yRange.value === "all";
  }

  /** Say what is pointed at. */
  say(text: string): void {
    this.#pointed.textContent = this.#pointed.title = text;
  }

  draw(axis: Axis, epochsAreKnown: boolean, isZoomed: boolean): void {
    for (const [each, choice] of this.#axes) {
      choice.ariaPressed = String(each === axis);
      choice.hidden = each === "epoch" && !epochsAreKnown;
    }
    this.#whole.hidden = !isZoomed;
  }
}

function copyButton(text: () => string): HTMLButtonElement {
  const copy = button("copy", "Copy the points shown as text", async () => {
    copy.textContent = (await copyText(text())) ? "copied" : "not allowed";
    setTimeout(() => {
      copy.textContent = "copy";
    }, ANSWER_MS);
  });
  return copy;
}
