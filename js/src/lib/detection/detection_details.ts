// The chart and tables below the pictures, made only while they are open.

import { h } from "../core/dom";
import { formatStop } from "../core/stops";
import { createClassTable } from "../preview/class_table";
import { binsOf, createHistogramBars } from "../preview/histogram_bars";
import { createMatrixPanel } from "../preview/matrix_panel";
import { imageCountText } from "../segmentation/segmentation_text";
import type { BoxChoice, BoxChoices } from "./box_choices";
import type { Focus } from "./detection_dials";
import { apName, nearestScore } from "./detection_readout";
import type { DetectionState } from "./detection_state";
import { classNumbers, confusionMatrix, type PrLine, prChart } from "./detection_tables";
import type { Detector } from "./model_boxes";
import { confusion } from "./rules/detection_confusion";

export interface DetailsEvents {
  choices: BoxChoices;
  choose(choice: BoxChoice): void;
  changed(): void;
}

export function createDetails(
  state: DetectionState,
  hasCurves: boolean,
  { choices, choose, changed }: DetailsEvents,
) {
  const { config } = state;
  const { stops, score_stops: scoreStops, class_names: names } = config;
  const zeroDivision = config.zero_division ?? Number.NaN;
  const chart = h("div");
  const classTable = createClassTable(names, "in boxes; click a row for its pictures", (c) =>
    choose(choices.ofClass(c)),
  );
  const matrixPanel = createMatrixPanel({
    caption: "rows: target, columns: detection, in boxes",
    background: names.length,
    choose: (truth, found) => {
      const text = `target ${truth.name}, detection ${found.name}`;
      choose(choices.ofCell(truth.index, found.index, text));
    },
    changed,
  });
  const bars = createHistogramBars("candidates", (bin) => choose(choices.ofBin(bin)));
  const parts = [chart, classTable.element, matrixPanel.element, bars.element];
  const elements = parts.map((part) => h("details", { class: "details" }, h("summary"), part));
  const [curve, counts, matrix, histogram] = elements;
  curve.hidden = !hasCurves;
  counts.hidden = matrix.hidden = !config.has_targets;

  const isOpen = (details: HTMLDetailsElement, title: string) => {
    details.children[0].textContent = title;
    return details.open && !details.hidden;
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
      if (isOpen(curve, `precision over recall at NMS IoU ${stop}`)) {
        chart.replaceChildren(prChart(detectors.flatMap((detector) => lineOf(detector, label))));
      }
      if (isOpen(counts, `counts of each class, ${over}`)) {
        const { ap } = first;
        const images = first.countsAt(setting);
        classTable.update((c) => {
          const at = ap?.matchByClass[c * stops.length + setting.stop];
          const more = at === undefined ? {} : { [apName(config)]: at };
          return classNumbers(images, c, zeroDivision, more);
        });
      }
      if (isOpen(matrix, `confusion matrix, ${over}`)) {
        const cells = confusion(first.decide(setting), names.length);
        matrixPanel.update(confusionMatrix(cells, names));
      }
      if (isOpen(histogram, `histogram of scores, ${over}`)) {
        bars.update(binsOf(first.histogram(label), scoreStops, "score"));
      }
    },
  };
}
