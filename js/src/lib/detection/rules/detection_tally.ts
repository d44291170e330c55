// Counts at every NMS stop and score stop, as in detection_counts.py.

import { range } from "../../core/metrics";
import { positives } from "./detection_counts";
import type { Scene } from "./image_decisions";
import { IGNORED, match, SUPPRESSED, TRUE } from "./matching";

/** The counts of a class, of an image, or of a class in an image, over stops. */
export interface StopCounts {
  /** Over T NMS stops and S score stops, row-major. */
  tp: ArrayLike<number>;
  fp: ArrayLike<number>;
  positives: number;
}

export interface DetectionTally {
  classes: readonly StopCounts[];
  /** Each image, its classes pooled. */
  images: readonly StopCounts[];
}

/** How to count: at most `maxDet` detections an image, with one threshold for all classes. */
export interface CountRule {
  scoreStops: ArrayLike<number>;
  maxDet: number;
  numClasses: number;
}

/** Counts at every stop. */
export function tally(scenes: readonly Scene[], numStops: number, rule: CountRule): DetectionTally {
  const size = numStops * rule.scoreStops.length;
  const classes = range(rule.numClasses).map(() => noCounts(size));
  const images = scenes.map(() => noCounts(size));
  countInto((image, label) => [classes[label], images[image]], scenes, range(numStops), rule);
  return { classes, images };
}

/** Counts of each class in each image, (C, I), at one NMS stop. */
export function imagesAt(scenes: readonly Scene[], stop: number, rule: CountRule): StopCounts[][] {
  const cells = range(rule.numClasses).map(() =>
    scenes.map(() => noCounts(rule.scoreStops.length)),
  );
  countInto((image, label) => [cells[label][image]], scenes, [stop], rule);
  return cells;
}

interface WrittenCounts extends StopCounts {
  tp: Uint32Array;
  fp: Uint32Array;
}

function noCounts(size: number): WrittenCounts {
  return { tp: new Uint32Array(size), fp: new Uint32Array(size), positives: 0 };
}

/** Count at some NMS stops into the groups that an image and a class belong to. */
function countInto(
  groupsOf: (image: number, label: number) => WrittenCounts[],
  scenes: readonly Scene[],
  stops: readonly number[],
  { scoreStops, maxDet, numClasses }: CountRule,
): void {
  const all = new Set<WrittenCounts>();
  scenes.forEach((scene, image) => {
    const groups = range(numClasses).map((label) => groupsOf(image, label));
    const { labels, scores } = scene.found;
    const levels = levelsOf(scores, scoreStops);
    stops.forEach((stop, k) => {
      const { state } = match(scene, stop);
      let left = maxDet;
      for (let i = 0; i < state.length && levels[i] > 0; i++) {
        if (state[i] === SUPPRESSED) continue;
        if (left-- === 0) break;
        if (state[i] === IGNORED) continue;
        const cell = k * scoreStops.length + levels[i] - 1;
        for (const { tp, fp } of groups[labels[i]]) (state[i] === TRUE ? tp : fp)[cell]++;
      }
    });
    positives(scene.truth, numClasses).forEach((number, label) => {
      for (const group of groups[label]) {
        group.positives += number;
        all.add(group);
      }
    });
  });
  for (const { tp, fp } of all) for (const counts of [tp, fp]) sumAbove(counts, scoreStops.length);
}

/** Turn counts at each level into counts above each stop, in place. */
function sumAbove(counts: Uint32Array, numScores: number): void {
  for (let cell = counts.length - 2; cell >= 0; cell--) {
    if ((cell + 1) % numScores > 0) counts[cell] += counts[cell + 1];
  }
}

/** For descending scores the number of stops strictly below each, both in float32. */
export function levelsOf(scores: Float32Array, stops: ArrayLike<number>): Uint16Array {
  let level = stops.length;
  return Uint16Array.from(scores, (score) => {
    while (level > 0 && !(Math.fround(stops[level - 1]) < score)) level--;
    return level;
  });
}
