// The pictures and boxes that a clicked number of a detection counts, at the setting of the moment; the
// same as `images_of`, `boxes_of`, `images_between`, `worst` and `to_pandas` of Python.

import { ANY, is, worstFirst } from "../core/image_choice";
import { range } from "../core/metrics";
import type { Bin } from "../numbers/histogram_bars";
import { toCsv } from "../numbers/image_table";
import type { LegendCounts } from "../numbers/legend_counts";
import { byCount, type PictureChoice } from "../numbers/picture_choice";
import { LONG } from "./detection_readout";
import type { DetectionConfig } from "./detection_wire";
import type { Detector } from "./model_boxes";
import type { DetectionSetting } from "./rules/boxes_shown";
import { type CountedBox, countedBoxes, type DecidedImage } from "./rules/detection_confusion";
import { DETECTION_METRICS, type DetectionMetric } from "./rules/detection_metrics";
import { levelsOf } from "./rules/detection_tally";

/** What a number counts: a detection, a target, or both, by their index; -1 for none. */
export type ChosenBox = Pick<CountedBox, "detection" | "target">;

/** Pictures, and which of the boxes in them were counted; these follow the dials. */
export interface BoxChoice extends PictureChoice {
  boxesIn(image: DecidedImage): ChosenBox[];
}

/** The setting, and the model whose pictures are chosen. */
export interface BoxSetting {
  detector: Detector;
  setting: DetectionSetting;
  /** Index of the shown class, null for all. */
  label: number | null;
  metric: DetectionMetric;
  /** The setting as text. */
  where: string;
}

export type BoxChoices = ReturnType<typeof createBoxChoices>;

export function createBoxChoices(config: DetectionConfig, now: () => BoxSetting) {
  const { class_names: names, score_stops: scoreStops, num_images: numImages } = config;
  const numClasses = names.length;

  const decided = () => now().detector.decide(now().setting);

  /** What the matrix counts of some targets and detections. */
  const counted = (isCounted: (box: CountedBox) => boolean) => (image: DecidedImage) =>
    countedBoxes(image, numClasses).filter(isCounted);

  function chosen(boxesIn: BoxChoice["boxesIn"], text: string, unit: string): BoxChoice {
    const counts = decided().map((image) => boxesIn(image).length);
    return { ...byCount(counts, text, unit), boxesIn };
  }

  function ofCell(truth: number, predicted: number, text: string): BoxChoice {
    const isIn = (box: CountedBox) => is(box.truth, truth) && is(box.predicted, predicted);
    return chosen(counted(isIn), `${text} at ${now().where}`, "boxes");
  }

  return {
    ofCell,

    /** A class that is detected; or found boxes, false alarms or missed targets of what is shown. */
    ofLegend(counts: LegendCounts, text: string): BoxChoice {
      if (typeof counts === "number") return ofCell(ANY, counts, `detected ${names[counts]}`);
      const { label, where } = now();
      const isCounted = ({ truth, predicted }: CountedBox) => {
        const of = counts === "fn" ? truth : predicted;
        const isRight = truth === predicted;
        return of < numClasses && is(of, label ?? ANY) && isRight === (counts === "tp");
      };
      return chosen(counted(isCounted), `${text} at ${where}`, "boxes");
    },

    /** The pictures with a class, those with the lowest metric first. */
    ofClass(index: number): BoxChoice {
      const { detector, setting, metric, where } = now();
      const values = range(numImages).map((image) =>
        detector.measureImage(metric, index, setting, image),
      );
      const counts = detector
        .countsAt(setting)
        .map(({ fp, positives }) => fp[index] + positives[index]);
      const text = `with ${names[index]}, lowest ${LONG[metric]} first, at ${where}`;
      const boxesIn = counted((box) => box.truth === index || box.predicted === index);
      return { order: worstFirst(values, counts), text, boxesIn };
    },

    /** The pictures with candidates of some scores, shown or suppressed. */
    ofBin({ first, last, text }: Bin): BoxChoice {
      const { label } = now();
      const boxesIn = ({ found }: DecidedImage) => {
        const levels = levelsOf(found.scores, scoreStops);
        return range(found.count)
          .filter((i) => levels[i] >= first && levels[i] <= last)
          .filter((i) => is(found.labels[i], label ?? ANY))
          .map((detection) => ({ detection, target: -1 }));
      };
      return chosen(boxesIn, text, "candidates");
    },

    /** Counts and metrics of each image as CSV. */
    toCsv(): string {
      const { detector, setting, label } = now();
      const rows = decided().map(({ found, shown }, image) => {
        const { tp, fp, positives } = detector.sumOf(label, setting, image);
        const kept = shown.filter((i) => is(found.labels[i], label ?? ANY)).length;
        const metrics = COLUMNS.map((m) => detector.measureImage(m, label, setting, image));
        return [image, kept, tp, fp, positives - tp, ...metrics];
      });
      return toCsv(["image", "kept", "tp", "fp", "fn", ...COLUMNS], rows);
    },
  };
}

/** The metrics in the order of Python's columns. */
const COLUMNS = [...DETECTION_METRICS.slice(1), DETECTION_METRICS[0]];
