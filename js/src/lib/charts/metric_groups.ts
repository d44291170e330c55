// Which scalars share an axis: twins of training and validation, and groups `a/b`.

export interface Name {
  /** As it was logged. */
  full: string;
  /** Without the word for the data it was measured on. */
  key: string;
  /** Measured on data that was not trained on: drawn dashed. */
  held: boolean;
}

const DATA = /^(train|training|val|valid|validation|test|eval)[/_](?=.)/;
const RESERVED = /^(system\/.*|grad_norm|clip_coefficient|amp_scale|skipped|epoch)$/;
const LOWER = /loss|error|err\b|mse|mae|rmse|nll|ppl|perplexity|wer\b|cer\b|fid\b/i;
const HIGHER = /acc|f1|dice|iou|auc|precision|recall|\bmap\b|score|bleu|psnr|ssim|reward|return/i;

export function readName(full: string): Name {
  const data = DATA.exec(full)?.[1] ?? "";
  const key = data ? full.slice(data.length + 1) : full;
  return { full, key, held: data !== "" && !data.startsWith("train") };
}

/** Whether a name is kept by the monitor for other views. */
export function isReserved(full: string): boolean {
  return RESERVED.test(full);
}

/** Whether a name is a learning rate, which the monitor records by itself. */
export function isRate(full: string): boolean {
  return full === "lr" || full.startsWith("lr/");
}

/** Names by panel, each panel and each name in order of appearance; learning rates come last. */
export function panelsOf(names: readonly string[]): Map<string, Name[]> {
  const panels = new Map<string, Name[]>();
  for (const full of [...names].sort((a, b) => Number(isRate(a)) - Number(isRate(b)))) {
    const name = readName(full);
    const panel = name.key.split("/")[0] || name.key;
    const members = panels.get(panel);
    if (members) members.push(name);
    else panels.set(panel, [name]);
  }
  return panels;
}

/** Which end of a curve is the best one, where its name says: −1 the lowest, 1 the highest, else 0. */
export function better(name: string): -1 | 0 | 1 {
  if (LOWER.test(name)) return -1;
  return HIGHER.test(name) ? 1 : 0;
}
