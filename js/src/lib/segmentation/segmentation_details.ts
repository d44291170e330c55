// The tables below the pictures, made only while they are open.

import { h } from "../core/dom";
import { average, nameOf, type PixelMetric, pool, range } from "../core/metrics";
import { createClassTable } from "../numbers/class_table";
import { binaryMatrix, classMatrix } from "../numbers/confusion_table";
import { binsOf, createHistogramBars } from "../numbers/histogram_bars";
import { createMatrixPanel, TOO_LARGE } from "../numbers/matrix_panel";
import { imageCountText } from "../numbers/metric_text";
import type { PictureChoice } from "../numbers/picture_choice";
import { type ModelCounts, Scope } from "./model_counts";
import type { PixelChoices } from "./pixel_choices";
import type { SegmentationConfig } from "./segmentation_wire";
import { formatOf, symbolOf } from "./stop_text";

const MOST_CLASSES_IN_MATRIX = 32;
const METRICS: readonly PixelMetric[] = ["dice", "iou", "precision", "recall"];

export interface DetailsEvents {
  choices: PixelChoices;
  choose(choice: PictureChoice | null): void;
  changed(): void;
}

export function createSegmentationDetails(
  config: SegmentationConfig,
  { choices, choose, changed }: DetailsEvents,
) {
  const { class_names: names, stops, task } = config;
  const symbol = symbolOf(config);
  const zeroDivision = config.zero_division ?? Number.NaN;
  const canChoose = choices.canChoose();
  const matrixPanel = createMatrixPanel({
    caption: "rows: target, columns: prediction, in pixels",
    background: names.length,
    choose: canChoose
      ? (truth, predicted) => {
          const text = `target ${truth.name}, predicted ${predicted.name}`;
          choose(choices.ofCell(truth.index, predicted.index, text));
        }
      : null,
    changed,
  });
  const hint = canChoose ? "; click a row for its pictures" : "";
  const caption = `in pixels, each class against the rest${hint}`;
  const classTable = createClassTable(
    names,
    caption,
    canChoose ? (c) => choose(choices.ofClass(c)) : null,
  );
  const bars = createHistogramBars("pixels", (bin) => choose(choices.ofBin(bin)));
  const [matrix, classes, histogram] = [matrixPanel, classTable, bars].map(({ element }) =>
    h("details", "details", h("summary"), element),
  );
  classes.hidden = names.length === 1;
  const isOpen = (details: HTMLDetailsElement, title: string, of: readonly Node[]) => {
    details.children[0].replaceChildren(`${title} `, ...of);
    return details.open && !details.hidden;
  };

  return {
    elements: [matrix, classes, histogram],

    /** `of` makes the name of the tables' model; empty for a single model. */
    update(
      source: ModelCounts,
      shown: number | null,
      at: readonly number[],
      of: () => readonly Node[],
    ): void {
      const { track } = source;
      const byArgmax = task === "multiclass" && shown === null;
      const isTooLarge = byArgmax && names.length > MOST_CLASSES_IN_MATRIX;
      matrix.hidden = !track;
      matrixPanel.element.hidden = isTooLarge;
      classes.hidden = !track || names.length === 1;
      const over = track ? imageCountText(track.totalImages) : "";
      const title = isTooLarge ? TOO_LARGE : `confusion matrix, ${over}`;
      if (track && isOpen(matrix, title, of()) && !isTooLarge) {
        const scope = new Scope(config, shown);
        matrixPanel.update(
          byArgmax && track.joint
            ? classMatrix(track.joint, names, at)
            : binaryMatrix(track.counts, at, scope.classes, names),
        );
      }
      if (track && isOpen(classes, `counts of each class, ${over}`, of())) {
        const images = range(track.counts.numImages);
        classTable.update((c) => {
          const { tp, fp, positives } = pool(track.counts, at, images, [c]);
          const metrics = METRICS.map((metric) => [
            nameOf(metric),
            average(track.counts, metric, "micro", at, [c], zeroDivision),
          ]);
          return { tp, fp, fn: positives - tp, metrics: Object.fromEntries(metrics) };
        });
      }
      const pictures = imageCountText(config.num_images);
      if (isOpen(histogram, `histogram of ${symbol}, ${pictures}`, of())) {
        const levels = new Scope(config, shown).histogram(source);
        bars.update(binsOf(levels, stops, symbol, formatOf(config)));
      }
    },
  };
}
