// Counts at every NMS stop and score stop; detection_counts.py computes the same.

import { positives } from "./counts";
import { FALSE, match, TRUE } from "./match";
import { keptAt, type Scene } from "./scene";

/** Counts of G groups (classes, or images) over T NMS stops and S score stops, row-major. */
export interface Table {
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

export interface Tally {
  classes: Table;
  /** Each image, its classes pooled. */
  images: Table;
}

/** Count at every stop, at most `maxDet` detections an image; one threshold for all classes. */
export function tally(
  scenes: readonly Scene[],
  numStops: number,
  scoreStops: ArrayLike<number>,
  maxDet: number,
  numClasses: number,
): Tally {
  const classes = emptyTable(numClasses, numStops, scoreStops.length);
  const images = emptyTable(scenes.length, numStops, scoreStops.length);
  scenes.forEach((scene, image) => {
    const levels = levelsOf(scene.found.scores, scoreStops);
    for (let k = 0; k < numStops; k++) {
      each(scene, k, maxDet, (i, which) => {
        add(classes, which, scene.found.labels[i], k, levels[i]);
        add(images, which, image, k, levels[i]);
      });
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
): Table[] {
  const tables = Array.from({ length: numClasses }, () =>
    emptyTable(scenes.length, 1, scoreStops.length),
  );
  scenes.forEach((scene, image) => {
    const levels = levelsOf(scene.found.scores, scoreStops);
    each(scene, stop, maxDet, (i, which) => {
      add(tables[scene.found.labels[i]], which, image, 0, levels[i]);
    });
    positives(scene.truth, numClasses).forEach((number, c) => {
      tables[c].positives[image] = number;
    });
  });
  return tables.map(above);
}

type Which = "tp" | "fp";

/** Visit the true and false positives among the first `maxDet` that NMS keeps at a stop. */
function each(scene: Scene, k: number, maxDet: number, visit: (i: number, which: Which) => void) {
  const { state } = match(scene, k);
  let size = 0;
  for (let i = 0; i < scene.found.count && size < maxDet; i++) {
    if (!keptAt(scene.found, k, i)) continue;
    size++;
    if (state[i] === TRUE) visit(i, "tp");
    else if (state[i] === FALSE) visit(i, "fp");
  }
}

function emptyTable(numGroups: number, numStops: number, numScores: number): Table {
  const size = numGroups * numStops * numScores;
  const [tp, fp] = [new Uint32Array(size), new Uint32Array(size)];
  return { numGroups, numStops, numScores, tp, fp, positives: new Uint32Array(numGroups) };
}

function add(table: Table, which: Which, group: number, k: number, level: number): void {
  if (level > 0) table[which][(group * table.numStops + k) * table.numScores + level - 1]++;
}

/** Turn how many end at each stop into how many lie above it, in place. */
function above(table: Table): Table {
  for (const counts of [table.tp, table.fp]) {
    for (let cell = counts.length - 2; cell >= 0; cell--) {
      if ((cell + 1) % table.numScores) counts[cell] += counts[cell + 1];
    }
  }
  return table;
}

/** For descending scores how many stops lie strictly below each, both in float32. */
export function levelsOf(scores: Float32Array, stops: ArrayLike<number>): Uint16Array {
  const levels = new Uint16Array(scores.length);
  let level = stops.length;
  for (let i = 0; i < scores.length; i++) {
    while (level > 0 && !(Math.fround(stops[level - 1]) < scores[i])) level--;
    levels[i] = level;
  }
  return levels;
}
