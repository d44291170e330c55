// The two dials and the operating map, which all move one setting.

import { formatCount } from "../charts/axis_scale";
import { h, setText } from "../core/dom";
import { formatStop, nearestStop } from "../core/stops";
import { formatMetric } from "../numbers/metric_text";
import { createCurveSlider, quarters } from "../preview/curve_slider";
import { dialKeys, type KeyActions } from "../preview/grid_keys";
import { modelSwatch } from "../preview/model_swatch";
import { createOperatingMap } from "../preview/operating_map";
import { LONG } from "./detection_readout";
import { type DetectionState, formatScore } from "./detection_state";
import type { DetectionConfig } from "./detection_wire";
import type { Detector } from "./model_boxes";

const SCORE_STEP = 0.01;

/** Which way the NMS dial goes, and what the boxes show of an NMS before it. */
export function directionOf(config: DetectionConfig, overlap: number | null): string {
  if (config.after_nms) return "they come from an NMS, so it can only suppress more";
  if (overlap === null || overlap === 1) return "higher allows more overlap";
  const which = config.class_agnostic ? "" : " of a class";
  return `no two boxes${which} overlap by more than ${formatScore(overlap)}`;
}

export function createDials(
  state: DetectionState,
  hasCurves: boolean,
  stepDial: { elements: HTMLElement[]; maps: HTMLElement[] },
) {
  const { config } = state;
  const { stops, score_stops: scoreStops } = config;
  const stopText = (k: number) => formatStop(stops, k);
  const scoreDial = createCurveSlider({
    name: "score threshold",
    max: 1,
    step: "any",
    at: scoreStops,
    ticks: [0, 0.25, 0.5, 0.75, 1].map((at) => [at, formatScore(at)] as const),
    input: (score) => state.move({ score }),
    commit: state.flush,
  });
  const nmsDial = createCurveSlider({
    name: "NMS IoU",
    max: stops.length - 1,
    step: 1,
    ticks: quarters(stops.length, stopText),
    input: (stop) => state.move({ stop }),
    commit: state.flush,
  });
  const maps = config.sources.map((name, i) => {
    const model = config.sources.length > 1 ? modelSwatch(i, name) : null;
    const map = createOperatingMap(
      { name: "score", at: scoreStops, text: (k) => formatStop(scoreStops, k) },
      { name: "NMS IoU", at: stops, text: stopText },
      { move: ({ x, y }) => state.move({ score: x, stop: y }), commit: state.flush },
      model,
    );
    map.element.hidden = !hasCurves;
    return map;
  });
  const named = (name: string, ...words: (Node | string)[]) =>
    h("div", "dial-name", h("b", {}, name), "  ", ...words);
  const direction = h("span");
  const dials = h(
    "div",
    "dial-list",
    named("score", "bars: candidates"),
    scoreDial.element,
    named("NMS IoU", direction),
    nmsDial.element,
    ...stepDial.elements,
  );

  function updateScore(detectors: readonly Detector[]): void {
    const { setting, score } = state;
    const start = setting.stop * scoreStops.length;
    const curves = detectors.map((detector) => {
      const values = detector.valuesOf();
      return values ? Array.from(scoreStops, (_, s) => values[start + s]) : [];
    });
    const [first] = detectors;
    scoreDial.update({
      value: score,
      curves,
      points: hasCurves ? detectors.map(valueHere) : [0],
      bests: detectors.map((detector, i) => {
        const top = detector.bestOf();
        return top && { value: scoreStops[top.score], height: curves[i][top.score] };
      }),
      y: hasCurves ? { name: LONG[state.metric], top: "1" } : null,
      histogram: first.histogram(),
      band: first.hasBand ? first.bandOf() : null,
      valueText: `score > ${formatScore(score)}`,
    });
  }

  /** A metric at the dials: exact, or of given curves at the nearest score stop. */
  function valueHere(detector: Detector): number {
    const { setting, score } = state;
    if (detector.lacks()) return Number.NaN;
    if (!detector.given) return detector.measure();
    const values = detector.valuesOf();
    const cell = setting.stop * scoreStops.length + nearestStop(scoreStops, score);
    return values ? values[cell] : Number.NaN;
  }

  function updateNms(detectors: readonly Detector[]): void {
    const { setting } = state;
    const kept = detectors.map((detector) => detector.keptCounts());
    const most = Math.max(1, ...kept.map((counts) => Math.max(...counts)));
    setText(direction, directionOf(config, detectors[0].overlap));
    const shares = kept.map((counts) => counts.map((count) => count / most));
    nmsDial.update({
      value: setting.stop,
      curves: shares,
      points: shares.map((share) => share[setting.stop]),
      bests: detectors.map((detector, i) => {
        const top = detector.bestOf();
        return top && { value: top.stop, height: shares[i][top.stop] };
      }),
      y: { name: "boxes kept", top: formatCount(most) },
      valueText: `NMS IoU ${stopText(setting.stop)}`,
    });
  }

  function updateMap(detector: Detector, i: number): void {
    const { setting, score } = state;
    const name = LONG[state.metric];
    const top = detector.bestOf();
    const value = `${name} ${formatMetric(valueHere(detector))}`;
    maps[i].update({
      values: detector.valuesOf(),
      lacks: detector.lacks(),
      x: score,
      y: setting.stop,
      best: top && { x: top.score, y: top.stop },
      name,
      valueText: `score ${formatScore(score)}, NMS IoU ${stopText(setting.stop)}, ${value}`,
    });
  }

  return {
    valueHere,

    element: h("div", "dial-panel", dials, ...maps.map((map) => map.element), ...stepDial.maps),

    update(detectors: readonly Detector[]): void {
      updateScore(detectors);
      updateNms(detectors);
      if (hasCurves) detectors.forEach(updateMap);
    },

    /** Key actions while a dial or a map has the focus. */
    actions(focus: EventTarget | null): KeyActions {
      if (focus === scoreDial.input) {
        return dialKeys((by) => state.move({ score: state.score + by * SCORE_STEP }));
      }
      if (focus === nmsDial.input) {
        return dialKeys((by) => state.move({ stop: state.setting.stop + by }));
      }
      return Object.assign({}, ...maps.map((map) => map.actions(focus)));
    },
  };
}
