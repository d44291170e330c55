// The chart and tables below the pictures, made only while they are open.

import { h } from "../core/dom";
import { formatStop } from "../core/stops";
import { matrixTable } from "../preview/confusion_table";
import { imageCountText } from "../segmentation/segmentation_text";
import type { Focus } from "./detection_dials";
import { apName, nearestScore } from "./detection_readout";
import type { DetectionState } from "./detection_state";
import { confusionMatrix, countsTable, type PrLine, prChart } from "./detection_tables";
import type { Detector } from "./model_boxes";
import { confusion } from "./rules/detection_confusion";

export function createDetails(state: DetectionState, hasCurves: boolean) {
  const { config } = state;
  const { stops, score_stops: scoreStops, class_names: names } = config;
  const zeroDivision = config.zero_division ?? Number.NaN;
  const elements = [0, 1, 2].map(() => h("details", { class: "details" }, h("summary"), h("div")));
  const [curve, counts, matrix] = elements;
  curve.hidden = !hasCurves;
  counts.hidden = matrix.hidden = !config.has_targets;

  const fill = (details: HTMLDetailsElement, title: string, make: () => Element) => {
    details.children[0].textContent = title;
    if (details.open && !details.hidden) details.children[1].replaceChildren(make());
  };

  function lineOf(detector: Detector, label: number | null): PrLine[] {
    const { setting, score } = state;
    const precision = detector.valuesOf("precision", label);
    const recall = detector.valuesOf("recall", label);
    if (!precision || !recall) return [];
    const start = setting.stop * scoreStops.length;
    const row = (values: ArrayLike<number>) => Array.from(scoreStops, (_, s) => values[start + s]);
    const line = { precision: row(precision), recall: row(recall) };
    const s = nearestScore(config, score);
    const at = detector.given
      ? { precision: line.precision[s], recall: line.recall[s] }
      : {
          precision: detector.measure("precision", label, setting),
          recall: detector.measure("recall", label, setting),
        };
    return [{ ...line, at }];
  }

  return {
    elements,

    /** `prefix` is the name of the tables' model; empty for a single model. */
    update({ detectors, label }: Focus, prefix: string): void {
      const { setting } = state;
      const [first] = detectors;
      const over = `${prefix}${imageCountText(config.num_images)}`;
      const stop = formatStop(stops, setting.stop);
      fill(curve, `precision over recall at NMS IoU ${stop}`, () =>
        prChart(detectors.flatMap((detector) => lineOf(detector, label))),
      );
      fill(counts, `counts of each class, ${over}`, () => {
        const { ap } = first;
        const apOf = ap && ((c: number) => ap.matchByClass[c * stops.length + setting.stop]);
        return countsTable(first.countsAt(setting), names, zeroDivision, apOf, apName(config));
      });
      fill(matrix, `confusion matrix, ${over}`, () => {
        const cells = confusion(first.decide(setting), names.length);
        const caption = "rows: target, columns: detection, in boxes";
        return matrixTable(confusionMatrix(cells, names), caption);
      });
    },
  };
}
