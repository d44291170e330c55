// Rows of layers as a tree of modules, folded to what fits.

export interface Node {
  /** Path of names from the root, with dots: also the key it is opened by. */
  path: string;
  /** What its parent does not say already. */
  label: string;
  depth: number;
  /** Indices of all rows below, or its own. */
  rows: number[];
  children: Node[];
}

/** Build the tree of dotted names; chains of only children become one node. */
export function treeOf(names: readonly string[]): Node[] {
  const root: Node = { path: "", label: "", depth: -1, rows: [], children: [] };
  names.forEach((name, row) => {
    let node = root;
    const parts = name.split(".");
    parts.forEach((_, i) => {
      const path = parts.slice(0, i + 1).join(".");
      // The order of the network is kept: a module that comes back gets a node of its own.
      let child = node.children[node.children.length - 1];
      if (child?.path !== path) {
        child = { path, label: parts[i], depth: 0, rows: [], children: [] };
        node.children.push(child);
      }
      child.rows.push(row);
      node = child;
    });
  });
  return root.children.map((node) => settle(node, 0));
}

function settle(node: Node, depth: number): Node {
  if (node.children.length === 1) {
    const [only] = node.children;
    return settle({ ...only, label: `${node.label}.${only.label}` }, depth);
  }
  return { ...node, depth, children: node.children.map((child) => settle(child, depth + 1)) };
}

/** Nodes that are seen, from the top, where those in `open` are unfolded. */
export function seen(tree: readonly Node[], open: ReadonlySet<string>): Node[] {
  return tree.flatMap((node) =>
    node.children.length && open.has(node.path) ? [node, ...seen(node.children, open)] : [node],
  );
}

/** What to unfold at first: from the top, as long as no more than `most` rows are seen. */
export function unfold(tree: readonly Node[], most: number): Set<string> {
  const open = new Set<string>();
  let level = tree.filter(({ children }) => children.length);
  while (level.length) {
    for (const node of level) {
      open.add(node.path);
      if (seen(tree, open).length > most) {
        open.delete(node.path);
        return open;
      }
    }
    level = level.flatMap(({ children }) => children.filter((child) => child.children.length));
  }
  return open;
}
