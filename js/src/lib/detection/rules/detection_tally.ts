// Counts at every NMS stop and score stop, as in detection_counts.py.

import { positives } from "./detection_counts";
import type { Scene } from "./image_decisions";
import { IGNORED, match, SUPPRESSED, TRUE } from "./matching";

/** Counts of G groups (classes, or images) over T NMS stops and S score stops, row-major. */
export interface CountTable {
  numGroups: number;
  numStops: number;
  numScores: number;
  /** (G, T, S). */
  tp: Uint32Array;
  /** (G, T, S). */
  fp: Uint32Array;
  /** (G,). */
  positives: Uint32Array;
}

export interface DetectionTally {
  classes: CountTable;
  /** Each image, its classes pooled. */
  images: CountTable;
}

/** Count at every stop, at most `maxDet` detections an image; one threshold for all classes. */
export function tally(
  scenes: readonly Scene[],
  numStops: number,
  scoreStops: ArrayLike<number>,
  maxDet: number,
  numClasses: number,
): DetectionTally {
  const classes = emptyTable(numClasses, numStops, scoreStops.length);
  const images = emptyTable(scenes.length, numStops, scoreStops.length);
  scenes.forEach((scene, image) => {
    const levels = levelsOf(scene.found.scores, scoreStops);
    for (let k = 0; k < numStops; k++) {
      const { state } = match(scene, k);
      const end = firstOf(state, maxDet);
      for (let i = 0; i < end && levels[i] > 0; i++) {
        if (state[i] === SUPPRESSED || state[i] === IGNORED) continue;
        add(classes, state[i], scene.found.labels[i], k, levels[i]);
        add(images, state[i], image, k, levels[i]);
      }
    }
    positives(scene.truth, numClasses).forEach((number, c) => {
      classes.positives[c] += number;
      images.positives[image] += number;
    });
  });
  return { classes: above(classes), images: above(images) };
}

/** Counts of each image at one NMS stop, for each class a table of (I, 1, S). */
export function imagesAt(
  scenes: readonly Scene[],
  stop: number,
  scoreStops: ArrayLike<number>,
  maxDet: number,
  numClasses: number,
): CountTable[] {
  const tables = Array.from({ length: numClasses }, () =>
    emptyTable(scenes.length, 1, scoreStops.length),
  );
  scenes.forEach((scene, image) => {
    const levels = levelsOf(scene.found.scores, scoreStops);
    const { state } = match(scene, stop);
    const end = firstOf(state, maxDet);
    for (let i = 0; i < end && levels[i] > 0; i++) {
      if (state[i] === SUPPRESSED || state[i] === IGNORED) continue;
      add(tables[scene.found.labels[i]], state[i], image, 0, levels[i]);
    }
    positives(scene.truth, numClasses).forEach((number, c) => {
      tables[c].positives[image] = number;
    });
  });
  return tables.map(above);
}

/** End of the first `maxDet` detections that are not suppressed. */
function firstOf(state: Uint8Array, maxDet: number): number {
  let left = maxDet;
  for (let i = 0; i < state.length; i++) {
    if (state[i] !== SUPPRESSED && left-- === 0) return i;
  }
  return state.length;
}

function emptyTable(numGroups: number, numStops: number, numScores: number): CountTable {
  const size = numGroups * numStops * numScores;
  const [tp, fp] = [new Uint32Array(size), new Uint32Array(size)];
  return { numGroups, numStops, numScores, tp, fp, positives: new Uint32Array(numGroups) };
}

function add(table: CountTable, state: number, group: number, k: number, level: number): void {
  const counts = state === TRUE ? table.tp : table.fp;
  counts[(group * table.numStops + k) * table.numScores + level - 1]++;
}

/** Turn counts at each level into counts above each stop, in place. */
function above(table: CountTable): CountTable {
  for (const counts of [table.tp, table.fp]) {
    for (let end = counts.length; end > 0; end -= table.numScores) {
      let sum = 0;
      for (let cell = end - 1; cell >= end - table.numScores; cell--) {
        sum += counts[cell];
        counts[cell] = sum;
      }
    }
  }
  return table;
}

/** For descending scores the number of stops strictly below each, both in float32. */
export function levelsOf(scores: Float32Array, stops: ArrayLike<number>): Uint16Array {
  const levels = new Uint16Array(scores.length);
  let level = stops.length;
  for (let i = 0; i < scores.length; i++) {
    while (level > 0 && !(Math.fround(stops[level - 1]) < scores[i])) level--;
    levels[i] = level;
  }
  return levels;
}
