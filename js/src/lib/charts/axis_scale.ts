// Limits and ticks of an axis, and numbers in words.

export type Limits = readonly [number, number];

const MOST = Number.MAX_VALUE / 4; // so that the distance of two limits is a number, too

/** Limits around values, with some air; of a log axis around the positive ones. */
export function limitsOf(low: number, high: number, log: boolean): Limits {
  if (!(low <= high)) return log ? [0.1, 1] : [0, 1];
  if (log) {
    const air = Math.max(0.04 * (Math.log10(high) - Math.log10(low)), 0.05);
    const ends = [low / 10 ** air, high * 10 ** air];
    return [Math.max(ends[0], Number.MIN_VALUE), Math.min(ends[1], Number.MAX_VALUE)];
  }
  const [least, most] = [low, high].map((end) => Math.min(Math.max(end, -MOST), MOST));
  const air = most > least ? 0.05 * (most - least) : 0.05 * Math.abs(most) || 0.5;
  return [least - air, most + air];
}

/** Ticks of a log axis: decades with what lies between while there are at most `most`. */
export function logTicks(low: number, high: number, most: number): number[] {
  if (!(low > 0) || !(high > low)) return [];
  const first = Math.floor(Math.log10(low));
  const last = Math.ceil(Math.log10(high));
  const ticks = (between: number[], every: number) => {
    const out: number[] = [];
    for (let decade = Math.ceil(first / every) * every; decade <= last; decade += every) {
      out.push(...between.map((digit) => Number(`${digit}e${decade}`)));
    }
    return out.filter((tick) => tick >= low && tick <= high);
  };
  for (const between of [[1, 2, 3, 4, 5, 6, 8], [1, 2, 5], [1, 3], [1]]) {
    const found = ticks(between, 1);
    if (found.length <= most) return found;
  }
  return ticks([1], Math.ceil((last - first) / Math.max(most, 1)));
}

/** Four significant digits: "0.2134", "12,340", "3.100e-5". */
export function formatValue(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e7)) {
    return value.toExponential(2).replace("-", "−").replace("e−", "e-").replace("e+", "e");
  }
  const digits = size >= 1000 ? 0 : Math.max(0, 3 - Math.floor(Math.log10(size || 1)));
  const text = value.toLocaleString("en", {
    minimumFractionDigits: size === 0 || Number.isInteger(value) ? 0 : Math.min(digits, 4),
    maximumFractionDigits: Math.min(digits, 6),
  });
  return text.replace("-", "−");
}

/** As short as a tick may be: "0.25", "1e-5", "20k". */
export function formatTick(value: number): string {
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size < 1e-3 || size >= 1e6) {
    return value
      .toExponential()
      .replace(/(\.\d{3})\d*/, "$1")
      .replace("e+", "e");
  }
  return String(Number(value.toPrecision(6)));
}

/** Whole numbers with thousands apart: "12,340". */
export function formatCount(value: number): string {
  return Math.round(value).toLocaleString("en");
}

/** Seconds: "4.2 s", "1:29", "2:03:10". */
export function formatSeconds(seconds: number): string {
  if (!(seconds >= 0) || !Number.isFinite(seconds)) return "–";
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const whole = Math.round(seconds);
  const two = (n: number) => String(n).padStart(2, "0");
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

/** Bytes: "1.2 GB". */
export function formatBytes(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = Math.min(Math.max(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), 0), 4);
  const value = bytes / 1000 ** power;
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[power]}`;
}
