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
  const { as, index } = mark;
  const boxOf = (i: number) => `${names[found.labels[i]]} ${formatScore(found.scores[i])}`;
  const tie = tieOf(config, image, mark, setting);
  const target = names[truth.labels[index]];
  if (as === "aside") {
    const kind = truth.crowd[index] ? "a crowd" : "an ignored target";
    return `${target}: ${kind}, neither found nor missed`;
  }
  if (as === "target") return `target ${target}`;
  if (as === "miss") return `missed ${target}: ${whyMissed(config, image, index, setting)}`;
  const box = boxOf(index);
  if (as === "ghost") {
    if (!tie) return box;
    const limit = formatScore(config.stops[setting.stop]);
    return `${box}: suppressed by ${boxOf(tie.to.index)}, IoU ${tie.iou.toFixed(3)} > ${limit}`;
  }
  if (!config.has_targets) return box;
  switch (outcome.state[index]) {
    case TRUE:
      return `${box}: true positive, IoU ${(tie as BoxTie).iou.toFixed(3)} with its target`;
    case IGNORED:
      return `${box}: ignored, as its target is`;
  }
  const other = confused(image)[index];
  const isNear = pairsOf(image).some(([i]) => i === index);
  const why =
    other >= 0
      ? `on a missed ${names[truth.labels[other]]}`
      : isNear
        ? "its target matches a higher score"
        : `no ${names[found.labels[index]]} with IoU ≥ ${least} here`;
  return `${box}: false positive, ${why}`;
}

/** The detections and targets of one class that overlap. */
function pairsOf({ found, truth, pairs }: DecidedImage): (readonly [number, number])[] {
  return Array.from(pairs.detection, (i, p) => [i, pairs.target[p]] as const).filter(
    ([i, j]) => found.labels[i] === truth.labels[j],
  );
}

/** Why a target was missed: "its best candidate has score 0.21". */
function whyMissed(
  config: DetectionConfig,
  image: DecidedImage,
  target: number,
  { score, stop, own }: DetectionSetting,
): string {
  const { found, truth, outcome } = image;
  const near = pairsOf(image).flatMap(([i, j]) => (j === target ? [i] : []));
  if (near.length === 0) return `no candidate with IoU ≥ ${config.match_iou}`;
  const free = near.filter((i) => outcome.taken[i] === target || outcome.taken[i] < 0);
  const best = free.find((i) => keptAt(found, stop, i));
  if (best === undefined) return "its candidates are suppressed or match other targets";
  const value = formatScore(found.scores[best]);
  return found.scores[best] > Math.fround(own[truth.labels[target]] ?? score)
    ? `its candidate (${value}) is beyond max det`
    : `its best candidate has score ${value}`;
}
