// The pictures and boxes that a clicked number of a detection counts, at the setting of the moment; the
// same as `images_of`, `boxes_of`, `images_between`, `worst` and `to_pandas` of Python.

import { ANY, is } from "../core/image_choice";
import { range } from "../core/metrics";
import type { Bin } from "../preview/histogram_bars";
import { toCsv } from "../preview/image_table";
import type { LegendCounts } from "../preview/legend_counts";
import { byCount, byMetric, type PictureChoice } from "../preview/picture_choice";
import { LONG } from "./detection_readout";
import type { DetectionConfig } from "./detection_wire";
import type { Detector } from "./model_boxes";
import type { DetectionSetting } from "./rules/boxes_shown";
import { type CountedBox, countedBoxes, type DecidedImage } from "./rules/detection_confusion";
import { missed } from "./rules/detection_counts";
import { DETECTION_METRICS, type DetectionMetric } from "./rules/detection_metrics";
import { levelsOf } from "./rules/detection_tally";
import { FALSE, TRUE } from "./rules/matching";

/** What a number counts in an image, by their index. */
export interface ChosenBoxes {
  detections: number[];
  /** Targets that these are counted with. */
  targets: number[];
  /** Targets counted by themselves. */
  missed: number[];
}

/** Pictures, and which of the boxes in them were counted; these follow the dials. */
export interface BoxChoice extends PictureChoice {
  boxesIn(image: DecidedImage): ChosenBoxes;
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

  /** What the matrix counts in a cell. */
  const inCell = (truth: number, predicted: number) => (image: DecidedImage) =>
    countedBoxes(image, numClasses).filter(
      (counted) => is(counted.truth, truth) && is(counted.predicted, predicted),
    );

  function chosen(boxesIn: BoxChoice["boxesIn"], counts: number[], text: string): BoxChoice {
    return { ...byCount(counts, `${text} at ${now().where}`, "boxes"), boxesIn };
  }

  function ofCell(truth: number, predicted: number, text: string): BoxChoice {
    const counted = inCell(truth, predicted);
    const counts = decided().map((image) => counted(image).length);
    return chosen((image) => boxesOf(counted(image)), counts, text);
  }

  /** Found boxes, false alarms or missed targets of what is shown. */
  function ofOutcome(outcome: "tp" | "fp" | "fn", text: string): BoxChoice {
    const { label } = now();
    const isShown = (labels: Uint16Array) => (i: number) => label === null || labels[i] === label;
    const boxesIn = ({ found, truth, outcome: { state, taken }, shown }: DecidedImage) =>
      outcome === "fn"
        ? alone([...missed(truth, { state, taken }, shown)].filter(isShown(truth.labels)), true)
        : alone(
            [...shown]
              .filter((i) => state[i] === (outcome === "tp" ? TRUE : FALSE))
              .filter(isShown(found.labels)),
          );
    const counts = decided().map((image) => numBoxes(boxesIn(image)));
    return chosen(boxesIn, counts, text);
  }

  return {
    ofCell,

    ofLegend: (counts: LegendCounts, text: string): BoxChoice =>
      typeof counts === "number"
        ? ofCell(ANY, counts, `detected ${names[counts]}`)
        : ofOutcome(counts, text),

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
      const boxesIn = (image: DecidedImage) =>
        boxesOf([...inCell(index, ANY)(image), ...inCell(ANY, index)(image)]);
      return { ...byMetric(values, counts, text), boxesIn };
    },

    /** The pictures with candidates of some scores, shown or suppressed. */
    ofBin({ first, last, text }: Bin): BoxChoice {
      const { label } = now();
      const boxesIn = ({ found }: DecidedImage) => {
        const levels = levelsOf(found.scores, scoreStops);
        return alone(
          range(found.count).filter(
            (i) =>
              levels[i] >= first &&
              levels[i] <= last &&
              (label === null || found.labels[i] === label),
          ),
        );
      };
      const counts = decided().map((image) => numBoxes(boxesIn(image)));
      return { ...byCount(counts, text, "candidates"), boxesIn };
    },

    /** Counts and metrics of each image as CSV. */
    toCsv(): string {
      const { detector, setting, label } = now();
      const sum = (counts: Uint32Array) =>
        label === null ? counts.reduce((total, v) => total + v, 0) : counts[label];
      const images = decided();
      const rows = detector
        .countsAt(setting)
        .map(({ tp, fp, positives }, image) => [
          image,
          [...images[image].shown].filter(
            (i) => label === null || images[image].found.labels[i] === label,
          ).length,
          sum(tp),
          sum(fp),
          sum(positives) - sum(tp),
          ...COLUMNS.map((metric) => detector.measureImage(metric, label, setting, image)),
        ]);
      return toCsv(["image", "kept", "tp", "fp", "fn", ...COLUMNS], rows);
    },
  };
}

/** The metrics in the order of Python's columns. */
const COLUMNS = [...DETECTION_METRICS.slice(1), DETECTION_METRICS[0]];

/** Detections, or missed targets, without counterparts. */
const alone = (indices: number[], isMissed = false): ChosenBoxes => ({
  detections: isMissed ? [] : indices,
  targets: [],
  missed: isMissed ? indices : [],
});

function boxesOf(counted: readonly CountedBox[]): ChosenBoxes {
  const found = counted.filter(({ detection }) => detection >= 0);
  const lost = counted.filter(({ detection }) => detection < 0);
  return {
    // Of a class a hit is counted both as its target's and as its detection's.
    detections: [...new Set(found.map(({ detection }) => detection))],
    targets: found.map(({ target }) => target).filter((target) => target >= 0),
    missed: lost.map(({ target }) => target),
  };
}

const numBoxes = ({ detections, missed }: ChosenBoxes) => detections.length + missed.length;
