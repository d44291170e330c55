// The range of a y axis, and the marks for what lies beyond it or is no number.

import { formatValue, type Limits, limitsOf } from "./axis_scale";
import type { Piece } from "./scalar_track";

/** Share of the points that is left out at each end of the axis, where they lie far away. */
const TAIL = 0.005;
/** A curve of fewer points has no outliers. */
const FEW = 100;
/** This share of the steps, the newest, is always on the axis. */
const NEWEST = 0.01;
/** What a mark and its value take of the width, in pixels. */
const LABEL_WIDTH = 64;

/** A mark that stands for points which are not drawn in their place. */
export interface EdgeMark {
  x: number;
  y: number;
  sign: "above" | "below" | "cross";
  label: string;
  /** Where the last of them is. */
  to: number;
}

/** The axis around all values that are seen, or without the outliers among them.
 *
 * Without outliers it follows the middle 99 % of each curve's points and its newest 1 % of steps; an
 * end that would not be twice as far away with every point has them all. */
export function yLimits(
  pieces: readonly Piece[],
  window: Limits,
  log: boolean,
  withOutliers: boolean,
): Limits {
  const all = new Ends(log);
  const most = new Ends(log);
  for (const piece of pieces) {
    const [x, y] = seen(piece, window, log);
    if (y.length === 0) continue;
    const sorted = Float64Array.from(y).sort();
    const last = sorted.length - 1;
    all.take(sorted[0], sorted[last]);
    const left = y.length < FEW ? 0 : Math.max(1, Math.floor(TAIL * y.length));
    most.take(sorted[left], sorted[last - left]);
    const newest = x[last] - NEWEST * (x[last] - x[0]);
    for (let i = last; i >= 0 && x[i] >= newest; i--) most.take(y[i], y[i]);
  }
  if (withOutliers) return limitsOf(all.low, all.high, log);
  const span = most.span(most.low, most.high);
  const low = most.span(all.low, most.low) > span ? most.low : all.low;
  const high = most.span(most.high, all.high) > span ? most.high : all.high;
  return limitsOf(low, high, log);
}

/** What has a place on the axis, in the window. */
function seen({ x, y }: Piece, [start, stop]: Limits, log: boolean): [number[], number[]] {
  const found: [number[], number[]] = [[], []];
  for (let i = 0; i < y.length; i++) {
    if (!Number.isFinite(y[i]) || x[i] < start || x[i] > stop || (log && y[i] <= 0)) continue;
    found[0].push(x[i]);
    found[1].push(y[i]);
  }
  return found;
}

class Ends {
  low = Number.POSITIVE_INFINITY;
  high = Number.NEGATIVE_INFINITY;
  readonly #log: boolean;

  constructor(log: boolean) {
    this.#log = log;
  }

  take(low: number, high: number): void {
    this.low = Math.min(this.low, low);
    this.high = Math.max(this.high, high);
  }

  /** The way from one value to another on the axis. */
  span(from: number, to: number): number {
    return this.#log ? Math.log(to / from) : to - from;
  }
}

const MOST_ROWS = 6;

/** The marks of several curves; those without numbers at the same steps stand below each other. */
export function marksBeyond(
  curves: readonly (Piece & { color: string })[],
  limits: Limits,
  window: Limits,
  width: number,
) {
  let row = 0;
  const beyond = curves.flatMap(({ color, ...piece }) => {
    const marks = edgeMarks(piece, limits, window, width);
    const own = marks.map((mark) => ({ ...mark, color, row: row % MOST_ROWS }));
    if (marks.some(({ sign }) => sign === "cross")) row++;
    return own;
  });
  return thinLabels(beyond, window, width);
}

/** A mark with its value for each group of points beyond the axis, at the farthest of them, and one
 * for each stretch without a number. */
export function edgeMarks(
  { x, y }: Piece,
  [low, high]: Limits,
  [start, stop]: Limits,
  width: number,
): EdgeMark[] {
  const marks: EdgeMark[] = [];
  const open: Partial<Record<EdgeMark["sign"], { mark: EdgeMark; from: number }>> = {};
  const apart = (LABEL_WIDTH * (stop - start)) / width;
  for (let i = 0; i < y.length; i++) {
    const finite = Number.isFinite(y[i]);
    if (finite) open.cross = undefined;
    if (x[i] < start || x[i] > stop || (y[i] >= low && y[i] <= high)) continue;
    const sign = !finite ? "cross" : y[i] > high ? "above" : "below";
    const group = open[sign];
    if (group && (sign === "cross" || x[i] - group.from < apart)) {
      group.mark.to = x[i];
      const farther = sign === "above" ? y[i] > group.mark.y : y[i] < group.mark.y;
      if (finite && farther)
        Object.assign(group.mark, { x: x[i], y: y[i], label: formatValue(y[i]) });
      continue;
    }
    const mark: EdgeMark = { x: x[i], y: y[i], sign, label: formatValue(y[i]), to: x[i] };
    open[sign] = { mark, from: x[i] };
    marks.push(mark);
  }
  return marks;
}

/** Take away the labels that would stand over another one at their edge: the farthest values keep
 * theirs. */
export function thinLabels<M extends Pick<EdgeMark, "x" | "y" | "sign"> & { label?: string }>(
  marks: readonly M[],
  [start, stop]: Limits,
  width: number,
): M[] {
  const apart = (LABEL_WIDTH * (stop - start)) / width;
  const thinned = new Set<M>();
  for (const sign of ["above", "below"]) {
    const farthest = sign === "above" ? -1 : 1;
    const kept: number[] = [];
    const there = marks.filter((mark) => mark.sign === sign);
    for (const mark of there.sort((a, b) => farthest * (a.y - b.y))) {
      if (kept.some((x) => Math.abs(x - mark.x) < apart)) thinned.add(mark);
      else kept.push(mark.x);
    }
  }
  return marks.map((mark) => (thinned.has(mark) ? { ...mark, label: undefined } : mark));
}
