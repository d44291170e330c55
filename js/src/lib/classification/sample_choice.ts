// Which samples are listed: those of a view, or of a cell of the confusion matrix.

import type { PictureChoice } from "../numbers/picture_choice";
import type { Samples } from "./classification_wire";
import { isInCell, outcomeOf, pick, type Setting } from "./outcomes";

/** A cell of the confusion matrix whose samples are listed, and its name. */
export interface Cell {
  truth: number;
  predicted: number;
  text: string;
}

export interface Wanted {
  view: string;
  /** The views in their order: nearest, false positives or wrong, false negatives or none, all. */
  views: readonly string[];
  cell: Cell | null;
  /** The threshold as text. */
  at: string;
  /** Number of all samples. */
  total: number;
}

/** The samples and what they are; null for all of them. */
export function samplesOf(
  samples: Samples,
  setting: Setting,
  { view, views, cell, at, total }: Wanted,
): PictureChoice | null {
  const furthest = ", furthest from the threshold first";
  if (cell) {
    const { truth, predicted, text } = cell;
    const order = pick(
      samples,
      setting,
      (place) => isInCell(samples, place, setting, truth, predicted),
      -1,
    );
    return { order, text: `${text}${furthest}` };
  }
  const outcome = ([null, "fp", "fn", null] as const)[views.indexOf(view)];
  if (outcome) {
    const order = pick(
      samples,
      setting,
      (place) => outcomeOf(samples, place, setting)[outcome],
      -1,
    );
    return { order, text: `${view}${furthest}` };
  }
  if (view === views[0]) {
    return { order: pick(samples, setting, () => true, 1), text: `nearest to p = ${at}` };
  }
  if (samples.index.length === total) return null;
  return { order: [...samples.index].sort((a, b) => a - b), text: "nearest to any threshold" };
}
