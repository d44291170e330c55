// The charts of a classification: scores of each class, ROC, precision-recall and calibration.

import { formatCount } from "../charts/axis_scale";
import { clamp } from "../core/clamp";
import { h } from "../core/dom";
import { range } from "../core/metrics";
import { formatMetric } from "../numbers/metric_text";
import { linePath } from "../preview/curve_slider";
import type { ScoreTable } from "./classification_wire";
import { createSquareChart } from "./square_chart";

const NUM_BINS = 10; // of the calibration
const MOST_BARS = 26; // of the histograms
const DIAGONAL = { d: "M0 1L1 0", class: "score-guide" };

export interface ChartsEvents {
  goTo(stop: number): void;
  commit(): void;
}

/** What the charts say of the scores: whether these are of a class, or of right answers. */
export interface ChartWords {
  positives: string;
  negatives: string;
  /** What the curves are of, where that is not one class: "of right answers, ". */
  of: string;
}

export function createScoreCharts(stops: readonly number[], { goTo, commit }: ChartsEvents) {
  let rates = ratesOf(null);
  let drawn: ScoreTable | null = null;
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
    y: "samples (log)",
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
    x: "mean p of a tenth",
    y: "share of positives",
    commit,
  });

  return {
    element: h("div", "score-charts", ...[scores, roc, pr, calibration].map((one) => one.element)),

    update(table: ScoreTable, stop: number, words: ChartWords): void {
      if (table !== drawn) draw(table, words);
      drawn = table;
      const { falsePositive, recall, precision } = rates;
      const [x, y, p] = [falsePositive[stop], recall[stop], precision[stop]];
      scores.show({ needle: stops[stop] });
      roc.show({
        point: { x, y },
        text: `False positive rate ${formatMetric(x)}, recall ${formatMetric(y)}.`,
      });
      pr.show({
        point: { x: y, y: p },
        text: `Recall ${formatMetric(y)}, precision ${formatMetric(p)}.`,
      });
      calibration.show({});
    },
  };

  function draw(table: ScoreTable, { positives, negatives, of }: ChartWords): void {
    rates = ratesOf(table);
    const { tp, fp } = table;
    const last = tp.length - 1;
    const recall = shares(tp, tp[last]);
    const precision = tp.map((count, i) => count / (count + fp[i]));
    const bars = [table.negatives, table.positives].map((counts) => grouped(counts, stops));
    const most = Math.max(1, ...bars.flatMap((of) => of.map(({ count }) => count)));
    scores.draw({
      note: [
        h("span", { class: "score-word-positives" }, positives),
        ", ",
        h("span", { class: "score-word-negatives" }, negatives),
      ],
      paths: [
        { d: stepPath(bars[0], most), class: "score-negatives" },
        { d: stepPath(bars[1], most), class: "score-positives" },
      ],
      top: formatCount(most),
    });
    roc.draw({
      note: [`${of}AUC ${formatMetric(table.rocAuc)}`],
      paths: [DIAGONAL, { d: linePath(recall, shares(fp, fp[last])), class: "dial-line" }],
    });
    pr.draw({
      note: [`${of}AP ${formatMetric(table.averagePrecision)}`],
      paths: [{ d: linePath(precision, recall), class: "dial-line" }],
    });
    const { mean, frequency, error } = calibrationOf(table, stops);
    const dots = mean.map((p, i) => `M${p} ${1 - frequency[i]}h0`).join("");
    calibration.draw({
      note: [`${of}ECE ${formatMetric(error)}`],
      paths: [
        DIAGONAL,
        { d: linePath(frequency, mean), class: "dial-line" },
        { d: dots, class: "score-dots" },
      ],
    });
  }
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
    const bin = bins[clamp(Math.ceil(upper * NUM_BINS - 1e-9) - 1, 0, NUM_BINS - 1)];
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

interface Bar {
  count: number;
  /** Its right end. */
  end: number;
}

/** The counts of at most `MOST_BARS` groups of levels. */
function grouped(counts: Float64Array, stops: readonly number[]): Bar[] {
  const width = Math.ceil(stops.length / MOST_BARS);
  const bars: Bar[] = [];
  counts.forEach((count, level) => {
    const end = stops[level] ?? 1;
    if (level <= 1 || (level - 1) % width === 0) bars.push({ count: 0, end });
    const bar = bars[Math.max(bars.length - 1, 0)];
    bar.count += count;
    bar.end = end;
  });
  return bars;
}

/** Steps on a log scale, closed at the bottom. */
function stepPath(bars: readonly Bar[], most: number): string {
  const steps = bars.map(({ count, end }) => {
    const height = Math.log1p(count) / Math.log1p(most);
    return `V${(1 - height).toFixed(4)}H${end}`;
  });
  return `M0 1${steps.join("")}V1Z`;
}

const sum = (counts: Float64Array) => counts.reduce((all, count) => all + count, 0);
const shares = (counts: Float64Array, of: number) => counts.map((count) => count / of);
