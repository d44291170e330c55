// A table of numbers whose cells or rows are clicked to see the pictures that they count. It changes
// the text of its cells in place, so that the focus stays and a moving dial makes no new elements.

import { h } from "../core/dom";
import { range } from "../core/metrics";

export interface NumberCell {
  value: number;
  text: string;
  /** Tooltip and name of a clickable cell. */
  title?: string;
  /** How far the cell is filled, from 0 to 1. */
  share?: number;
}

export interface NumberRow {
  name: string;
  cells: NumberCell[];
}

export interface NumberTableParts {
  caption: string;
  /** What is clicked: each cell, or each row, whose columns sort them. */
  clicked: "cell" | "row" | "none";
  choose(row: number, column: number): void;
}

export function createNumberTable({ caption, clicked, choose }: NumberTableParts) {
  const head = h("tr");
  const body = h("tbody");
  const element = h("table", "matrix", h("caption", {}, caption), h("thead", {}, head), body);
  let columns: readonly string[] = [];
  let rows: readonly NumberRow[] = [];
  let order: number[] = [];
  let sorted: { column: number; down: boolean } | null = null;
  let shape = "";

  element.addEventListener("click", (e) => {
    const at = (e.target as Element).closest<HTMLElement>("[data-row],[data-column]");
    if (!at) return;
    const column = Number(at.dataset.column ?? 0);
    if (at.dataset.row) choose(order[Number(at.dataset.row)], column);
    else {
      sorted = { column, down: sorted?.column !== column || !sorted.down };
      fill();
    }
  });

  function make(): void {
    const isSorted = clicked === "row";
    const cell = (place: Record<string, number>, text = "") =>
      h("button", { type: "button", class: "number-cell", ...place }, text);
    const headings = columns.map((name, column) =>
      h("th", { scope: "col" }, isSorted ? cell({ "data-column": column }, name) : name),
    );
    head.replaceChildren(h("td"), ...headings);
    body.replaceChildren(
      ...rows.map((_, row) => {
        const place = { "data-row": row };
        const cells = columns.map((_, column) =>
          h("td", {}, clicked === "cell" ? cell({ ...place, "data-column": column }) : ""),
        );
        const heading = h("th", { scope: "row" }, isSorted ? cell({}) : "");
        return h("tr", isSorted ? place : {}, heading, ...cells);
      }),
    );
  }

  function fill(): void {
    const key = (row: number) => rows[row].cells[sorted?.column ?? 0].value;
    order = range(rows.length);
    if (sorted) {
      const sign = sorted.down ? -1 : 1;
      const defined = (row: number) => Number(Number.isNaN(key(row)));
      order.sort((a, b) => defined(a) - defined(b) || sign * (key(a) - key(b)) || a - b);
      [...head.children].slice(1).forEach((heading, column) => {
        const how = column !== sorted?.column ? "none" : sorted.down ? "descending" : "ascending";
        heading.ariaSort = how;
      });
    }
    order.forEach((row, place) => {
      const { name, cells } = rows[row];
      const [heading, ...shown] = body.children[place].children as unknown as HTMLElement[];
      (heading.firstElementChild ?? heading).textContent = name;
      heading.title = name;
      cells.forEach((cell, column) => {
        fillCell(shown[column], cell);
      });
    });
  }

  return {
    element,
    update(nextColumns: readonly string[], nextRows: readonly NumberRow[]): void {
      const now = JSON.stringify([nextColumns, nextRows.map(({ name }) => name)]);
      [columns, rows] = [nextColumns, nextRows];
      if (now !== shape) make();
      shape = now;
      fill();
    },
  };
}

function fillCell(place: HTMLElement, { value, text, title, share }: NumberCell): void {
  const button = place.querySelector("button");
  (button ?? place).textContent = text;
  if (title) place.title = title;
  if (share !== undefined) {
    place.style.setProperty("--torchdial-share", `${Math.round(60 * share)}%`);
  }
  if (button) {
    button.disabled = value === 0;
    button.ariaLabel = title ?? text;
  }
}
