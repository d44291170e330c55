// What the name of a scalar tells; src/torchdial/training/history/scalar_names.py has the same rule.
// tests/golden/names.json binds the two.

export interface Name {
  /** As it was logged. */
  full: string;
  /** Without the word for the data it was measured on. */
  key: string;
  /** Measured on data that is not trained on: drawn dashed. */
  held: boolean;
}

const HELD_OUT = ["val", "valid", "validation", "test", "eval", "dev", "holdout"];
const SPLIT = new RegExp(`^(train|training|${HELD_OUT.join("|")})[/_](?=.)`, "s");
// What torchdial measures: src/torchdial/training/history/measured_names.py has the same.
const MEASURED = /^(optim|time|system)\//;
const RATE = "optim/lr";
const CAMEL = /(?<=[a-z0-9])(?=[A-Z][a-z])|(?<=[a-z]{2})(?=[A-Z])/g;
// Whole words, which may end in a number: "acc5", "mAP50".
const LOWER =
  /^([a-z0-9]*loss(es)?|nll|cost|errors?|err|mse|rmse|mae|ppl|perplexity|wer|cer|fid)\d*$/;
const HIGHER =
  /^(acc|accuracy|f1|f1score|m?dice|m?iou|jaccard|auc|auroc|precision|recall|m?ap|scores?|bleu|psnr|ssim|rewards?|returns?)\d*$/;

export function readName(full: string): Name {
  const held = wordsOf(full).some((word) => HELD_OUT.includes(word));
  return { full, key: full.replace(SPLIT, ""), held };
}

/** Whether it is shown in other views than the curves. */
export function isReserved(full: string): boolean {
  return full === "epoch" || (MEASURED.test(full) && !isLearningRate(full));
}

/** Whether it is a measured learning rate, of any optimizer and parameter group. */
export function isLearningRate(full: string): boolean {
  return full === RATE || full.startsWith(`${RATE}/`);
}

/** Whether its best value is its highest; null if its name does not say. */
export function higherIsBetter(full: string): boolean | null {
  const words = wordsOf(full);
  if (words.some((word) => LOWER.test(word))) return false;
  return words.some((word) => HIGHER.test(word)) ? true : null;
}

/** Names by panel, each panel and each name in order of appearance; learning rates come last. */
export function panelsOf(names: readonly string[]): Map<string, Name[]> {
  const panels = new Map<string, Name[]>();
  const last = (name: string) => Number(isLearningRate(name));
  for (const full of [...names].sort((a, b) => last(a) - last(b))) {
    const name = readName(full);
    const panel = isLearningRate(full) ? RATE : name.key.split("/")[0] || name.key;
    const members = panels.get(panel);
    if (members) members.push(name);
    else panels.set(panel, [name]);
  }
  return panels;
}

/** Words in lower case; those in camel case are parted, but not "IoU" or "mAP". */
function wordsOf(name: string): string[] {
  return (
    name
      .replace(CAMEL, " ")
      .toLowerCase()
      .match(/[a-z0-9]+/g) ?? []
  );
}
