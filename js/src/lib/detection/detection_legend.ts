// The legend of the detection views.

import { css, FALSE_NEGATIVE, FALSE_POSITIVE, TRUE_POSITIVE } from "../core/colors";
import { range } from "../core/metrics";
import type { LegendEntry } from "../preview/preview_shell";
import { ASIDE_COLOR, classColor } from "./box_marks";
import type { DetectionConfig, DetectionView } from "./detection_wire";
import type { Detector } from "./model_boxes";

const MOST_CLASSES = 24;

export function detectionLegend(
  config: DetectionConfig,
  detectors: readonly Detector[],
  view: DetectionView,
  label: number | null,
): LegendEntry[] {
  if (view === "errors") {
    const ignores = detectors[0].scenes.some(({ truth }) => truth.ignore.includes(1));
    return [
      { color: css(TRUE_POSITIVE), text: "found: solid (TP)", class: "outlined", counts: "tp" },
      {
        color: css(FALSE_POSITIVE),
        text: "false alarm: dashed (FP)",
        class: "dashed",
        counts: "fp",
      },
      {
        color: css(FALSE_NEGATIVE),
        text: "missed target: dotted (FN)",
        class: "dotted",
        counts: "fn",
      },
      ...(ignores ? [{ color: css(ASIDE_COLOR), text: "ignored", class: "outlined" }] : []),
    ];
  }
  const { class_names: names } = config;
  const there = (c: number) => detectors.some((detector) => detector.numCandidates(c) > 0);
  const classes = label === null ? range(names.length).filter(there) : [label];
  const entries: LegendEntry[] = classes
    .slice(0, MOST_CLASSES)
    .map((c) => ({ color: css(classColor(c)), text: names[c], counts: c }));
  const more = classes.length - entries.length;
  if (more > 0) entries.push({ color: "transparent", text: `and ${more} more` });
  if (view === "ghosts") {
    entries.push({ color: css(ASIDE_COLOR), text: "thin: suppressed by NMS", class: "thin" });
  }
  return entries;
}
