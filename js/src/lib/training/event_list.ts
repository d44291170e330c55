// What happened in a run: the newest unread warning in one line, and all events below it.

import { formatCount } from "../charts/axis_scale";
import { button, h } from "../core/dom";
import type { Chosen } from "../live/run_store";
import type { TrainingEvent } from "../live/run_wire";

/** Whether an event was requested (a stop, a dial), and not found by a rule. */
export function isAsked(kind: string): boolean {
  return /^(dial|stop|pause|resume)$/.test(kind);
}

/** The same for the same event, also after everything was sent anew. */
export function keyOf({ step, kind, where, message }: TrainingEvent): string {
  return JSON.stringify([step, kind, where, message]);
}

/** Warnings that were not looked at yet, the newest first. */
export function unread(
  events: readonly TrainingEvent[],
  read: ReadonlySet<string>,
): TrainingEvent[] {
  return events.filter((event) => !isAsked(event.kind) && !read.has(keyOf(event))).reverse();
}

export class EventList {
  readonly #line = h("div", { class: "alarm", role: "status" });
  readonly #list = h("ul", { class: "event-list", hidden: true });
  readonly #more = button("", "", () => {
    this.#chosen.eventsOpen = !this.#chosen.eventsOpen;
    this.#draw();
  });
  readonly #clear = button("mark all as read", "Take the warning away; the list keeps it", () => {
    for (const event of this.#events) this.#chosen.read.add(keyOf(event));
    this.#draw();
  });
  readonly #chosen: Pick<Chosen, "read" | "eventsOpen">;
  readonly #show: (step: number) => void;
  readonly element: HTMLElement;
  #events: readonly TrainingEvent[] = [];
  #drawn = "";

  constructor(chosen: Pick<Chosen, "read" | "eventsOpen">, show: (step: number) => void) {
    this.#chosen = chosen;
    this.#show = show;
    const head = h("div", { class: "alarm-line" }, this.#line, this.#more, this.#clear);
    this.element = h("div", { class: "events" }, head, this.#list);
  }

  draw(events: readonly TrainingEvent[]): void {
    this.#events = events;
    this.element.hidden = events.length === 0;
    this.#draw();
  }

  #draw(): void {
    const events = this.#events;
    const open = unread(events, this.#chosen.read);
    this.#list.hidden = !this.#chosen.eventsOpen;
    const key = JSON.stringify([events.length, events.at(-1), open.length, this.#list.hidden]);
    if (key === this.#drawn) return; // a press must not lose its button
    this.#drawn = key;
    this.#line.replaceChildren(
      open.length ? this.#item(open[0]) : h("span", {}, "no unread warnings"),
    );
    this.#line.classList.toggle("torchdial-warned", open.length > 0);
    this.#more.textContent = moreWords(events.length, open.length, !this.#list.hidden);
    this.#more.ariaExpanded = String(!this.#list.hidden);
    this.#more.hidden = events.length === open.length && open.length === 1;
    this.#clear.hidden = open.length === 0;
    const items = this.#list.hidden ? [] : [...events].reverse();
    this.#list.replaceChildren(...items.map((event) => h("li", {}, this.#item(event))));
  }

  #item(event: TrainingEvent): HTMLElement {
    const { step, kind, where, message } = event;
    const what = where === null ? kind : `${kind}, ${where}`;
    const go = () => {
      this.#chosen.read.add(keyOf(event));
      this.#show(step);
      this.#draw();
    };
    const sign = isAsked(kind) ? "" : "⚠ ";
    const item = button(`${sign}step ${formatCount(step)}: ${message}`, `${what}: show it`, go);
    item.classList.add(isAsked(kind) ? "torchdial-asked" : "torchdial-warned");
    if (!isAsked(kind) && this.#chosen.read.has(keyOf(event))) item.classList.add("torchdial-read");
    return item;
  }
}

/** What opens the list: "2 more ▾" beside an unread warning, else "3 events ▾". */
export function moreWords(events: number, unreadCount: number, isOpen: boolean): string {
  const sign = isOpen ? "▴" : "▾";
  if (unreadCount > 1) return `${formatCount(unreadCount - 1)} more ${sign}`;
  return `${formatCount(events)} ${events === 1 ? "event" : "events"} ${sign}`;
}
