// The traits and messages of a module tree; src/torchdial/widgets/model_tree.py writes them.

import type { Bytes } from "../core/bytes";
import type { Failure } from "../core/kernel_messages";
import type { LiveFrame } from "./live_columns";
import type { Cost } from "./module_costs";
import type { Fold } from "./module_table";

export interface ModelTreeTraits {
  /** Path of the chosen module, null for none. */
  selected: string | null;
  _table: WireTable;
  /** The newest statistics of a run, `{}` without a monitor. */
  _live: { frame?: LiveFrame; data?: Bytes };
}

/** The module table; lists have one entry for each row. */
export interface WireTable {
  path: string[];
  kind: string[];
  arguments: string[];
  output: string[];
  /** A remark beside the numbers of a row, "" for most. */
  remark: string[];
  depth: Bytes;
  /** By cost; only what was measured. */
  costs: Partial<Record<Cost, Bytes>>;
  folds: Fold[];
  /** Row in which the forward pass failed, -1 if it completed. */
  failed: number;
  summary: string[];
  /** The table as text, to copy. */
  text: string;
}

/** Live statistics; `whole` if they replace all earlier ones. */
export type ModelTreeMessage = { type: "live"; whole: boolean; frame: LiveFrame } | Failure;
