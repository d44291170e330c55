// The results at the dials, in one line for each model.

import { formatCount } from "../charts/axis_scale";
import { h } from "../core/dom";
import { nearestStop } from "../core/stops";
import { formatMetric, imageCountText } from "../numbers/metric_text";
import { type DetectionState, formatScore } from "./detection_state";
import type { Ap, DetectionConfig } from "./detection_wire";
import type { Detector } from "./model_boxes";
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
  const { config, label, setting, metric: main } = state;
  const { given } = detector;
  const all = formatCount(detector.numCandidates());
  const kept = formatCount(detector.keptCounts()[setting.stop]);
  const images = `${given ? "the shown " : ""}${imageCountText(config.num_images)}`;
  const how = `at IoU ≥ ${config.match_iou}, ${label === null ? `${config.average} ` : ""}over `;
  const small = (text: string) => h("small", {}, ` ${text}  `);
  const s = nearestStop(config.score_stops, state.score);
  const lack = lackText(detector);
  const parts: (Node | string)[] = [
    ...name.map((node) => node.cloneNode(true)),
    `kept ${kept} of ${all}`.padEnd(9 + 2 * all.length, SPACE),
  ];
  if (!config.has_targets) parts.push(small(`on ${images}`));
  else if (lack) parts.push("  ", lack, small(`in ${images}`));
  else {
    const shows = hasBand && setting.own.length === 0;
    const band = shows ? detector.bandOf() : null;
    const text = (band ? bandText(band, s) : "").padEnd(BAND_LENGTH, SPACE); // so that nothing moves
    const metrics = metricsText((which) => detector.measure(which));
    const words = metrics.map((one, i) =>
      shows && DETECTION_METRICS[i] === main ? one + text : one,
    );
    parts.push("  ", h("span", { title: band ? BAND_TITLE : "" }, words.join("  ")));
    parts.push(small(how + images));
  }
  if (!given) return [h("span", {}, ...parts, ...apParts(state, detector.ap, detector.floor))];
  // The given curves, at the nearest score stop.
  const cell = setting.stop * config.score_stops.length + s;
  const values = metricsText((which) => detector.valuesOf(which)?.[cell] ?? Number.NaN).join("  ");
  const at = formatScore(config.score_stops[s]);
  const over = small(`${how}${imageCountText(given.totalImages)}, at score ${at}`);
  return [
    h("span", {}, ...name, values, over, ...apParts(state, given.ap, null)),
    h("span", {}, ...parts),
  ];
}

function metricsText(of: (which: DetectionMetric) => number): string[] {
  return DETECTION_METRICS.map((which) => `${SHORT[which]} ${formatMetric(of(which))}`);
}

/** " (0.71–0.84)". */
function bandText({ low, high }: Band, s: number): string {
  return ` (${low[s].toFixed(2)}–${high[s].toFixed(2)})`;
}

/** "AP50 0.712  AP 0.512" and "scores from 0.01". */
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
  const over = floor === null ? "all scores" : `scores from ${formatScore(floor)}`;
  return [h("span", { title: AP_TITLE }, words.join("  ")), h("small", {}, ` ${over}`)];
}
