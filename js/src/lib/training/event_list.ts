// What happened, newest first; a press moves the plots to its step.

import { formatCount } from "../charts/axis_scale";
import { button, h } from "../core/dom";
import type { TrainingEvent } from "../live/run_wire";

const SHOWN = 5;

/** Whether an event was requested (a stop, a dial), and not found by a rule. */
export function isAsked(kind: string): boolean {
  return /^(dial|stop|pause|resume)$/.test(kind);
}

export class EventList {
  readonly #list = h("ul", { class: "event-list" });
  readonly #more = button("", "", () => {
    this.#all = !this.#all;
    this.#drawn = "";
    this.draw(this.#events);
  });
  readonly #show: (step: number) => void;
  readonly element = h("div", { class: "events" }, this.#list, this.#more);
  #all = false;
  #events: readonly TrainingEvent[] = [];
  #drawn = "";

  constructor(show: (step: number) => void) {
    this.#show = show;
  }

  draw(events: readonly TrainingEvent[]): void {
    this.#events = events;
    const key = `${events.length} ${events[events.length - 1]?.step} ${this.#all}`;
    if (key === this.#drawn) return;
    this.#drawn = key;
    const shown = events.slice(this.#all ? 0 : -SHOWN).reverse();
    this.#list.replaceChildren(...shown.map((event) => this.#item(event)));
    this.#more.hidden = events.length <= SHOWN;
    this.#more.textContent = this.#all ? "fewer" : `all ${formatCount(events.length)}`;
    this.element.hidden = events.length === 0;
  }

  #item({ step, kind, where, message }: TrainingEvent): HTMLElement {
    const text = `step ${formatCount(step)}: ${message}`;
    const what = where === null ? kind : `${kind}, ${where}`;
    const show = button(text, `${what}: show this step`, () => this.#show(step));
    return h("li", { class: isAsked(kind) ? "asked" : "warned" }, show);
  }
}
