// The pictures and boxes that a clicked number of a detection counts, at the setting of the moment; the
// same as `images_of`, `boxes_of`, `images_between`, `worst` and `to_pandas` of Python.

import { ANY, is, worstFirst } from "../core/image_choice";
import { range } from "../core/metrics";
import type { Bin } from "../numbers/histogram_bars";
import { toCsv } from "../numbers/image_table";
import type { LegendCounts } from "../numbers/legend_counts";
import { byCount, type PictureChoice } from "../numbers/picture_choice";
import { LONG } from "./detection_readout";
import { type DetectionState, formatScore } from "./detection_state";
import type { Detector } from "./model_boxes";
import { type CountedBox, countedBoxes, type DecidedImage } from "./rules/detection_confusion";
import { DETECTION_METRICS } from "./rules/detection_metrics";
import { levelsOf } from "./rules/detection_tally";

/** What a number counts: a detection, a target, or both, by their index; -1 for none. */
export type ChosenBox = Pick<CountedBox, "detection" | "target">;

/** Pictures, and which of the boxes in them were counted; these follow the dials. */
export interface BoxChoice extends PictureChoice {
  boxesIn(image: DecidedImage): ChosenBox[];
}

export type BoxChoices = ReturnType<typeof createBoxChoices>;

/** The choices among the pictures of one model. */
export function createBoxChoices(state: DetectionState, detector: () => Detector) {
  const { config } = state;
  const { class_names: names, score_stops: scoreStops, num_images: numImages } = config;
  const numClasses = names.length;

  const decided = () => detector().decide();
  const where = () => `score > ${formatScore(state.score)}`;
  const isShown = (label: number) => is(label, state.label ?? ANY);

  /** What the matrix counts of some targets and detections. */
  const counted = (isCounted: (box: CountedBox) => boolean) => (image: DecidedImage) =>
    countedBoxes(image, numClasses).filter(isCounted);

  function chosen(boxesIn: BoxChoice["boxesIn"], text: string, unit: string): BoxChoice {
    const counts = decided().map((image) => boxesIn(image).length);
    return { ...byCount(counts, text, unit), boxesIn };
  }

  function ofCell(truth: number, predicted: number, text: string): BoxChoice {
    const isIn = (box: CountedBox) => is(box.truth, truth) && is(box.predicted, predicted);
    return chosen(counted(isIn), `${text} at ${where()}`, "boxes");
  }

  return {
    ofCell,

    /** A class that is detected; or found boxes, false alarms or missed targets of what is shown. */
    ofLegend(counts: LegendCounts, text: string): BoxChoice {
      if (typeof counts === "number") return ofCell(ANY, counts, `detected ${names[counts]}`);
      const isCounted = ({ truth, predicted }: CountedBox) => {
        const of = counts === "fn" ? truth : predicted;
        const isRight = truth === predicted;
        return of < numClasses && isShown(of) && isRight === (counts === "tp");
      };
      return chosen(counted(isCounted), `${text} at ${where()}`, "boxes");
    },

    /** The pictures with a class, those with the lowest metric first. */
    ofClass(index: number): BoxChoice {
      const { metric } = state;
      const values = range(numImages).map((image) => detector().measureImage(image, metric, index));
      const counts = detector()
        .countsAt()
        .map(({ fp, positives }) => fp[index] + positives[index]);
      const text = `with ${names[index]}, lowest ${LONG[metric]} first, at ${where()}`;
      const boxesIn = counted((box) => box.truth === index || box.predicted === index);
      return { order: worstFirst(values, counts), text, boxesIn };
    },

    /** The pictures with candidates of some scores, shown or suppressed. */
    ofBin({ first, last, text }: Bin): BoxChoice {
      const boxesIn = ({ found }: DecidedImage) => {
        const levels = levelsOf(found.scores, scoreStops);
        return range(found.count)
          .filter((i) => levels[i] >= first && levels[i] <= last)
          .filter((i) => isShown(found.labels[i]))
          .map((detection) => ({ detection, target: -1 }));
      };
      return chosen(boxesIn, text, "candidates");
    },

    /** Counts and metrics of each image as CSV. */
    toCsv(): string {
      const rows = decided().map(({ found, shown }, image) => {
        const { tp, fp, positives } = detector().sumOf(image);
        const kept = shown.filter((i) => isShown(found.labels[i])).length;
        const metrics = COLUMNS.map((m) => detector().measureImage(image, m));
        return [image, kept, tp, fp, positives - tp, ...metrics];
      });
      return toCsv(["image", "kept", "tp", "fp", "fn", ...COLUMNS], rows);
    },
  };
}

/** The metrics in the order of Python's columns. */
const COLUMNS = [...DETECTION_METRICS.slice(1), DETECTION_METRICS[0]];
