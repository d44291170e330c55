// The legend of the detection views.

import { css, FALSE_NEGATIVE, FALSE_POSITIVE, TRUE_POSITIVE } from "../core/colors";
import type { LegendEntry } from "../preview/legend";
import { ASIDE_COLOR, classColor, LINES, lineOf } from "./box_marks";
import type { DetectionConfig, DetectionView } from "./detection_wire";
import type { Detector } from "./model_boxes";
import type { Scene } from "./rules/image_decisions";

/** The legend of a view, of the classes in some images. */
export function detectionLegend(
  config: DetectionConfig,
  detectors: readonly Detector[],
  view: DetectionView,
  label: number | null,
  images: readonly number[],
): LegendEntry[] {
  if (view === "errors") {
    const ignores = detectors[0].scenes.some(({ truth }) => truth.ignore.includes(1));
    return [
      { color: css(TRUE_POSITIVE), text: "found: thin (TP)", class: "outlined thin", counts: "tp" },
      {
        color: css(FALSE_POSITIVE),
        text: "false alarm: hatched (FP)",
        class: "hatched",
        counts: "fp",
      },
      { color: css(FALSE_NEGATIVE), text: "missed target: dots (FN)", class: "dots", counts: "fn" },
      ...(ignores ? [{ color: css(ASIDE_COLOR), text: "ignored", class: "outlined" }] : []),
    ];
  }
  const { class_names: names } = config;
  const classes = label === null ? presentIn(detectors, images) : [label];
  const entries: LegendEntry[] = classes.map((c) => ({
    color: css(classColor(c)),
    text: names[c],
    class: LINES[lineOf(c)].swatch,
    counts: c,
  }));
  if (view === "ghosts") {
    entries.push({
      color: css(ASIDE_COLOR),
      text: "thin: suppressed by NMS",
      class: "outlined thin",
    });
  }
  return entries;
}

const known = new WeakMap<Scene, number[]>();

/** The classes of the candidates and targets of some images, in order. */
function presentIn(detectors: readonly Detector[], images: readonly number[]): number[] {
  const classes = detectors.flatMap(({ scenes }) => images.flatMap((i) => classesOf(scenes[i])));
  return [...new Set(classes)].sort((a, b) => a - b);
}

function classesOf(scene: Scene): number[] {
  const found = known.get(scene) ?? [...new Set([...scene.found.labels, ...scene.truth.labels])];
  known.set(scene, found);
  return found;
}
