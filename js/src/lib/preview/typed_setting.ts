// What may be typed in place of moving a dial: "0.37", "recall ≥ 0.9", or a copied setting.

/** A lower bound of a metric. */
export interface Demand<Metric extends string = string> {
  metric: Metric;
  least: number;
}

export type Typed<Metric extends string> =
  | { kind: "position"; value: number }
  | { kind: "demands"; demands: Demand<Metric>[] }
  | { kind: "setting" };

const NUMBER = /^[+]?(\d+\.?\d*|\.\d+)$/;
const DEMAND = /^(.+?)\s*(?:>=|≥)\s*(.+)$/;

/** Read what was typed; throws with what is expected. */
export function readTyped<Metric extends string>(
  text: string,
  metrics: readonly Metric[],
): Typed<Metric> {
  const line = text.trim();
  if (/^\{.*\}$/s.test(line)) return { kind: "setting" };
  if (NUMBER.test(line)) return { kind: "position", value: fraction(line) };
  const demands = line.split(/,|\band\b/).map((part) => {
    const [, name, least] = DEMAND.exec(part.trim()) ?? [];
    const metric = metrics.find((one) => one === name?.toLowerCase());
    if (!metric) {
      const known = metrics.join(", ");
      throw new Error(`Type a threshold as 0.37, or a demand as recall ≥ 0.9 (of ${known}).`);
    }
    return { metric, least: fraction(least) };
  });
  return { kind: "demands", demands };
}

function fraction(text: string): number {
  const value = Number(text);
  if (NUMBER.test(text) && value <= 1) return value;
  throw new Error(`Type a number from 0 to 1 in place of ${text.slice(0, 20)}.`);
}

/** Values where the demands are met, NaN elsewhere; throws if they are met nowhere. */
export function whereMet<Metric extends string>(
  values: ArrayLike<number>,
  demands: readonly Demand<Metric>[],
  valuesOf: (metric: Metric) => ArrayLike<number>,
): Float64Array {
  const bounds = demands.map(({ metric, least }) => ({ of: valuesOf(metric), least }));
  const met = Float64Array.from(values, (value, k) =>
    bounds.every(({ of, least }) => of[k] >= least) ? value : Number.NaN,
  );
  if (met.every(Number.isNaN)) {
    const reachable = bounds.map(({ of }, i) => {
      const most = Array.from(of).reduce((top, v) => (v > top ? v : top), Number.NEGATIVE_INFINITY);
      const { metric } = demands[i];
      return most < 0 ? `${metric} is undefined` : `${metric} reaches ${most.toFixed(3)}`;
    });
    throw new Error(`No setting meets this: ${reachable.join(", ")}. Ask for less.`);
  }
  return met;
}
