import { expect, test } from "vitest";
import { amountText, type Cost } from "../../src/lib/tree/module_costs";

test.each<[string, Cost, number, string]>([
  ["parameters in full", "parameters", 1184640, "1,184,640"],
  ["FLOPs with a unit", "flops", 4.718e6, "4.72 M"],
  ["few FLOPs as they are", "flops", 640, "640"],
  ["memory in powers of 1024", "activations", 3 * 1024 ** 2, "3 MB"],
  ["short times", "time", 0.0000163, "16.3 µs"],
  ["long times", "time", 1.25, "1.25 s"],
  ["nothing", "parameters", 0, "–"],
  ["what did not run", "time", Number.NaN, ""],
])("%s", (_, cost, value, text) => {
  expect(amountText(cost, value)).toBe(text);
});
