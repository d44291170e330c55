// The chart and tables below the pictures, made only while they are open.

import { h } from "../core/dom";
import { formatStop, nearestStop } from "../core/stops";
import { createClassTable } from "../numbers/class_table";
import { binsOf, createHistogramBars } from "../numbers/histogram_bars";
import { createMatrixPanel } from "../numbers/matrix_panel";
import { imageCountText } from "../numbers/metric_text";
import type { BoxChoice, BoxChoices } from "./box_choices";
import { apName } from "./detection_readout";
import type { DetectionState } from "./detection_state";
import { classNumbers, confusionMatrix, type PrLine, prChart } from "./detection_tables";
import type { Detector } from "./model_boxes";
import { confusion } from "./rules/detection_confusion";

export interface DetailsEvents {
  choose(choice: BoxChoice): void;
  changed(): void;
}

/** The curve of all models, and the tables of each. */
export function createDetails(
  state: DetectionState,
  hasCurves: boolean,
  choices: readonly BoxChoices[],
  events: DetailsEvents,
) {
  const { stops, score_stops: scoreStops } = state.config;
  const chart = h("div");
  const curve = detailsOf(chart, hasCurves);
  const tables = choices.map((of) => createTables(state, of, events));

  function lineOf(detector: Detector): PrLine[] {
    const precision = detector.valuesOf("precision");
    const recall = detector.valuesOf("recall");
    if (!precision || !recall) return [];
    const start = state.setting.stop * scoreStops.length;
    const row = (values: ArrayLike<number>) => Array.from(scoreStops, (_, s) => values[start + s]);
    const line = { precision: row(precision), recall: row(recall) };
    const s = nearestStop(scoreStops, state.score);
    const at = detector.given
      ? { precision: line.precision[s], recall: line.recall[s] }
      : { precision: detector.measure("precision"), recall: detector.measure("recall") };
    return [{ ...line, at }];
  }

  return {
    elements: [curve, ...tables.flatMap(({ elements }) => elements)],

    /** `of` makes the name of a model, for titles; empty for a single one. */
    update(detectors: readonly Detector[], of: (model: number) => readonly Node[]): void {
      const stop = formatStop(stops, state.setting.stop);
      if (isOpen(curve, `precision over recall at NMS IoU ${stop}`, [])) {
        chart.replaceChildren(prChart(detectors.flatMap(lineOf)));
      }
      tables.forEach((table, i) => {
        table.update(detectors[i], () => of(i));
      });
    },
  };
}

/** The tables of one model. */
function createTables(
  state: DetectionState,
  choices: BoxChoices,
  { choose, changed }: DetailsEvents,
) {
  const { config } = state;
  const { stops, score_stops: scoreStops, class_names: names, has_targets: hasTargets } = config;
  const zeroDivision = config.zero_division ?? Number.NaN;
  const classTable = createClassTable(names, "in boxes; click a row for its pictures", (c) =>
    choose(choices.ofClass(c)),
  );
  const matrixPanel = createMatrixPanel({
    caption: "rows: target, columns: detection, in boxes",
    background: names.length,
    choose: (truth, found) => {
      const text = `target ${truth.name}, predicted ${found.name}`;
      choose(choices.ofCell(truth.index, found.index, text));
    },
    changed,
  });
  const bars = createHistogramBars("candidates", (bin) => choose(choices.ofBin(bin)));
  const counts = detailsOf(classTable.element, hasTargets);
  const matrix = detailsOf(matrixPanel.element, hasTargets);
  const histogram = detailsOf(bars.element, true);

  return {
    elements: [counts, matrix, histogram],

    update(detector: Detector, of: () => readonly Node[]): void {
      const over = imageCountText(config.num_images);
      if (isOpen(counts, `counts of each class, ${over}`, of())) {
        const { ap } = detector;
        const images = detector.countsAt();
        classTable.update((c) => {
          const at = ap?.matchByClass[c * stops.length + state.setting.stop];
          const more = at === undefined ? {} : { [apName(config)]: at };
          return classNumbers(images, c, zeroDivision, more);
        });
      }
      if (isOpen(matrix, `confusion matrix, ${over}`, of())) {
        const cells = confusion(detector.decide(), names.length);
        matrixPanel.update(confusionMatrix(cells, names));
      }
      if (isOpen(histogram, `histogram of scores, ${over}`, of())) {
        bars.update(binsOf(detector.histogram(), scoreStops, "score"));
      }
    },
  };
}

function detailsOf(part: HTMLElement, visible: boolean): HTMLDetailsElement {
  const details = h("details", "details", h("summary"), part);
  details.hidden = !visible;
  return details;
}

/** Set the title, with the model named after it; returns whether the content is visible. */
function isOpen(details: HTMLDetailsElement, title: string, of: readonly Node[]): boolean {
  details.children[0].replaceChildren(`${title} `, ...of);
  return details.open && !details.hidden;
}
