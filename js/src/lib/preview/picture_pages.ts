// Which pictures are in the grid: a page of them, or a single one.

import { button, h } from "../core/dom";
import { range } from "../core/metrics";

export interface Ranking {
  /** Images, worst first. */
  order: number[];
  /** The setting that they are ranked at, as text. */
  at: string;
}

export interface PageEvents {
  canRank(): boolean;
  rank(): Ranking;
  changed(): void;
}

export type Pages = ReturnType<typeof createPages>;

export function createPages(count: number, size: number, events: PageEvents) {
  const place = h("span");
  const paging = h(
    "span",
    {},
    button("‹", "Earlier", () => turn(-1)),
    place,
    button("›", "Later", () => turn(1)),
  );
  const asGiven = button("as given", "", () => sort(null));
  const worst = button("worst first", "By the chosen metric, at the current setting", () =>
    sort(events.rank()),
  );
  const all = button("all pictures", "", () => pick(0));
  let among = range(count); // the pictures that are shown, of all or of a choice
  let order = among;
  let page = 0;
  let alone: number | null = null;

  const images = () => (alone === null ? order.slice(page * size, (page + 1) * size) : [alone]);

  /** Show one picture of the page alone, or all again; false if there is no such picture. */
  function pick(index: number): boolean {
    if (alone === null && images()[index] === undefined) return false;
    alone = alone === null ? images()[index] : null;
    events.changed();
    if (alone !== null) all.focus();
    return true;
  }

  function turn(by: number): void {
    page = Math.min(Math.max(page + by, 0), Math.ceil(order.length / size) - 1);
    events.changed();
  }

  function sort(ranked: Ranking | null): void {
    order = ranked?.order.filter((image) => among.includes(image)) ?? among;
    page = 0;
    worst.textContent = ranked ? `worst first at ${ranked.at}` : "worst first";
    worst.setAttribute("aria-pressed", String(ranked !== null));
    asGiven.setAttribute("aria-pressed", String(ranked === null));
    events.changed();
  }

  /** Show only some pictures, in their order; null shows all. */
  function choose(chosen: readonly number[] | null): void {
    among = chosen?.filter((image) => image < count) ?? range(count);
    alone = null;
    sort(null);
  }

  sort(null);
  return {
    element: h("div", { class: "pager" }, paging, asGiven, worst, all),
    images,
    pick,
    turn,
    choose,
    update(): void {
      const first = page * size;
      const together = alone === null;
      paging.hidden = !together || order.length <= size;
      asGiven.hidden = worst.hidden = !together || count === 1 || !events.canRank();
      all.hidden = together;
      place.textContent = `${first + 1}–${Math.min(first + size, order.length)} of ${order.length}`;
    },
  };
}
