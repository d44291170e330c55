// The text about the box under the pointer.

import { type BoxMark, isTarget } from "./box_marks";
import { formatScore } from "./detection_state";
import type { DetectionConfig } from "./detection_wire";
import type { DetectionSetting } from "./rules/boxes_shown";
import { confused, type DecidedImage } from "./rules/detection_confusion";
import { keptAt } from "./rules/image_decisions";
import { IGNORED, TRUE } from "./rules/matching";
import { suppressor } from "./rules/suppressor";

/** The counterpart of a box: the box that suppressed it, or the target that it found. */
export interface BoxTie {
  to: BoxMark;
  iou: number;
}

export function tieOf(
  config: DetectionConfig,
  { found, pairs, outcome }: DecidedImage,
  mark: BoxMark,
  { stop }: DetectionSetting,
): BoxTie | null {
  if (mark.as === "ghost") {
    const winner = suppressor(found, stop, mark.index, config.class_agnostic, config.stops);
    return winner && { to: { as: "box", index: winner.by }, iou: winner.iou };
  }
  const target = isTarget(mark) ? -1 : outcome.taken[mark.index];
  if (target < 0) return null;
  const p = pairs.detection.findIndex((i, p) => i === mark.index && pairs.target[p] === target);
  return { to: { as: "target", index: target }, iou: pairs.iou[p] };
}

/** "7 0.87: true positive, IoU 0.83 with its target". */
export function markText(
  config: DetectionConfig,
  image: DecidedImage,
  mark: BoxMark,
  setting: DetectionSetting,
): string {
  const { found, truth, outcome } = image;
  const { class_names: names, match_iou: least } = config;
  const boxOf = (i: number) => `${names[found.labels[i]]} ${formatScore(found.scores[i])}`;
  const tie = tieOf(config, image, mark, setting);
  if (mark.as === "aside") {
    const kind = truth.crowd[mark.index] ? "a crowd" : "an ignored target";
    return `${names[truth.labels[mark.index]]}: ${kind}, neither found nor missed`;
  }
  if (mark.as === "target") return `target ${names[truth.labels[mark.index]]}`;
  if (mark.as === "miss") return missText(config, image, mark.index, setting);
  const box = boxOf(mark.index);
  if (mark.as === "ghost") {
    if (!tie) return box;
    const limit = formatScore(config.stops[setting.stop]);
    return `${box}: suppressed by ${boxOf(tie.to.index)}, IoU ${tie.iou.toFixed(3)} > ${limit}`;
  }
  if (!config.has_targets) return box;
  switch (outcome.state[mark.index]) {
    case TRUE:
      return `${box}: true positive, IoU ${(tie as BoxTie).iou.toFixed(3)} with its target`;
    case IGNORED:
      return `${box}: ignored, as its target is`;
  }
  const other = confused(image)[mark.index];
  if (other >= 0) return `${box}: false positive, on a missed ${names[truth.labels[other]]}`;
  const { pairs } = image;
  const near = pairs.detection.some(
    (i, p) => i === mark.index && truth.labels[pairs.target[p]] === found.labels[i],
  );
  if (near) return `${box}: false positive, its target matches a higher score`;
  return `${box}: false positive, no ${names[found.labels[mark.index]]} with IoU ≥ ${least} here`;
}

/** Why a target was missed: "missed 7: its best candidate has score 0.21". */
function missText(
  config: DetectionConfig,
  { found, truth, pairs, outcome }: DecidedImage,
  target: number,
  { score, stop, own }: DetectionSetting,
): string {
  const label = truth.labels[target];
  const missed = `missed ${config.class_names[label]}`;
  const near = [...pairs.detection].filter(
    (i, p) => pairs.target[p] === target && found.labels[i] === label,
  );
  if (near.length === 0) return `${missed}: no candidate with IoU ≥ ${config.match_iou}`;
  const free = near.filter((i) => outcome.taken[i] === target || outcome.taken[i] < 0);
  const best = free.find((i) => keptAt(found, stop, i));
  if (best === undefined) return `${missed}: its candidates are suppressed or match other targets`;
  const least = own[label] ?? score;
  const value = formatScore(found.scores[best]);
  return found.scores[best] > Math.fround(least)
    ? `${missed}: its candidate (${value}) is beyond max det`
    : `${missed}: its best candidate has score ${value}`;
}
