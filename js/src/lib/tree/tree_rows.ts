// The element of one row of a module tree.

import { h } from "../core/dom";
import type { EventMark } from "./live_columns";
import { amountText, type Cost } from "./module_costs";
import type { Tree, VisibleRow } from "./module_table";
import type { WireTable } from "./tree_wire";

/** A cost that was measured, with its amount in each row. */
export interface CostColumn {
  key: Cost;
  text: string;
  values: Float64Array;
}

/** The warning sign of a row. */
export interface RowMark {
  words: string;
  /** Whether the event is about the row itself, not about a module below it. */
  own: boolean;
}

/** What is shown of a row besides the table. */
export interface RowState {
  /** Position among the visible rows. */
  place: number;
  isOpen: boolean;
  isSelected: boolean;
  /** Whether the run of equal blocks that starts here is shown block by block. */
  isUnfolded: boolean;
  mark: RowMark | null;
  /** Live statistics, null without a monitor. */
  statistics: HTMLElement | null;
}

/** Returns a function that makes the element of a row. */
export function createRows(table: WireTable, tree: Tree, costs: readonly CostColumn[]) {
  return ({ row, times, found }: VisibleRow, state: RowState): HTMLElement => {
    const { place, isOpen, mark, statistics } = state;
    const isParent = tree.end[row] > row + 1;
    const isFailed = row === table.failed || mark?.own;
    return h(
      "div",
      {
        class: `tree-row tree-line${isFailed ? " tree-failed" : ""}`,
        role: "row",
        "aria-level": tree.depth[row] + 1,
        "aria-rowindex": place + 1,
        "aria-selected": String(state.isSelected),
        "data-row": row,
        "data-path": table.path[row],
        ...(isParent && { "aria-expanded": String(isOpen) }),
      },
      moduleCell(row, times, found, state),
      h(
        "div",
        { class: "tree-output", role: "gridcell", title: table.output[row] },
        table.output[row],
      ),
      ...(statistics ? [statistics] : []),
      ...costs.map((cost) => costCell(cost, row)),
    );
  };

  function moduleCell(
    row: number,
    times: number,
    found: boolean,
    { isOpen, isUnfolded, mark }: RowState,
  ): HTMLElement {
    const isParent = tree.end[row] > row + 1;
    const name = row === 0 ? table.kind[0] : (table.path[row].split(".").pop() as string);
    const toggle = isParent ? (isOpen ? "▾" : "▸") : "";
    const about = [table.path[row], table.kind[row], table.arguments[row], table.output[row]];
    const title = about.filter(Boolean).join("\n"); // also of what a narrow page leaves out
    const cell = h(
      "div",
      { class: "tree-module", role: "gridcell", title },
      h("span", { class: "tree-toggle", "aria-hidden": "true" }, toggle),
      ...(mark ? [warning(mark)] : []),
      h("span", { class: found ? "tree-name tree-found" : "tree-name" }, name),
      ...(row === 0 ? [] : [h("span", { class: "tree-kind" }, table.kind[row])]),
      ...foldButton(row, times, isUnfolded),
      h("span", { class: "tree-arguments", title: table.arguments[row] }, table.arguments[row]),
      h("span", { class: "tree-remark", title: table.remark[row] }, table.remark[row]),
    );
    cell.style.setProperty("--torchdial-depth", String(tree.depth[row]));
    return cell;
  }

  /** "×12", which unfolds and folds a run of equal blocks. */
  function foldButton(row: number, times: number, isUnfolded: boolean): HTMLElement[] {
    const fold = tree.folds.find(({ start }) => start === row);
    if (!fold || (times === 1 && !isUnfolded)) return [];
    const text = times > 1 ? `×${times}` : `1 of ${fold.count}`;
    const title = times > 1 ? "Equal blocks: show each" : "Show equal blocks as one";
    return [h("span", { class: "tree-times", title }, text)];
  }
}

function warning({ words }: RowMark): HTMLElement {
  const sign = h("span", { class: "tree-mark", title: words }, "⚠");
  sign.ariaLabel = words;
  return sign;
}

/** The amount of a row, with a bar for its share of the model. */
function costCell({ key, values }: CostColumn, row: number): HTMLElement {
  const cell = h("div", { class: "tree-number", role: "gridcell" });
  const share = values[0] > 0 ? (100 * values[row]) / values[0] : 0;
  cell.style.setProperty("--torchdial-share", `${share.toFixed(2)}%`);
  cell.title = `${share.toFixed(1)} % of the model`;
  cell.append(amountText(key, values[row]));
  return cell;
}

/** The mark of a row: its own newest event, or while it is closed that of a module below it. */
export function markOf(
  row: number,
  marks: readonly EventMark[],
  tree: Tree,
  paths: readonly string[],
  isOpen: boolean,
): RowMark | null {
  const below = marks.filter((mark) => mark.row >= row && mark.row < tree.end[row]);
  const own = below.find((mark) => mark.row === row);
  if (own) return { words: own.words, own: true };
  if (!below.length || isOpen) return null;
  const newest = below[below.length - 1];
  return { words: `in ${paths[newest.row]}: ${newest.words}`, own: false };
}
