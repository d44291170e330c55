// The charts of a classification: scores of each class, ROC, precision-recall and calibration.

import { formatCount } from "../charts/axis_scale";
import { range } from "../core/metrics";
import { linePath } from "../preview/curve_slider";
import { formatMetric } from "../segmentation/segmentation_text";
import type { ScoreTable } from "./classification_wire";
import { createSquareChart } from "./square_chart";

const NUM_BINS = 10; // of the calibration

export interface ChartsEvents {
  goTo(stop: number): void;
  commit(): void;
}

/** What the charts say of the scores: whether these are of a class, or of right answers. */
export interface ChartWords {
  positives: string;
  negatives: string;
}

export function createScoreCharts(stops: readonly number[], { goTo, commit }: ChartsEvents) {
  let rates = ratesOf(null);
  const nearest = (distance: (k: number) => number) => {
    let best = -1;
    for (const k of stops.keys()) {
      if (!Number.isNaN(distance(k)) && (best < 0 || distance(k) < distance(best))) best = k;
    }
    if (best >= 0) goTo(best);
  };
  const toPoint = (xs: Float64Array, ys: Float64Array) => (x: number, y: number) =>
    nearest((k) => (xs[k] - x) ** 2 + (ys[k] - y) ** 2);
  const scores = createSquareChart({
    title: "scores",
    x: "p",
    y: "samples, log scale,",
    drag: (x) => nearest((k) => Math.abs(stops[k] - x)),
    commit,
  });
  const roc = createSquareChart({
    title: "ROC",
    x: "false positive rate",
    y: "recall",
    drag: (x, y) => toPoint(rates.falsePositive, rates.recall)(x, y),
    commit,
  });
  const pr = createSquareChart({
    title: "precision–recall",
    x: "recall",
    y: "precision",
    drag: (x, y) => toPoint(rates.recall, rates.precision)(x, y),
    commit,
  });
  const calibration = createSquareChart({
    title: "calibration",
    x: "mean p in tenths",
    y: "share of positives",
    commit,
  });

  return {
    elements: [scores, roc, pr, calibration].map(({ element }) => element),

    update(table: ScoreTable, stop: number, { positives, negatives }: ChartWords): void {
      rates = ratesOf(table);
      const [tp, fp] = [table.tp, table.fp];
      const last = tp.length - 1;
      const { falsePositive: x, recall, precision } = rates;
      const most = Math.max(1, ...table.positives, ...table.negatives);
      scores.update({
        note: `${positives} and ${negatives}`,
        paths: [
          { d: stepPath(table.negatives, stops, most), class: "score-negatives" },
          { d: stepPath(table.positives, stops, most), class: "score-positives" },
        ],
        point: null,
        needle: stops[stop],
        top: formatCount(most),
        text: "",
      });
      roc.update({
        note: `AUC ${formatMetric(table.rocAuc)}`,
        paths: [
          { d: "M0 1L1 0", class: "score-guide" },
          { d: linePath(shares(tp, tp[last]), shares(fp, fp[last])), class: "dial-line" },
        ],
        point: { x: x[stop], y: recall[stop] },
        text: `False positive rate ${formatMetric(x[stop])}, recall ${formatMetric(recall[stop])}.`,
      });
      pr.update({
        note: `average precision ${formatMetric(table.averagePrecision)}`,
        paths: [
          {
            d: linePath(
              tp.map((count, i) => count / (count + fp[i])),
              shares(tp, tp[last]),
            ),
            class: "dial-line",
          },
        ],
        point: { x: recall[stop], y: precision[stop] },
        text: `Recall ${formatMetric(recall[stop])}, precision ${formatMetric(precision[stop])}.`,
      });
      const bins = calibrationOf(table, stops);
      calibration.update({
        note: `expected error ${formatMetric(bins.error)}`,
        paths: [
          { d: "M0 1L1 0", class: "score-guide" },
          { d: linePath(bins.frequency, bins.mean), class: "dial-line" },
          {
            d: bins.mean.map((p, i) => `M${p} ${1 - bins.frequency[i]}h0`).join(""),
            class: "score-dots",
          },
        ],
        point: null,
        text: "",
      });
    },
  };
}

/** The rates at every stop. */
function ratesOf(table: ScoreTable | null) {
  const none = new Float64Array();
  if (!table) return { recall: none, falsePositive: none, precision: none };
  const [tp, fp] = [above(table.positives), above(table.negatives)];
  const [positives, negatives] = [sum(table.positives), sum(table.negatives)];
  return {
    recall: shares(tp, positives),
    falsePositive: shares(fp, negatives),
    precision: tp.map((count, k) => count / (count + fp[k])),
  };
}

/** How many lie above each stop: from T + 1 levels to T stops. */
function above(histogram: Float64Array): Float64Array {
  const counts = new Float64Array(histogram.length - 1);
  let total = 0;
  for (let k = counts.length - 1; k >= 0; k--) {
    total += histogram[k + 1];
    counts[k] = total;
  }
  return counts;
}

/**
 * The mean score and the share of positives in tenths of [0, 1], of those that hold samples, and the
 * expected calibration error (Guo et al., ICML 2017). A level belongs to the tenth of its upper end.
 */
export function calibrationOf(table: ScoreTable, stops: readonly number[]) {
  const bins = range(NUM_BINS).map(() => ({ count: 0, positives: 0, sum: 0 }));
  table.positives.forEach((positives, level) => {
    const upper = stops[level] ?? 1;
    const bin = bins[Math.min(Math.max(Math.ceil(upper * NUM_BINS - 1e-9) - 1, 0), NUM_BINS - 1)];
    bin.count += positives + table.negatives[level];
    bin.positives += positives;
    bin.sum += table.sums[level];
  });
  const full = bins.filter(({ count }) => count > 0);
  const total = full.reduce((all, { count }) => all + count, 0);
  const gap = full.reduce((all, { positives, sum }) => all + Math.abs(positives - sum), 0);
  return {
    mean: full.map(({ sum, count }) => sum / count),
    frequency: full.map(({ positives, count }) => positives / count),
    error: gap / total,
  };
}

/** Steps of the counts between the stops, on a log scale, closed at the bottom. */
function stepPath(counts: Float64Array, stops: readonly number[], most: number): string {
  let d = "M0 1";
  counts.forEach((count, level) => {
    const height = Math.log1p(count) / Math.log1p(most);
    d += `V${(1 - height).toFixed(4)}H${stops[level] ?? 1}`;
  });
  return `${d}V1Z`;
}

const sum = (counts: Float64Array) => counts.reduce((all, count) => all + count, 0);
const shares = (counts: Float64Array, of: number) => counts.map((count) => count / of);
