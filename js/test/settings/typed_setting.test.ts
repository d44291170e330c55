import { describe, expect, it } from "vitest";
import { follow, whereMet } from "../../src/lib/settings/typed_setting";

const METRICS = ["dice", "recall", "precision"] as const;
const demands = (...pairs: [string, number][]) => [
  "demand",
  pairs.map(([metric, least]) => ({ metric, least })),
];

/** What is called for a text, and with what. */
function called(text: string, range?: readonly [number, number]): unknown[] {
  const calls: unknown[][] = [];
  const event = (name: string) => (value: unknown) => calls.push([name, value]);
  const events = { goTo: event("goTo"), demand: event("demand"), apply: event("apply") };
  follow(text, { metrics: METRICS, range, ...events });
  expect(calls.length).toBe(1);
  return calls[0];
}

describe("what is typed", () => {
  it.each([
    ["0.37", ["goTo", 0.37]],
    [" .5 ", ["goTo", 0.5]],
    ["1", ["goTo", 1]],
    ["1e-3", ["goTo", 0.001]],
    ["recall ≥ 0.9", demands(["recall", 0.9])],
    ["Recall>=.9", demands(["recall", 0.9])],
    ["recall ≥ 0.9, precision ≥ 0.5", demands(["recall", 0.9], ["precision", 0.5])],
    ["recall >= 0.9 and dice >= 0", demands(["recall", 0.9], ["dice", 0])],
    [' {"threshold": 0.5}', ["apply", '{"threshold": 0.5}']],
  ])("%s", (text, expected) => {
    expect(called(text)).toEqual(expected);
  });

  it.each([
    ["1.5", "a number from 0 to 1 in place of 1.5"],
    ["-0.1", "a number from 0 to 1 in place of -0.1"],
    ["high", "of dice, recall, precision"],
    ["recall", "Type a threshold"],
    ["accuracy ≥ 0.9", "Type a threshold"],
    ["recall ≥ most", "a number from 0 to 1 in place of most"],
    ["recall ≥ 0.9 0.8", "a number from 0 to 1"],
    ["1e3", "a number from 0 to 1 in place of 1e3"],
  ])("%s is refused", (text, words) => {
    expect(() => called(text)).toThrow(words);
  });
});

describe("what is typed for scores", () => {
  it.each([
    ["-2.5", ["goTo", -2.5]],
    ["+41.5", ["goTo", 41.5]],
    ["3e1", ["goTo", 30]],
    ["recall ≥ 0.9", demands(["recall", 0.9])],
  ])("%s", (text, expected) => {
    expect(called(text, [-2.5, 41.5])).toEqual(expected);
  });

  it.each([
    ["42", "a number from -2.5 to 41.5 in place of 42"],
    ["-3", "a number from -2.5 to 41.5 in place of -3"],
    ["recall ≥ 3", "a number from 0 to 1 in place of 3"],
  ])("%s is refused", (text, words) => {
    expect(() => called(text, [-2.5, 41.5])).toThrow(words);
  });
});

describe("where demands are met", () => {
  const curves = { dice: [0.5, 0.7, 0.6, NaN], recall: [1, 0.9, 0.8, 0], precision: [NaN, NaN] };
  const of = (metric: string) => curves[metric as keyof typeof curves];

  it("keeps the values there", () => {
    const met = whereMet(curves.dice, [{ metric: "recall", least: 0.9 }], of);
    expect([...met]).toEqual([0.5, 0.7, NaN, NaN]);
  });

  it("says how far each goes if they are met nowhere", () => {
    const most = [
      { metric: "recall", least: 0.9 },
      { metric: "dice", least: 0.8 },
    ];
    expect(() => whereMet(curves.dice, most, of)).toThrow(
      "recall reaches 1.000, dice reaches 0.700. Ask for less.",
    );
    const few = [[0, 2 / 3], [{ metric: "recall", least: 0.7 }], () => [0, 2 / 3]] as const;
    expect(() => whereMet(...few)).toThrow("recall reaches 0.666. Ask for less.");
    expect(() => whereMet([0], [{ metric: "precision", least: 0 }], of)).toThrow("is undefined");
  });
});
