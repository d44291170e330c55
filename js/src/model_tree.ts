// ModelTree: the Python side is src/torchdial/widgets/model_tree.py.

import type { AnyModel } from "@anywidget/types";
import { type Bytes, float64Of } from "./lib/core/bytes";
import { button, copyText, h, select } from "./lib/core/dom";
import type { Guard } from "./lib/core/error_display";
import { handleMessages } from "./lib/core/kernel_messages";
import { createSettings } from "./lib/core/synced_settings";
import { beforePaint } from "./lib/core/timing";
import { listen } from "./lib/core/widget_model";
import { whenVisible } from "./lib/live/when_visible";
import { renderer } from "./lib/preview/preview_shell";
import { LiveCell, type LiveLook } from "./lib/tree/live_cell";
import { type LiveFrame, LiveModules } from "./lib/tree/live_columns";
import { COSTS, type Cost } from "./lib/tree/module_costs";
import {
  ancestors,
  makeTree,
  openTo,
  type TreeView,
  type VisibleRow,
  visibleRows,
} from "./lib/tree/module_table";
import { decadesOf, STATISTICS } from "./lib/tree/statistic_styles";
import { createRows, markOf } from "./lib/tree/tree_rows";
import type { ModelTreeMessage, ModelTreeTraits } from "./lib/tree/tree_wire";

const ROW_HEIGHT = 26;
const HEAD_HEIGHT = 27; // with its line
const MAX_VISIBLE_ROWS = 20;
const SPARE_ROWS = 4; // drawn above and below the visible ones
const ROWS_PER_PAGE = MAX_VISIBLE_ROWS - 1;
const FIRST_DEPTH = 2;
const TREE_KEYS =
  "Arrows move and open, Home, End and Page keys jump, Enter selects, * opens all, / searches.";

/** Live statistics that each widget has received, for its next view. */
const modulesKnown = new WeakMap<AnyModel<ModelTreeTraits>, LiveModules>();

function show(model: AnyModel<ModelTreeTraits>, root: HTMLElement, guard: Guard): () => void {
  const table = model.get("_table");
  const costs = COSTS.flatMap((cost) => {
    const bytes = table.costs[cost.key];
    return bytes ? [{ ...cost, values: float64Of(bytes) }] : [];
  });
  const words = table.path.map((path, i) => `${path} ${table.kind[i]}`.toLowerCase());
  const tree = makeTree(float64Of(table.depth), table.folds, words);
  const makeRow = createRows(table, tree, costs);
  const settings = createSettings(model, ["selected"], [], changed);
  const updating = beforePaint(guard(update));
  const drawAllRows = guard(() => drawRows(0, rows.length)); // on paper nothing scrolls
  const open = openTo(tree, FIRST_DEPTH);
  if (table.failed >= 0) for (const row of ancestors(tree, table.failed)) open.add(row);
  const unfolded = new Set<number>();
  let sortedBy: Cost | null = null;
  let rows: VisibleRow[] = [];
  let focused = 0;
  const { frame, data } = model.get("_live");
  const live = frame && data ? (modulesKnown.get(model) ?? new LiveModules({ frame, data })) : null;
  if (live) modulesKnown.set(model, live);
  let marked = "";
  let problem = "";
  const cells = new Map<number, LiveCell>();
  const markNotice = h("div", { class: "notice", role: "alert", hidden: true });
  const notice = h("div", { class: "notice", role: "alert", hidden: true });

  const search = h("input", {
    type: "search",
    class: "search",
    placeholder: "search",
    "aria-label": "search modules",
  });
  search.addEventListener("input", relist);
  const depths = select("depth", [["", "depth"], ...depthChoices(), ["all", "all"]]);
  depths.addEventListener("change", () => expandTo(depths.value));
  const copy = button("copy", "Copy the table as text", () => {
    copyText(table.text).then((copied) =>
      announce(copied ? "copied" : "the browser does not allow copying"),
    );
  });
  const help = h("div", { class: "keys", hidden: true }, TREE_KEYS);
  const toggleHelp = () => {
    help.hidden = !help.hidden;
  };
  const toolbar = h(
    "div",
    { class: "toolbar", role: "toolbar", "aria-label": "modules" },
    search,
    depths,
    h("span", { class: "spring" }),
    copy,
    button("?", "Show the keys", toggleHelp),
  );
  const summary = h("div", { class: "readout" });
  summary.append(...table.summary.map((line) => h("span", {}, line)));
  const status = h("div", { class: "spoken", role: "status" });
  const heads = costs.map(({ key, text }) => {
    const head = button(text, `Sort by ${text}`, () => sortBy(key));
    return { key, head, cell: h("div", { role: "columnheader", class: "tree-number" }, head) };
  });
  const header = h(
    "div",
    { class: "tree-row tree-head", role: "row" },
    h("div", { role: "columnheader", class: "tree-module" }, "module"),
    h("div", { role: "columnheader", class: "tree-output" }, "output"),
    ...liveHeads(),
    ...heads.map(({ cell }) => cell),
  );
  const lines = h("div", { class: "tree-lines", role: "rowgroup" });
  const body = h("div", { class: "tree-body", tabindex: 0 }, header, lines);
  body.addEventListener("scroll", updating.call);
  body.addEventListener("click", onClick);
  const grid = h("div", { class: "tree", role: "treegrid", "aria-label": "modules" });
  const height = HEAD_HEIGHT + (MAX_VISIBLE_ROWS + 0.5) * ROW_HEIGHT;
  body.style.setProperty("--torchdial-tree-height", `${height}px`);
  grid.append(body);
  root.style.setProperty("--torchdial-tree-costs", String(costs.length));
  root.append(toolbar, help, summary, notice, markNotice, grid, status);
  root.addEventListener("keydown", onKey);
  const drawing = whenVisible(root, guard(drawLive));
  const sizes = new ResizeObserver(drawing.call);
  if (live) {
    grid.classList.add("torchdial-tree-with-live");
    sizes.observe(body);
  }
  window.addEventListener("beforeprint", drawAllRows);
  window.addEventListener("afterprint", updating.call);
  const stopListening = [
    () => window.removeEventListener("beforeprint", drawAllRows),
    () => window.removeEventListener("afterprint", updating.call),
    handleMessages<ModelTreeMessage>(model, guard, {
      live: (message, buffers) => takeLive(message.frame, buffers[0], message.whole),
      error({ message }) {
        problem = message;
        updating.call();
      },
    }),
    // A host reads the state again after its connection was lost.
    listen(model, ["_live"], guard(readLive)),
  ];
  relist();
  reveal();
  showNewestMark();

  function depthChoices() {
    const deepest = Math.max(0, ...Array.from(tree.depth as Float64Array));
    return Array.from(
      { length: Math.max(deepest - 1, 0) },
      (_, i) => [String(i + 1), `to depth ${i + 1}`] as const,
    );
  }

  // Input

  function expandTo(value: string): void {
    open.clear();
    const depth = value === "all" ? Number.POSITIVE_INFINITY : Number(value);
    for (const row of openTo(tree, depth)) open.add(row);
    depths.value = "";
    relist();
  }

  function sortBy(key: Cost): void {
    sortedBy = sortedBy === key ? null : key;
    relist();
  }

  function toggle(row: number): void {
    if (!open.delete(row)) open.add(row);
    relist();
  }

  function unfold(row: number): void {
    if (!unfolded.delete(row)) unfolded.add(row);
    relist();
  }

  function choose(row: number): void {
    const path = table.path[row];
    settings.set({ selected: settings.get("selected") === path ? null : path });
  }

  function onClick(e: MouseEvent): void {
    const target = e.target as Element;
    const line = target.closest<HTMLElement>(".torchdial-tree-line");
    if (!line) return;
    const row = Number(line.dataset.row);
    focused = rows.findIndex((shown) => shown.row === row);
    if (target.closest(".torchdial-tree-toggle")) toggle(row);
    else if (target.closest(".torchdial-tree-times")) unfold(row);
    else choose(row);
    updating.call();
  }

  function onKey(e: KeyboardEvent): void {
    if (e.ctrlKey || e.metaKey || e.altKey) return; // shortcuts of the host
    e.stopPropagation();
    if (e.target instanceof HTMLInputElement || e.target instanceof HTMLSelectElement) return;
    const { row } = rows[focused];
    const isOpen = open.has(row) && tree.end[row] > row + 1;
    const go = (to: number) => () => {
      focused = Math.min(Math.max(to, 0), rows.length - 1);
      reveal();
    };
    const parent = rows.findIndex((shown) => shown.row === tree.parent[row]);
    const inBody: Record<string, () => void> = {
      arrowdown: go(focused + 1),
      arrowup: go(focused - 1),
      pagedown: go(focused + ROWS_PER_PAGE),
      pageup: go(focused - ROWS_PER_PAGE),
      home: go(0),
      end: go(rows.length - 1),
      arrowright: isOpen ? go(focused + 1) : () => toggle(row),
      arrowleft: isOpen ? () => toggle(row) : go(parent),
      enter: () => choose(row),
      " ": () => unfold(row),
      "*": () => expandTo("all"),
    };
    const everywhere: Record<string, () => void> = { "/": () => search.focus(), "?": toggleHelp };
    const key = e.key.toLowerCase();
    const action = (e.target === body && inBody[key]) || everywhere[key];
    if (!action) return;
    action();
    e.preventDefault();
  }

  function announce(text: string): void {
    status.textContent = text;
    copy.textContent = text;
    setTimeout(() => {
      copy.textContent = "copy";
    }, 1500);
  }

  /** Scroll to the focused row. */
  function reveal(): void {
    const top = focused * ROW_HEIGHT;
    if (top < body.scrollTop) body.scrollTop = top;
    const bottom = HEAD_HEIGHT + top + ROW_HEIGHT - body.clientHeight;
    if (bottom > body.scrollTop) body.scrollTop = bottom;
    updating.call();
  }

  function changed(): void {
    const chosen = table.path.indexOf(settings.get("selected") ?? "");
    if (settings.get("selected") !== null && chosen >= 0) goTo(chosen);
    updating.call();
  }

  // What is shown

  /** Recompute which rows are shown. */
  function relist(): void {
    const here = rows[focused]?.row ?? 0;
    const cost = costs.find(({ key }) => key === sortedBy)?.values ?? null;
    const look: TreeView = { open, unfolded, query: search.value, cost };
    rows = visibleRows(tree, look);
    focused = Math.max(
      0,
      rows.findIndex(({ row }) => row === here),
    );
    lines.style.height = `${rows.length * ROW_HEIGHT}px`;
    for (const { key, cell } of heads) {
      cell.ariaSort = key === sortedBy ? "descending" : "none";
    }
    grid.ariaRowCount = String(rows.length);
    updating.call();
  }

  /** Draw the visible rows only: two thousand at once are too slow. */
  function update(): void {
    const first = Math.max(0, Math.floor(body.scrollTop / ROW_HEIGHT) - SPARE_ROWS);
    drawRows(first, first + MAX_VISIBLE_ROWS + 2 * SPARE_ROWS);
  }

  function drawRows(first: number, last: number): void {
    cells.clear();
    lines.replaceChildren(...rows.slice(first, last).map((shown, i) => line(shown, first + i)));
    root.dataset.rows = String(rows.length);
    const query = search.value.trim();
    const hasHit = query === "" || rows.some(({ found }) => found);
    const nothing = hasHit ? "" : `no module has "${query}" in its name or kind`;
    notice.textContent = [settings.kernel.message, problem, nothing].filter(Boolean).join("\n");
    notice.hidden = notice.textContent === "";
    drawLive();
  }

  function line(shown: VisibleRow, place: number): HTMLElement {
    const { row, times } = shown;
    const cell = live && new LiveCell(times > 1 ? `first of ${times}: ` : "");
    if (cell) cells.set(row, cell);
    const element = makeRow(shown, {
      place,
      isOpen: open.has(row) || search.value !== "",
      isSelected: settings.get("selected") === table.path[row],
      isUnfolded: unfolded.has(row),
      mark: markOf(row, live?.marks ?? [], tree, table.path, open.has(row)),
      statistics: cell?.element ?? null,
    });
    if (place === focused) element.classList.add("torchdial-tree-focused");
    element.style.top = `${place * ROW_HEIGHT}px`;
    return element;
  }

  // Live statistics

  function readLive(): void {
    const { frame, data } = model.get("_live");
    if (frame && data) takeLive(frame, data, true);
  }

  function takeLive(frame: LiveFrame, data: Bytes, whole: boolean): void {
    live?.take(frame, data, whole);
    showNewestMark();
    drawing.call();
  }

  function liveHeads(): HTMLElement[] {
    if (!live) return [];
    const heads = STATISTICS.map(({ text, title }) =>
      h("div", { role: "columnheader", class: "tree-statistic", title }, text),
    );
    return [h("div", { class: "tree-live", role: "presentation" }, ...heads)];
  }

  /** Draw the statistics of the visible rows; their elements stay, since one may be pressed. */
  function drawLive(): void {
    if (!live) return;
    const color = getComputedStyle(root).getPropertyValue("--torchdial-faint");
    const decades = STATISTICS.map(({ key }) => [key, decadesOf(live.rings[key].newest)] as const);
    const look = { color, decades: Object.fromEntries(decades) } as LiveLook;
    for (const [row, cell] of cells) cell.draw(live, row, look);
    root.dataset.paints = String(Number(root.dataset.paints ?? 0) + 1);
  }

  /** Show the newest event about a module, with a button that goes there. */
  function showNewestMark(): void {
    const now = JSON.stringify(live?.marks ?? []);
    if (now === marked) return;
    marked = now;
    updating.call();
    const mark = live?.marks[live.marks.length - 1];
    markNotice.hidden = !mark;
    if (!mark) return;
    const goThere = button("→ show", `Show ${table.path[mark.row]}`, () => goTo(mark.row));
    markNotice.replaceChildren("⚠ ", h("bdi", {}, mark.words), " ", goThere);
  }

  /** Open the ancestors of a row and scroll to it. */
  function goTo(row: number): void {
    for (const above of ancestors(tree, row)) open.add(above);
    for (const { start, size, count } of tree.folds) {
      if (row >= start + size && row < start + size * count) unfolded.add(start);
    }
    relist();
    const place = rows.findIndex((shown) => shown.row === row);
    if (place >= 0) focused = place;
    reveal();
  }

  return () => {
    for (const stop of stopListening) stop();
    sizes.disconnect();
    drawing.cancel();
    settings.dispose();
    updating.cancel();
  };
}

export default renderer(show);
