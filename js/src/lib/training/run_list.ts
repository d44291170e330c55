// The list of runs, where there are several: each has a colour, and is shown, isolated or pinned.

import type { Ink } from "../charts/line_colors";
import { button, h } from "../core/dom";
import { inText } from "../core/user_names";
import { huesOf, type RunChoice } from "../live/run_choice";
import type { Run } from "../live/run_store";

export class RunList {
  readonly element = h("div", { class: "run-list", role: "group", "aria-label": "runs" });
  readonly #choice: RunChoice;
  readonly #changed: () => void;
  readonly #items = new Map<number, ReturnType<typeof createItem>>();
  #runs: readonly Run[] = [];

  constructor(choice: RunChoice, changed: () => void) {
    this.#choice = choice;
    this.#changed = changed;
  }

  /** Current runs first, then earlier ones, the newest first. */
  draw(runs: readonly Run[], ink: Ink): void {
    this.#runs = runs;
    this.element.hidden = runs.length < 2;
    const newest = runs[runs.length - 1];
    const hues = huesOf(runs);
    const order = [...runs].sort((a, b) => (hues.get(a.id) ?? 0) - (hues.get(b.id) ?? 0));
    const elements = order.map((run) => {
      const item = this.#itemOf(run);
      item.update({
        color: ink.curve(hues.get(run.id) ?? 0),
        isThis: run === newest && runs.some(({ earlier }) => earlier),
        shown: this.#choice.has(run),
        alone: this.#choice.isAlone(run),
        pinned: this.#choice.isPinned(run),
      });
      return item.element;
    });
    const same = elements.every((element, i) => this.element.children[i] === element);
    if (!same || elements.length !== this.element.children.length) {
      this.element.replaceChildren(...elements);
    }
  }

  #itemOf({ id, name }: Run) {
    let item = this.#items.get(id);
    if (!item) {
      const choose = (action: (run: Run) => void) => () => {
        const run = this.#runs.find((other) => other.id === id);
        if (run) action(run);
        this.#changed();
      };
      item = createItem(inText(name), {
        toggle: choose((run) => this.#choice.toggle(run, this.#runs)),
        isolate: choose((run) => this.#choice.isolate(run)),
        pin: choose((run) => this.#choice.pin(run)),
      });
      this.#items.set(id, item);
    }
    return item;
  }
}

function createItem(name: string, actions: { toggle(): void; isolate(): void; pin(): void }) {
  const swatch = h("i", { class: "swatch", "aria-hidden": "true" });
  const eye = button("", `Show or hide ${name}`, actions.toggle);
  const label = h("span", { class: "name" }, name);
  const isThis = h("span", { hidden: true }, "(this run)");
  eye.classList.add("torchdial-entry");
  eye.append(swatch, label, isThis);
  const only = button(
    "only",
    `Show ${name} and pinned runs only; again: as before`,
    actions.isolate,
  );
  const pin = button("pin", `Keep ${name} shown beside whichever run is shown alone`, actions.pin);
  for (const each of [only, pin]) each.ariaLabel = `${each.textContent} ${name}`;
  return {
    element: h("span", { class: "run" }, eye, only, pin),

    update(look: {
      color: string;
      isThis: boolean;
      shown: boolean;
      alone: boolean;
      pinned: boolean;
    }): void {
      swatch.style.borderColor = look.color;
      swatch.style.background = look.shown ? look.color : "transparent";
      isThis.hidden = !look.isThis;
      eye.ariaPressed = String(look.shown);
      only.ariaPressed = String(look.alone);
      pin.ariaPressed = String(look.pinned);
    },
  };
}
