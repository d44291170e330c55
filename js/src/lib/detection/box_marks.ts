// The boxes drawn over one picture, and the one under the pointer.

import {
  category,
  FALSE_NEGATIVE,
  FALSE_POSITIVE,
  NUM_HUES,
  type Rgb,
  TRUE_POSITIVE,
} from "../core/colors";
import type { ChosenBox } from "./box_choices";
import type { DetectionView } from "./detection_wire";
import type { DetectionSetting } from "./rules/boxes_shown";
import type { DecidedImage } from "./rules/detection_confusion";
import { missed } from "./rules/detection_counts";
import { keptAt } from "./rules/image_decisions";
import { IGNORED, TRUE } from "./rules/matching";

export const ASIDE_COLOR: Rgb = [140, 140, 140];

/**
 * A box that is drawn: "ghost" is a suppressed one, "aside" an ignored target, and "target" the one
 * that belongs to the detection under the pointer.
 */
export interface BoxMark {
  as: "box" | "ghost" | "hit" | "falseAlarm" | "ignored" | "miss" | "aside" | "target";
  /** Index of the detection; for "miss", "aside" and "target" that of the target. */
  index: number;
  /** Whether a clicked number does not count it. */
  faded?: boolean;
}

/** Number of shown detections that lie entirely outside an image of [height, width]. */
export function numOutside(
  { found, shown }: DecidedImage,
  [height, width]: readonly number[],
  label: number | null,
): number {
  return shown.reduce((sum, i) => {
    const [x1, y1, x2, y2] = found.boxes.subarray(4 * i, 4 * i + 4);
    const outside = x2 <= 0 || y2 <= 0 || x1 >= width || y1 >= height;
    return sum + Number(outside && (label === null || found.labels[i] === label));
  }, 0);
}

/** The marks of an image in drawing order: the highest score is last, on top. */
export function marksOf(
  image: DecidedImage,
  view: DetectionView,
  setting: DetectionSetting,
  label: number | null,
): BoxMark[] {
  const { found, truth, outcome } = image;
  const ofClass = (labels: Uint16Array) => (i: number) => label === null || labels[i] === label;
  const shown = [...image.shown].filter(ofClass(found.labels)).reverse();
  if (view !== "errors") {
    const boxes = shown.map((index): BoxMark => ({ as: "box", index }));
    return view === "ghosts" ? [...ghosts(image, setting, label), ...boxes] : boxes;
  }
  const states = { [TRUE]: "hit", [IGNORED]: "ignored" } as const;
  const stateOf = (i: number) => states[outcome.state[i] as keyof typeof states] ?? "falseAlarm";
  const of = ofClass(truth.labels);
  return [
    ...[...truth.ignore.keys()]
      .filter((index) => truth.ignore[index] && of(index))
      .map((index): BoxMark => ({ as: "aside", index })),
    ...[...missed(truth, outcome, image.shown)]
      .filter(of)
      .map((index): BoxMark => ({ as: "miss", index })),
    ...shown.map((index): BoxMark => ({ as: stateOf(index), index })),
  ];
}

/** The marks with those on top that a clicked number counts, the others faded. */
export function withChosen(
  marks: readonly BoxMark[],
  shown: Int32Array,
  chosen: readonly ChosenBox[],
): BoxMark[] {
  const counted = chosen.flatMap(({ detection, target }): BoxMark[] => [
    { as: detection < 0 ? "miss" : "target", index: target },
    { as: shown.includes(detection) ? "box" : "ghost", index: detection },
  ]);
  const keyOf = (mark: BoxMark) => (isTarget(mark) ? ~mark.index : mark.index);
  const rest = new Map(marks.map((mark) => [keyOf(mark), mark]));
  const take = (mark: BoxMark) => {
    const known = rest.get(keyOf(mark)) ?? mark;
    rest.delete(keyOf(mark));
    return known;
  };
  const above = counted.filter(({ index }) => index >= 0).map(take);
  return [...Array.from(rest.values(), (mark) => ({ ...mark, faded: true })), ...above];
}

/** Suppressed detections above the score threshold. */
function ghosts(
  { found }: DecidedImage,
  { score, stop, own }: DetectionSetting,
  label: number | null,
): BoxMark[] {
  const marks: BoxMark[] = [];
  for (let index = found.count - 1; index >= 0; index--) {
    const of = found.labels[index];
    if (label !== null && of !== label) continue;
    if (!(found.scores[index] > Math.fround(own[of] ?? score))) continue;
    if (!keptAt(found, stop, index)) marks.push({ as: "ghost", index });
  }
  // By class, since many boxes are drawn faster by colour.
  return marks.sort((a, b) => found.labels[a.index] - found.labels[b.index]);
}

export function isTarget({ as }: BoxMark): boolean {
  return as === "miss" || as === "aside" || as === "target";
}

/** A box's x1, y1, x2, y2. */
export type Corners = readonly [number, number, number, number];

export function cornersOf(image: DecidedImage, mark: BoxMark): Corners {
  const { boxes } = isTarget(mark) ? image.truth : image.found;
  const i = 4 * mark.index;
  return [boxes[i], boxes[i + 1], boxes[i + 2], boxes[i + 3]];
}

/** The colours of marks that have not that of their class. */
const COLORS: Partial<Record<BoxMark["as"], Rgb>> = {
  hit: TRUE_POSITIVE,
  falseAlarm: FALSE_POSITIVE,
  miss: FALSE_NEGATIVE,
  target: [255, 255, 255],
  ignored: ASIDE_COLOR,
  aside: ASIDE_COLOR,
};

export function markColor({ found }: DecidedImage, { as, index }: BoxMark): Rgb {
  return COLORS[as] ?? classColor(found.labels[index]);
}

/**
 * Colour of a class; black comes last, as it is hard to see on many pictures. Where hues repeat the
 * lines differ, and only once these repeat, too, the colours are lighter.
 */
export function classColor(label: number): Rgb {
  const hue = (label + 1) % NUM_HUES;
  return category(hue + NUM_HUES * Math.floor((label + 1) / (NUM_HUES * LINES.length)));
}

/** Lines of classes whose hue repeats; `swatch` is their style in the legend. */
export const LINES = [
  { dash: [], swatch: "outlined" },
  { dash: [8, 3], swatch: "outlined dashed" },
  { dash: [2, 2], swatch: "outlined dotted" },
  { dash: [9, 3, 2, 3], swatch: "outlined double" },
] as const;

/** Index of a class's line: the next one each time the hues repeat. */
export function lineOf(label: number): number {
  return Math.floor((label + 1) / NUM_HUES) % LINES.length;
}

/** The smallest mark within `slack` of a point; of two equally small, the upper one. */
export function markAt(
  image: DecidedImage,
  marks: readonly BoxMark[],
  x: number,
  y: number,
  slack: number,
): BoxMark | null {
  let least = Number.POSITIVE_INFINITY;
  let best: BoxMark | null = null;
  for (const mark of marks) {
    const [x1, y1, x2, y2] = cornersOf(image, mark);
    if (x < x1 - slack || x > x2 + slack || y < y1 - slack || y > y2 + slack) continue;
    const area = (x2 - x1) * (y2 - y1);
    if (area <= least) {
      least = area;
      best = mark;
    }
  }
  return best;
}
