// Which pictures are in the grid: a page of them in some order, or one alone.

import { button, h } from "./dom";
import { range } from "./metrics";

export interface Ranking {
  /** Images, worst first. */
  order: number[];
  /** The threshold that it holds for. */
  at: string;
}

export interface PagesEvents {
  canRank(): boolean;
  rank(): Ranking;
  changed(): void;
}

export class Pages {
  readonly element: HTMLElement;
  readonly #count: number;
  readonly #size: number;
  readonly #events: PagesEvents;
  readonly #place = h("span");
  readonly #paging = h(
    "span",
    {},
    button("‹", "Earlier", () => this.turn(-1)),
    this.#place,
    button("›", "Later", () => this.turn(1)),
  );
  readonly #asGiven = button("as given", "", () => this.#sort(null));
  readonly #worst = button("worst first", "By the curve's metric, at the threshold of now", () =>
    this.#sort(this.#events.rank()),
  );
  readonly #all = button("all pictures", "", () => this.pick(0));
  #order: number[];
  #page = 0;
  #alone: number | null = null;

  constructor(count: number, size: number, events: PagesEvents) {
    this.#count = count;
    this.#size = size;
    this.#events = events;
    this.#order = range(count);
    const parts = [this.#paging, this.#asGiven, this.#worst, this.#all];
    this.element = h("div", { class: "pager" }, ...parts);
    this.#sort(null);
  }

  get images(): number[] {
    const start = this.#page * this.#size;
    return this.#alone === null ? this.#order.slice(start, start + this.#size) : [this.#alone];
  }

  /** Show one picture of the page alone, or all again; false where there is no such picture. */
  pick(place: number): boolean {
    if (this.#alone === null && this.images[place] === undefined) return false;
    this.#alone = this.#alone === null ? this.images[place] : null;
    this.#events.changed();
    if (this.#alone !== null) this.#all.focus();
    return true;
  }

  turn(by: number): void {
    const last = Math.ceil(this.#count / this.#size) - 1;
    this.#page = Math.min(Math.max(this.#page + by, 0), last);
    this.#events.changed();
  }

  update(): void {
    const first = this.#page * this.#size;
    const together = this.#alone === null;
    this.#paging.hidden = !together || this.#count <= this.#size;
    this.#asGiven.hidden = this.#worst.hidden =
      !together || this.#count === 1 || !this.#events.canRank();
    this.#all.hidden = together;
    this.#place.textContent = `${first + 1}–${Math.min(first + this.#size, this.#count)} of ${this.#count}`;
  }

  #sort(ranked: Ranking | null): void {
    this.#order = ranked?.order ?? range(this.#count);
    this.#page = 0;
    this.#worst.textContent = ranked ? `worst first at ${ranked.at}` : "worst first";
    this.#worst.setAttribute("aria-pressed", String(ranked !== null));
    this.#asGiven.setAttribute("aria-pressed", String(ranked === null));
    this.#events.changed();
  }
}
