// What may be typed in place of moving a dial: "0.37", "recall ≥ 0.9", or a copied setting.

/** A lower bound of a metric. */
export interface Demand<Metric extends string = string> {
  metric: Metric;
  least: number;
}

/** What to do with what was typed; each may throw. */
export interface TypedEvents<Metric extends string> {
  /** Metrics that may be demanded. */
  metrics: readonly Metric[];
  /** Of the threshold, where it is not from 0 to 1. */
  range?: readonly [low: number, high: number];
  /** A threshold, as an example. */
  example?: string;
  goTo(value: number): void;
  /** Go to the best setting that meets the demands. */
  demand(demands: Demand<Metric>[]): void;
  /** Go to a copied setting. */
  apply(text: string): void;
}

const DEMAND = /^(.+?)\s*(?:>=|≥)\s*(.+)$/;

/** Follow what was typed; throws with what is expected. */
export function follow<Metric extends string>(text: string, events: TypedEvents<Metric>): void {
  const line = text.trim();
  if (line.startsWith("{")) events.apply(line);
  else if (!Number.isNaN(Number(line))) events.goTo(inRange(line, events.range));
  else events.demand(line.split(/,|\band\b/).map((part) => demandOf(part, events.metrics)));
}

function demandOf<Metric extends string>(text: string, metrics: readonly Metric[]): Demand<Metric> {
  const [, name, least] = DEMAND.exec(text.trim()) ?? [];
  const metric = metrics.find((one) => one === name?.toLowerCase().replace(" ", "_"));
  if (metric) return { metric, least: inRange(least) };
  throw new Error(`Type a threshold as 0.37, or as recall ≥ 0.9 one of ${metrics.join(", ")}.`);
}

function inRange(text: string, [low, high]: readonly [number, number] = [0, 1]): number {
  const value = Number(text);
  if (value >= low && value <= high) return value;
  throw new Error(`Type a number from ${low} to ${high} in place of ${text.slice(0, 20)}.`);
}

/** Three decimals that a value is not below, so that they can be asked for. */
function roundedDown(value: number): string {
  return (Math.floor(1000 * value + 1e-9) / 1000).toFixed(3);
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
      return most < 0 ? `${metric} is undefined` : `${metric} reaches ${roundedDown(most)}`;
    });
    throw new Error(`No setting meets this: ${reachable.join(", ")}. Ask for less.`);
  }
  return met;
}
