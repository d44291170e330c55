// Which pictures are in the grid: a page of them, or a single one, in an order.

import { clamp } from "../core/clamp";
import { button, h } from "../core/dom";
import { range } from "../core/metrics";

export interface Ranking {
  /** Images, the first one to be shown first. */
  order: number[];
  /** The setting that they are ranked at, as text. */
  at: string;
}

/** An order in which images can be shown. */
export interface Order {
  name: string;
  title: string;
  rank(): Ranking;
}

export interface PageEvents {
  orders: readonly Order[];
  canRank(): boolean;
  changed(): void;
}

export type Pages = ReturnType<typeof createPages>;

export function createPages(count: number, size: number, events: PageEvents) {
  const place = h("span");
  const paging = h(
    "span",
    "paging",
    button("‹", "Earlier", () => turn(-1)),
    place,
    button("›", "Later", () => turn(1)),
  );
  const asGiven = button("as given", "", () => sort(null));
  const ranked = events.orders.map((one) => button(one.name, one.title, () => sort(one)));
  const group = { class: "label", role: "group", "aria-label": "order" };
  const orders = h("span", group, "order ", asGiven, ...ranked);
  const all = button("all pictures", "", () => pick(0));
  let among = range(count); // the pictures that are shown, of all or of a choice
  let order = among;
  let page = 0;
  let alone: number | null = count === 1 ? 0 : null;

  const images = () => (alone === null ? order.slice(page * size, (page + 1) * size) : [alone]);

  /** Show one picture of the page alone, or all again; false if there is no such picture. */
  function pick(index: number): boolean {
    if (count === 1 || (alone === null && images()[index] === undefined)) return false;
    if (alone === null) alone = images()[index];
    else {
      page = Math.floor(order.indexOf(alone) / size);
      alone = null;
    }
    events.changed();
    return true;
  }

  /** Go on by so many pages, or pictures while one is alone. */
  function turn(by: number): void {
    if (alone !== null)
      alone = order[clamp(order.indexOf(alone) + by, 0, order.length - 1)] ?? alone;
    else page = clamp(page + by, 0, Math.ceil(order.length / size) - 1);
    events.changed();
  }

  /** Null sorts the pictures as given, undefined as they were chosen. */
  function sort(by?: Order | null): void {
    const found = by?.rank();
    const wanted = by === null ? range(count) : found?.order;
    const shown = new Set(among);
    order = wanted?.filter((image) => shown.has(image)) ?? among;
    page = 0;
    if (alone !== null) alone = order[0] ?? alone; // a choice may be empty
    events.orders.forEach((one, i) => {
      ranked[i].textContent = one === by ? `${one.name} at ${found?.at}` : one.name;
      ranked[i].ariaPressed = String(one === by);
    });
    asGiven.ariaPressed = String(by === null);
    events.changed();
  }

  /** Show only some pictures, in their order; null shows all. One that is alone may stay. */
  function choose(chosen: readonly number[] | null, staysAlone = false): void {
    among = chosen?.filter((image) => image < count) ?? range(count);
    const kept = staysAlone || count === 1 ? alone : null;
    sort(chosen ? undefined : null);
    alone = kept;
  }

  sort(null);
  return {
    element: h("div", "pager", orders, all, paging),
    images,
    pick,
    turn,
    choose,
    /** The picture shown alone, null while there are several. */
    alone: () => alone,
    update(): void {
      const together = alone === null;
      paging.hidden = order.length <= (together ? size : 1);
      orders.hidden = count === 1 || !events.canRank();
      all.hidden = together || count === 1;
      const first = page * size;
      const many = `${first + 1}–${Math.min(first + size, order.length)}`;
      const one = order.indexOf(alone as number) + 1 || "–"; // it may stay while the others change
      place.textContent = `${together ? many : one} of ${order.length}`;
    },
  };
}
