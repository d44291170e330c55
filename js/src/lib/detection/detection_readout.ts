// The results at the dials, in one line for each model.

import { formatCount } from "../charts/axis_scale";
import { h } from "../core/dom";
import { nearestStop } from "../core/stops";
import { formatMetric, imageCountText } from "../segmentation/segmentation_text";
import { type DetectionState, formatScore } from "./detection_state";
import type { Ap, DetectionConfig } from "./detection_wire";
import type { Detector, GivenCurves } from "./model_boxes";
import type { Band } from "./rules/bootstrap";
import { DETECTION_METRICS, type DetectionMetric } from "./rules/detection_metrics";

const BAND_TITLE =
  "In brackets: the 5 % and 95 % quantiles over 200 bootstrap samples of the images";
const AP_TITLE =
  "COCO's average precision, AP over IoU 0.50:0.95. It depends on NMS, not on the score dial.";

/** A metric's short name on screen. */
export const SHORT: Record<DetectionMetric, string> = { f1: "F1", precision: "P", recall: "R" };
export const LONG: Record<DetectionMetric, string> = {
  ...SHORT,
  precision: "precision",
  recall: "recall",
};

/** A space as wide as a digit, so that texts of numbers keep their width. */
export const SPACE = "\u2007";
const BAND_LENGTH = " (0.00–0.00)".length;

/**
 * Why there is no metric, in words: "nothing to find, 12 false alarms" or "no candidates, 3 missed";
 * else empty. Of one image, or of all.
 */
export function lackText(detector: Detector, image?: number): string {
  const { tp, fp, positives } = detector.sumOf(image);
  const some = (count: number, text: string) =>
    count > 0 ? `, ${formatCount(count)} ${text}` : "";
  if (positives === 0) {
    return `nothing to find${some(fp, fp === 1 ? "false alarm" : "false alarms")}`;
  }
  const none = detector.numCandidates(image) === 0;
  return none ? `no candidates${some(positives - tp, "missed")}` : "";
}

/** The name of AP at the match IoU: "AP50". */
export function apName({ match_iou: least }: DetectionConfig): string {
  return `AP${Math.round(100 * least)}`;
}

/** The counts and metrics of one model at the setting. */
export function readout(
  state: DetectionState,
  detector: Detector,
  name: readonly Node[],
  hasBand: boolean,
): Node[] {
  const { config, label, setting } = state;
  const { given } = detector;
  const all = formatCount(detector.numCandidates());
  const kept = formatCount(detector.numShown());
  const images = imageCountText(config.num_images);
  const how = `at IoU ≥ ${config.match_iou}, ${label === null ? `${config.average} ` : ""}over `;
  const parts: (Node | string)[] = [
    ...name.map((node) => node.cloneNode(true)),
    `kept ${kept} of ${all}`.padEnd(9 + 2 * all.length, SPACE),
  ];
  const lack = lackText(detector);
  if (config.has_targets && lack) {
    parts.push("  ", lack, h("small", {}, ` in ${given ? "the shown " : ""}${images}  `));
  } else if (config.has_targets) {
    const band = setting.own.length ? null : detector.bandOf();
    const metrics = DETECTION_METRICS.map((which) => {
      const value = `${SHORT[which]} ${formatMetric(detector.measure(which))}`;
      if (which !== state.metric || !hasBand || setting.own.length) return value;
      const text = band ? bandText(band, nearestStop(config.score_stops, state.score)) : "";
      return value + text.padEnd(BAND_LENGTH, SPACE); // so that nothing moves while it is computed
    });
    parts.push("  ", h("span", { title: band ? BAND_TITLE : "" }, metrics.join("  ")));
    parts.push(h("small", {}, ` ${how}${given ? "the shown " : ""}${images}  `));
  } else {
    parts.push(h("small", {}, ` on ${images}  `));
  }
  if (!given) parts.push(...apParts(state, detector.ap, detector.floor));
  const line = h("span", {}, ...parts);
  return given ? [givenLine(state, detector, given, name, how), line] : [line];
}

/** The metrics of the given curves at the nearest score stop. */
function givenLine(
  state: DetectionState,
  detector: Detector,
  given: GivenCurves,
  name: readonly Node[],
  how: string,
): Node {
  const { config, setting } = state;
  const s = nearestStop(config.score_stops, state.score);
  const metrics = DETECTION_METRICS.map((which) => {
    const values = detector.valuesOf(which);
    const value = values ? values[setting.stop * config.score_stops.length + s] : Number.NaN;
    return `${SHORT[which]} ${formatMetric(value)}`;
  });
  const at = formatScore(config.score_stops[s]);
  const over = `${how}${imageCountText(given.totalImages)}, at score ${at}  `;
  const ap = apParts(state, given.ap, null);
  return h("span", {}, ...name, metrics.join("  "), h("small", {}, ` ${over}`), ...ap);
}

/** " (0.71–0.84)". */
function bandText({ low, high }: Band, s: number): string {
  return ` (${low[s].toFixed(2)}–${high[s].toFixed(2)})`;
}

/** "AP50 0.712  AP 0.512" and "all scores above 0.01". */
function apParts(
  { config, label, setting: { stop } }: DetectionState,
  ap: Ap | null,
  floor: number | null,
): Node[] {
  if (!ap) return [];
  const ofClass = (c: number) => ap.matchByClass[c * config.stops.length + stop];
  const words = [
    `${apName(config)} ${formatMetric(label === null ? ap.match[stop] : ofClass(label))}`,
  ];
  if (label === null) words.push(`AP ${formatMetric(ap.coco[stop])}`);
  const over = floor === null ? "all scores" : `all scores above ${formatScore(floor)}`;
  return [h("span", { title: AP_TITLE }, words.join("  ")), h("small", {}, ` ${over}`)];
}
