// The costs of a module and their texts.

export type Cost = "parameters" | "flops" | "activations" | "time";

export const COSTS: readonly { key: Cost; text: string }[] = [
  { key: "parameters", text: "parameters" },
  { key: "flops", text: "FLOPs" },
  { key: "activations", text: "activations" },
  { key: "time", text: "time" },
];

const UNITS = ["", "k", "M", "G", "T"];

/** An amount with its unit: "1,184", "4.72 M", "2.1 MB", "0.31 ms"; empty for NaN, a module that did not run. */
export function amountText(cost: Cost, value: number): string {
  if (Number.isNaN(value)) return "";
  if (value === 0) return "–";
  if (cost === "parameters") return value.toLocaleString("en");
  if (cost === "time") return scaled(value * 1e6, 1000, ["µs", "ms", "s"]);
  if (cost === "activations") return scaled(value, 1024, ["B", "kB", "MB", "GB", "TB"]);
  return scaled(value, 1000, UNITS);
}

function scaled(value: number, step: number, units: readonly string[]): string {
  let unit = 0;
  let rest = value;
  while (rest >= step && unit < units.length - 1) {
    rest /= step;
    unit++;
  }
  return `${Number(rest.toPrecision(3)).toLocaleString("en")} ${units[unit]}`.trim();
}
