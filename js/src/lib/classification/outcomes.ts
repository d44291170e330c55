// The outcome of each sample at a setting, as src/torchdial/sweeps/samples/outcomes.py has it, and
// which samples are listed.

import { ANY } from "../core/image_choice";
import { abstains } from "./classification_metrics";
import type { Samples } from "./classification_wire";

const IGNORED = 255;
/** How many samples are listed at most: some pages. */
export const MOST_LISTED = 64;

/**
 * Where there may be no answer, tp is a right one, fp a wrong one, and fn none. With several labels a
 * sample is fp where any of its labels is, and fn likewise.
 */
export interface Outcome {
  tp: boolean;
  fp: boolean;
  fn: boolean;
}

/** A setting: the threshold of each class, rounded to float32, and the label that is shown. */
export interface Setting {
  thresholds: Float32Array;
  label: number | null;
}

/** Whether a sample is of a class: 1, 0, or 255 where it is ignored. */
export function truthOf({ task, labels }: Samples, place: number, label: number): number {
  if (task === "multilabel") return labels[label][place];
  const target = labels[0][place];
  if (task === "binary" || target === IGNORED) return target;
  return Number(target === label);
}

/** The class of the highest score, -1 where this is not above its threshold. */
export function answerOf({ scores, argmax }: Samples, place: number, { thresholds }: Setting) {
  const label = argmax?.[place] ?? 0;
  return scores[scores.length - 1][place] > thresholds[label] ? label : -1;
}

export function outcomeOf(samples: Samples, place: number, setting: Setting): Outcome {
  const { label, thresholds } = setting;
  if (abstains(samples.task, label)) {
    const target = samples.labels[0][place];
    if (target === IGNORED) return { tp: false, fp: false, fn: false };
    const answer = answerOf(samples, place, setting);
    return { tp: answer === target, fp: answer >= 0 && answer !== target, fn: answer < 0 };
  }
  const outcome = { tp: false, fp: false, fn: false };
  for (const c of labelsOf(thresholds, label)) {
    const truth = truthOf(samples, place, c);
    const on = samples.scores[c][place] > thresholds[c];
    if (on && truth === 1) outcome.tp = true;
    if (on && truth === 0) outcome.fp = true;
    if (!on && truth === 1) outcome.fn = true;
  }
  return { ...outcome, tp: outcome.tp && !outcome.fp && !outcome.fn };
}

/** How far a sample's score is from its threshold, of several labels the nearest one. */
export function distanceOf(samples: Samples, place: number, { thresholds, label }: Setting) {
  const { scores, argmax, task } = samples;
  if (abstains(task, label)) {
    return Math.abs(scores[scores.length - 1][place] - thresholds[argmax?.[place] ?? 0]);
  }
  let nearest = Number.POSITIVE_INFINITY;
  for (const c of labelsOf(thresholds, label)) {
    nearest = Math.min(nearest, Math.abs(scores[c][place] - thresholds[c]));
  }
  return nearest;
}

function labelsOf(thresholds: Float32Array, label: number | null): Iterable<number> {
  return label === null ? thresholds.keys() : [label];
}

/** Whether a cell of the confusion matrix counts a sample; the rest is the number of classes. */
export function isInCell(
  samples: Samples,
  place: number,
  setting: Setting,
  truth: number,
  predicted: number,
): boolean {
  const rest = setting.thresholds.length;
  const matches = (wanted: number, is: number) => wanted === ANY || wanted === is;
  if (abstains(samples.task, setting.label)) {
    const answer = answerOf(samples, place, setting);
    return (
      samples.labels[0][place] !== IGNORED &&
      matches(truth, samples.labels[0][place]) &&
      matches(predicted, answer < 0 ? rest : answer)
    );
  }
  return [...labelsOf(setting.thresholds, setting.label)].some((c) => {
    const is = truthOf(samples, place, c);
    const on = samples.scores[c][place] > setting.thresholds[c];
    return is !== IGNORED && (is === 1) === (truth !== rest) && on === (predicted !== rest);
  });
}

/**
 * The wanted samples, by their indices: those nearest to the threshold first, or with `sign` -1 those
 * furthest from it; of equal ones the first. At most `MOST_LISTED`.
 */
export function pick(
  samples: Samples,
  setting: Setting,
  isWanted: (place: number) => boolean,
  sign: 1 | -1,
): number[] {
  const { index } = samples;
  const before = (a: [number, number], b: [number, number]) => a[0] - b[0] || a[1] - b[1];
  let found: [key: number, sample: number][] = [];
  let worst = Number.POSITIVE_INFINITY;
  for (let place = 0; place < index.length; place++) {
    const key = sign * distanceOf(samples, place, setting);
    if (key > worst || !isWanted(place)) continue;
    found.push([key, index[place]]);
    if (found.length < 4 * MOST_LISTED) continue;
    found = found.sort(before).slice(0, MOST_LISTED);
    worst = found[MOST_LISTED - 1][0];
  }
  return found
    .sort(before)
    .slice(0, MOST_LISTED)
    .map(([, sample]) => sample);
}
