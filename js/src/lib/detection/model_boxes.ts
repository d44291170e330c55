// The detections of one model, and what is computed from them at a setting, each once.

import { float32Of, uint32Of } from "../core/bytes";
import { ANY, is } from "../core/image_choice";
import { type Average, meanOfDefined } from "../core/metrics";
import {
  type Ap,
  apOf,
  type DetectionConfig,
  readScenes,
  type WireCurves,
  type WireDetections,
} from "./detection_wire";
import { type BestSetting, bestSetting } from "./rules/best_setting";
import { type Band, bootstrap } from "./rules/bootstrap";
import { type DetectionSetting, shownBoxes } from "./rules/boxes_shown";
import type { DecidedImage } from "./rules/detection_confusion";
import { type CountSum, count, type DetectionCounts, sumCounts } from "./rules/detection_counts";
import {
  type DetectionMetric,
  meanAtStops,
  metricAtStops,
  metricOf,
} from "./rules/detection_metrics";
import { type DetectionTally, imagesAt, levelsOf, tally } from "./rules/detection_tally";
import type { Targets } from "./rules/image_decisions";
import { keptCounts } from "./rules/kept_counts";
import { match, type Outcome } from "./rules/matching";

const MOST_OUTCOMES = 8; // NMS stops whose matching is kept
const FEW_IMAGES = 50; // with fewer, a bootstrap band is shown

export type Detector = ReturnType<typeof createDetector>;

/** What numbers are of: one class or all (null), a metric, and the setting of the dials. */
export interface Focus {
  config: DetectionConfig;
  label: number | null;
  metric: DetectionMetric;
  setting: DetectionSetting;
}

/** @param focus follows the dials; so does all that is computed. */
export function createDetector(
  focus: Focus,
  name: string,
  wire: WireDetections,
  truths: readonly Targets[],
  curves: WireCurves | null,
) {
  const { config } = focus;
  const { stops, score_stops: scoreStops, average, class_names: names } = config;
  const numClasses = names.length;
  const zeroDivision = config.zero_division ?? Number.NaN;
  const scenes = readScenes(wire, truths, stops.length);
  const outcomes = new Map<number, Outcome[]>();
  const known = new Map<string, unknown>(); // metrics, bands and histograms, by kind, class and setting
  const hasMasks = wire.has_masks.some(Boolean);
  const given = curves && readCurves(curves, config);
  let kept: { key: string; counts: Float64Array } = { key: "", counts: new Float64Array() };
  let counted: { tally: DetectionTally; maxDet: number } | null = null;

  const ruleOf = (maxDet: number) => ({ scoreStops, maxDet, numClasses });
  const isShown = (label: number) => is(label, focus.label ?? ANY);

  function remember<T>(key: string, make: () => T): T {
    if (!known.has(key)) known.set(key, make());
    return known.get(key) as T;
  }

  function outcomesAt(stop: number): Outcome[] {
    const found = outcomes.get(stop) ?? scenes.map((scene) => match(scene, stop));
    outcomes.set(stop, found);
    if (outcomes.size > MOST_OUTCOMES) outcomes.delete(outcomes.keys().next().value as number);
    return found;
  }

  /** The decisions in every image. */
  const decide = latest((): DecidedImage[] => {
    const outcome = outcomesAt(focus.setting.stop);
    return scenes.map((scene, image) => ({
      ...scene,
      outcome: outcome[image],
      shown: shownBoxes(scene.found, focus.setting),
    }));
  });

  /** Counts of every image. */
  const countsAt = latest((): DetectionCounts[] =>
    decide().map((d) => count(d.found, d.truth, d.outcome, d.shown, numClasses)),
  );

  /** Cache the result for the last setting. */
  function latest<T>(make: () => T): () => T {
    let at: DetectionSetting | null = null;
    let result: T;
    return () => {
      if (at !== focus.setting) result = make();
      at = focus.setting;
      return result;
    };
  }

  /** Number of candidates of the shown class, in one image or in all. */
  const numCandidates = (image?: number): number =>
    remember(`candidates/${focus.label}/${image}`, () => {
      const some = image === undefined ? scenes : [scenes[image]];
      return some.reduce((sum, { found }) => sum + found.labels.filter(isShown).length, 0);
    });

  const numTargets = (): number =>
    remember(`targets/${focus.label}`, () =>
      scenes.reduce(
        (sum, { truth }) =>
          sum + truth.labels.filter((label, i) => isShown(label) && !truth.ignore[i]).length,
        0,
      ),
    );

  /** Why there is no metric at any setting: "no candidates" or "nothing to find"; else empty. */
  function lacks(): string {
    if (given) return "";
    if (numTargets() === 0) return "nothing to find";
    return numCandidates() === 0 ? "no candidates" : "";
  }

  /**
   * A metric (T, S), of the given curves or else of these images, undefined where `lacks` says why;
   * null before `count`.
   */
  function valuesOf(which = focus.metric): ArrayLike<number> | null {
    const tally = counted?.tally;
    const { label } = focus;
    if (!given && !tally) return null;
    return remember(`values/${which}/${label}`, () => {
      if (given) return given.values(which, label);
      const size = stops.length * scoreStops.length;
      if (!tally || lacks()) return new Float64Array(size).fill(Number.NaN);
      return metricAtStops(tally, which, average, label, zeroDivision);
    });
  }

  /** The best point of both dials; null where no setting finds anything. */
  function bestOf(): BestSetting | null {
    const values = valuesOf();
    if (!values) return null;
    return remember(`best/${focus.metric}/${focus.label}`, () => {
      const top = bestSetting(Float64Array.from(values), scoreStops.length);
      return top && values[top.stop * scoreStops.length + top.score] > 0 ? top : null;
    });
  }

  const bandKey = () => {
    const { metric, label, setting } = focus;
    return `band/${metric}/${label}/${setting.stop}/${setting.maxDet}`;
  };

  return {
    name,
    scenes,
    decide,
    countsAt,
    valuesOf,
    bestOf,
    ap: apOf(wire.ap),
    given,
    floor: wire.score_floor,
    hasMasks,
    /** Whether an image has boxes without masks, where others have them. */
    lacksMasks: (image: number): boolean =>
      hasMasks && !wire.has_masks[image] && scenes[image].found.count > 0,
    overlap: wire.overlap,
    hasBand: !given && config.has_targets && scenes.length > 1 && scenes.length < FEW_IMAGES,

    numCandidates,
    lacks,

    /** Scores below, between and above the score stops. */
    histogram: (): Float64Array =>
      remember(`histogram/${focus.label}`, () => {
        const bins = new Float64Array(scoreStops.length + 1);
        for (const { found } of scenes) {
          levelsOf(found.scores, scoreStops).forEach((level, i) => {
            bins[level] += Number(isShown(found.labels[i]));
          });
        }
        return bins;
      }),

    isCounted: () =>
      !config.has_targets || given !== null || counted?.maxDet === focus.setting.maxDet,

    /** Count at all stops of both dials. */
    count(): void {
      const { maxDet } = focus.setting;
      counted = { tally: tally(scenes, stops.length, ruleOf(maxDet)), maxDet };
      known.clear();
    },

    bandOf: (): Band | null => (known.get(bandKey()) as Band | undefined) ?? null,

    makeBand(): void {
      const { label, metric, setting } = focus;
      remember(bandKey(), () => {
        const all = imagesAt(scenes, setting.stop, ruleOf(setting.maxDet));
        const classes = label === null ? all : [all[label]];
        return bootstrap(classes, metric, label === null ? average : "micro", zeroDivision);
      });
    },

    /** Number of detections drawn at every NMS stop, of which the score dial alone decides. */
    keptCounts(): Float64Array {
      const { setting, label } = focus;
      const key = JSON.stringify({ ...setting, stop: label });
      if (key !== kept.key) {
        const found = scenes.map((scene) => scene.found);
        kept = { key, counts: keptCounts(found, setting, stops.length, label) };
      }
      return kept.counts;
    },

    measure: (which = focus.metric): number =>
      measure(countsAt(), which, average, focus.label, zeroDivision),

    /** Found boxes, false alarms and targets, in one image or in all. */
    sumOf(image?: number): CountSum {
      const counts = countsAt();
      return sumCounts(image === undefined ? counts : [counts[image]], focus.label);
    },

    /** A metric of one image, its classes pooled; of the shown class, or another one. */
    measureImage: (image: number, which = focus.metric, label = focus.label) =>
      measure([countsAt()[image]], which, "micro", label, zeroDivision),
  };
}

/** A metric of the counts of some images, averaged as `DetectionCurves.at` does. */
export function measure(
  images: readonly DetectionCounts[],
  which: DetectionMetric,
  how: Average,
  label: number | null,
  zeroDivision: number,
): number {
  const of = (label: number | null, some = images) => sumCounts(some, label);
  const averaged = label === null ? how : "micro";
  const groups = {
    micro: () => [of(label)],
    macro: () => Array.from(images[0].tp, (_, c) => of(c)).filter((sum) => sum.positives > 0),
    image: () => images.map((one) => of(null, [one])),
  }[averaged]();
  return meanOfDefined(
    groups.map(({ tp, fp, positives }) => metricOf(which, tp, fp, positives, zeroDivision)),
  );
}

export interface GivenCurves {
  totalImages: number;
  ap: Ap | null;
  values(which: DetectionMetric, label: number | null): ArrayLike<number> | null;
}

const curvesRead = new WeakMap<WireCurves, GivenCurves>(); // curves stay the same over many frames

/** The curves of a larger set of images. */
function readCurves(wire: WireCurves, config: DetectionConfig): GivenCurves {
  const known = curvesRead.get(wire);
  if (known) return known;
  const overall = {
    precision: float32Of(wire.overall.precision),
    recall: float32Of(wire.overall.recall),
    f1: float32Of(wire.overall.f1),
  };
  const size = config.stops.length * config.score_stops.length;
  const [tp, fp] = [wire.tp, wire.fp].map((counts) => counts && uint32Of(counts));
  const classes = Array.from(uint32Of(wire.positives), (positives, c) => {
    const of = (counts: Uint32Array) => counts.subarray(c * size, (c + 1) * size);
    return tp && fp && { tp: of(tp), fp: of(fp), positives };
  });
  const curves: GivenCurves = {
    totalImages: wire.total_images,
    ap: apOf(wire.ap),
    values(which, label) {
      if (label === null) return overall[which];
      const counts = classes[label];
      return counts && meanAtStops([counts], which, config.zero_division ?? Number.NaN);
    },
  };
  curvesRead.set(wire, curves);
  return curves;
}
