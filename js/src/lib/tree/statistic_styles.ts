// The live statistics of a module: names, colours, texts and the points of sparklines.

import { formatCount, formatValue, type Limits } from "../charts/axis_scale";
import { NOT_FINITE } from "../charts/heat_colors";
import { MISSING } from "../charts/layer_columns";
import { type Rgb, viridis } from "../core/colors";

export type Statistic = "grad_norm" | "update_ratio" | "near_zero";

export const STATISTICS: readonly { key: Statistic; text: string; title: string; none: string }[] =
  [
    {
      key: "grad_norm",
      text: "gradient",
      title: "Norm of the gradient of all parameters in the module",
      none: "no gradient yet",
    },
    {
      key: "update_ratio",
      text: "update",
      title: "Norm of the step over the norm of the weights; about 0.001 is usual",
      none: "no update yet",
    },
    {
      key: "near_zero",
      text: "near zero",
      title: "Share of output values that are at most 0.001 of the output's root mean square",
      none: "no output yet",
    },
  ];

const USUAL = 1e-3; // update ratio
const LOW: Rgb = [0, 114, 178];
const HIGH: Rgb = [213, 94, 0];
const MIDDLE: Rgb = [200, 200, 200];
const LEAST_DECADES = 1; // height of a sparkline; less would magnify noise

/** Minimum and maximum log₁₀ of a column over all rows, for colours. */
export function decadesOf(column: ArrayLike<number> | undefined): Limits {
  const logs = Array.from(column ?? [])
    .filter((value) => value > 0 && Number.isFinite(value))
    .map(Math.log10);
  return logs.length ? [Math.min(...logs), Math.max(...logs)] : [0, 0];
}

/** Colour of a value; null for a missing one. */
export function statisticColor(key: Statistic, value: number, [low, high]: Limits): Rgb | null {
  if (value === MISSING || value === undefined) return null;
  if (!Number.isFinite(value)) return NOT_FINITE;
  if (key === "near_zero") return viridis(value);
  if (key === "grad_norm") return viridis((Math.log10(value) - low) / Math.max(high - low, 1));
  const off = Math.min(Math.max(Math.log10(value / USUAL) / 2, -1), 1); // two decades either way
  const end = off < 0 ? LOW : HIGH;
  return MIDDLE.map((v, i) => Math.round(v + (end[i] - v) * Math.abs(off))) as unknown as Rgb;
}

/** A value with two digits: "0.012", "1.2e-5", "43 %". */
export function statisticShortText(key: Statistic, value: number | undefined): string {
  if (value === undefined || value === MISSING) return "–";
  if (!Number.isFinite(value)) return formatValue(value);
  if (key === "near_zero") return `${(100 * value).toFixed(value > 0 && value < 0.01 ? 1 : 0)} %`;
  if (value === 0) return "0";
  const few = Number(value.toPrecision(2));
  return few < 1e-3 || few >= 1e4
    ? few.toExponential(1).replace("-", "−").replace("e−", "e-").replace("e+", "e")
    : String(few);
}

/** The content of a sparkline as text. */
export function statisticText(
  key: Statistic,
  steps: readonly number[],
  values: readonly number[],
): string {
  const { text, none } = STATISTICS.find((statistic) => statistic.key === key) as {
    text: string;
    none: string;
  };
  const known = values.flatMap((value, i) =>
    value === MISSING ? [] : [{ value, step: steps[i] }],
  );
  const last = known[known.length - 1];
  if (!last) return none;
  const finite = known.map(({ value }) => value).filter(Number.isFinite);
  const words = [
    `${text} ${statisticShortText(key, last.value)} at step ${formatCount(last.step)}`,
  ];
  if (finite.length > 1) {
    const [least, most] = [Math.min(...finite), Math.max(...finite)];
    words.push(
      `${statisticShortText(key, least)} … ${statisticShortText(key, most)} since step ${formatCount(known[0].step)}`,
    );
  }
  if (finite.length < known.length) words.push(`${known.length - finite.length} not finite`);
  return words.join(", ");
}

/** Height of each value in [0, 1]; NaN for a missing one, Infinity for one that is not finite. */
export function sparklineHeights(key: Statistic, values: readonly number[]): number[] {
  if (key === "near_zero") {
    return values.map((v) => (v === MISSING ? Number.NaN : Number.isFinite(v) ? v : Infinity));
  }
  const [low, high] = decadesOf(values);
  const spare = Math.max(LEAST_DECADES - (high - low), 0) / 2;
  const range = high - low + 2 * spare;
  return values.map((value) => {
    if (value === MISSING) return Number.NaN;
    if (!Number.isFinite(value)) return Number.POSITIVE_INFINITY;
    return value === 0 ? 0 : (Math.log10(value) - low + spare) / range;
  });
}
