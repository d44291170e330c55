// Which pictures are in the grid: a page of them in some order, or one alone.

import { button, h } from "./dom";
import { range } from "./metrics";

export class Pages {
  readonly #count: number;
  readonly #size: number;
  readonly #rank: (() => number[]) | null;
  readonly #changed: () => void;
  readonly element = h("div", { class: "pager" });
  #order: number[];
  #page = 0;
  #alone: number | null = null;

  /** `rank` gives the images worst first, or is null where that cannot be told. */
  constructor(count: number, size: number, rank: (() => number[]) | null, changed: () => void) {
    this.#count = count;
    this.#size = size;
    this.#rank = rank;
    this.#changed = changed;
    this.#order = range(count);
  }

  get images(): number[] {
    const start = this.#page * this.#size;
    return this.#alone === null ? this.#order.slice(start, start + this.#size) : [this.#alone];
  }

  /** Show one image alone, or all again. */
  toggle(image: number): void {
    this.#alone = this.#alone === null ? image : null;
    this.#changed();
  }

  turn(by: number): void {
    const last = Math.ceil(this.#count / this.#size) - 1;
    this.#page = Math.min(Math.max(this.#page + by, 0), last);
    this.#changed();
  }

  update(): void {
    this.element.replaceChildren(...(this.#alone === null ? this.#controls() : this.#wayBack()));
  }

  #wayBack(): Node[] {
    return [button("all pictures", "Back to the grid", () => this.toggle(0))];
  }

  #controls(): Node[] {
    const count = this.#count;
    const size = this.#size;
    const rank = this.#rank;
    const first = this.#page * size;
    const turning = [
      button("‹", "Earlier", () => this.turn(-1)),
      h("span", {}, `${first + 1}–${Math.min(first + size, count)} of ${count}`),
      button("›", "Later", () => this.turn(1)),
    ];
    const sort = (order: () => number[]) => () => {
      this.#order = order();
      this.#page = 0;
      this.#changed();
    };
    const ordering = rank && [
      button(
        "as given",
        "In the order they came",
        sort(() => range(count)),
      ),
      button("worst first", "By the curve's metric at this threshold", sort(rank)),
    ];
    return [...(count > size ? turning : []), ...(count > 1 && ordering ? ordering : [])];
  }
}
