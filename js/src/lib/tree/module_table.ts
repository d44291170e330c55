// The module tree as arrays, parents before children; src/torchdial/widgets/model_tree.py sends it.

/** A run of equal blocks of which the first is shown. */
export interface Fold {
  start: number;
  size: number;
  count: number;
}

export interface Tree {
  count: number;
  depth: ArrayLike<number>;
  /** Row of the parent, -1 for the model itself. */
  parent: Int32Array;
  /** For each row the first later row outside its subtree. */
  end: Int32Array;
  folds: readonly Fold[];
  /** The searched text of each row, in lower case. */
  words: readonly string[];
}

/** How the tree is shown: search, sort, open rows. */
export interface TreeView {
  /** Rows whose children are shown. */
  open: ReadonlySet<number>;
  /** Starts of the folds that were opened. */
  unfolded: ReadonlySet<number>;
  query: string;
  /** Cost by which siblings are sorted, the largest first; null for the order of the model. */
  cost: ArrayLike<number> | null;
}

export interface VisibleRow {
  row: number;
  /** How many equal blocks the row stands for. */
  times: number;
  /** Whether the row itself matches the search, not only one below it. */
  found: boolean;
}

export function makeTree(
  depth: ArrayLike<number>,
  folds: readonly Fold[],
  words: readonly string[],
): Tree {
  const count = depth.length;
  const parent = new Int32Array(count).fill(-1);
  const end = new Int32Array(count).fill(count);
  const above: number[] = [];
  for (let row = 0; row < count; row++) {
    while (above.length && depth[above[above.length - 1]] >= depth[row]) {
      end[above.pop() as number] = row;
    }
    parent[row] = above[above.length - 1] ?? -1;
    above.push(row);
  }
  return { count, depth, parent, end, folds, words };
}

export function children(tree: Tree, row: number): number[] {
  const found = [];
  for (let child = row + 1; child < tree.end[row]; child = tree.end[child]) found.push(child);
  return found;
}

/** The rows with children above this depth. */
export function openTo(tree: Tree, depth: number): Set<number> {
  const open = new Set<number>();
  for (let row = 0; row < tree.count; row++) {
    if (tree.depth[row] < depth && tree.end[row] > row + 1) open.add(row);
  }
  return open;
}

/** Every row above this one. */
export function ancestors(tree: Tree, row: number): number[] {
  const found = [];
  for (let at = tree.parent[row]; at >= 0; at = tree.parent[at]) found.push(at);
  return found;
}

/** The rows to show, in order. */
export function visibleRows(tree: Tree, look: TreeView): VisibleRow[] {
  const query = look.query.trim().toLowerCase();
  const found = query === "" ? null : tree.words.map((words) => words.includes(query));
  const inside = found && withAncestors(tree, found);
  const times = timesOf(tree, look, found);
  const shown: VisibleRow[] = [];
  const waiting = tree.count > 0 ? [0] : [];
  while (waiting.length) {
    const row = waiting.pop() as number;
    if (times[row] === 0 || (inside && !inside[row] && row > 0)) continue;
    shown.push({ row, times: times[row], found: found?.[row] ?? false });
    if (!inside && !look.open.has(row)) continue;
    const below = children(tree, row);
    const { cost } = look;
    if (cost) below.sort((a, b) => cost[b] - cost[a] || a - b);
    waiting.push(...below.reverse());
  }
  return shown;
}

function withAncestors(tree: Tree, found: readonly boolean[]): boolean[] {
  const inside = [...found];
  for (let row = tree.count - 1; row > 0; row--) {
    if (inside[row]) inside[tree.parent[row]] = true;
  }
  return inside;
}

/** How many blocks each row stands for; 0 for blocks that the first of a fold stands for. */
function timesOf(tree: Tree, look: TreeView, found: readonly boolean[] | null): Uint32Array {
  const times = new Uint32Array(tree.count).fill(1);
  for (const { start, size, count } of tree.folds) {
    const first = start + size;
    const last = start + size * count;
    const onlyBehind =
      found && !found.slice(start, first).includes(true) && found.slice(first, last).includes(true);
    if (look.unfolded.has(start) || onlyBehind) continue;
    times[start] = count;
    for (let row = first; row < last; row += size) times[row] = 0;
  }
  return times;
}
