// One step's gradients: the spread of a layer's, and typical and largest ones of all layers.

import { formatCount, formatTick, type Limits } from "../charts/axis_scale";
import type { Ink } from "../charts/line_colors";
import { contextOf } from "../core/dom";
import type { Distribution } from "../live/run_store";
import type { Node } from "./layer_tree";

export interface Flow {
  limits: Limits;
  /** Of each node the largest of its rows; NaN where unknown. */
  bars: { rms: number; max: number }[];
}

/** Root mean square and largest |gradient| of what is seen. */
export function flowOf(distribution: Distribution | null, nodes: readonly Node[]): Flow {
  const bars = nodes.map(({ rows }) => ({
    rms: largestOf(distribution?.rms, rows),
    max: largestOf(distribution?.max, rows),
  }));
  const known = bars.flatMap(({ rms, max }) => [rms, max]);
  const finite = known.filter((value) => value > 0 && Number.isFinite(value));
  if (finite.length === 0) return { limits: [1e-3, 1], bars };
  return { limits: [Math.min(...finite) / 3, Math.max(...finite) * 1.2], bars };
}

function largestOf(values: Float32Array | undefined, rows: readonly number[]): number {
  return rows.reduce((most, row) => Math.max(most, values?.[row] ?? 0), 0);
}

/** First and last bin that hold anything; the first bin is what is too small, zero included. */
export function filled(counts: ArrayLike<number>): [number, number] {
  let first = counts.length;
  let last = 0;
  for (let bin = 1; bin < counts.length; bin++) {
    if (counts[bin] === 0) continue;
    first = Math.min(first, bin);
    last = bin;
  }
  return first > last ? [1, 1] : [first, last];
}

/** What is said of a layer with gradients that are not finite; empty where all are.
 *
 * The last bin counts them, with very large ones, and the root mean square is not finite then. */
export function notFiniteWords({ rows, counts, rms }: Distribution, layer: string): string {
  const bins = counts.get(layer) ?? new Float32Array();
  const last = bins[bins.length - 1] ?? 0;
  if (!(last > 0) || Number.isFinite(rms[rows.indexOf(layer)])) return "";
  const total = bins.reduce((sum, count) => sum + count, 0);
  return `: ${formatCount(last)} of ${formatCount(total)} are NaN or infinite, no distribution`;
}

const HEIGHT = 90;
const LABEL = 16;

/** Bars of counts in bins of powers of two; zeros stand apart on the left. */
export function drawSpread(
  canvas: HTMLCanvasElement,
  counts: Float32Array,
  low: number,
  ink: Ink,
): void {
  const ratio = devicePixelRatio;
  const width = Math.max(canvas.clientWidth, 100);
  canvas.width = width * ratio;
  canvas.height = HEIGHT * ratio;
  const context = contextOf(canvas);
  context.scale(ratio, ratio);
  const [first, last] = filled(counts);
  const bars = [counts[0], ...counts.subarray(first, last + 1)];
  const most = Math.max(...bars, 1);
  const step = (width - 8) / (bars.length + 1);
  context.font = ink.font;
  bars.forEach((count, i) => {
    const x = 4 + step * (i === 0 ? 0 : i + 1);
    const height = (count / most) * (HEIGHT - LABEL - 4);
    context.fillStyle = i === 0 ? ink.faint : ink.curve(0);
    context.fillRect(x, HEIGHT - LABEL - height, Math.max(step - 1, 1), height);
  });
  context.fillStyle = ink.faint;
  context.fillText(counts[0] > 0 ? "≈ 0" : "", 4, HEIGHT - 4);
  const every = Math.ceil(70 / step);
  for (let bin = first; bin <= last; bin += every) {
    const text = formatTick(Number((2 ** (low + bin - 1)).toPrecision(2)));
    const room = width - context.measureText(text).width; // the last one ends with the canvas
    context.fillText(text, Math.min(4 + step * (bin - first + 2), room), HEIGHT - 4);
  }
}
