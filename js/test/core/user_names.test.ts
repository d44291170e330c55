import { describe, expect, test } from "vitest";
import { inText, shorten } from "../../src/lib/core/user_names";

describe("a name in a sentence", () => {
  test.each([
    ["is itself where it is plain", "conv1 <b>", "conv1 <b>"],
    ["keeps emoji", "👩‍👧", "👩‍👧"],
    ["is one line", "a\n b\r\n\u2028c", "a b c"],
    ["turns nothing beside it", "\u202eabc", "\u2068abc\u2069"],
    ["opens and ends nothing but its own direction", "\u2066a\u2069\u2069b", "\u2068ab\u2069"],
    ["from right to left is set apart", "\u05d0\u05d1", "\u2068\u05d0\u05d1\u2069"],
    ["may be empty", "", ""],
  ])("%s", (_, name, expected) => {
    expect(inText(name)).toBe(expected);
  });

  test("is cut between letters, not in one", () => {
    expect(inText("👩".repeat(200))).toMatch(/^👩{66}…👩{33}$/u);
  });

  test("is of limited length", () => {
    expect(inText(`${"x".repeat(1e5)}end`)).toMatch(/^x{133}…x+end$/);
    expect(inText("x".repeat(1e5)).length).toBe(200);
  });
});

test.each([
  ["short", 8, "short"],
  ["eight go", 8, "eight go"],
  ["a class of its own 12", 10, "a clas… 12"],
])("shortens %j to %i characters, the end kept", (name, most, text) => {
  expect(shorten(name, most)).toBe(text);
  expect(text.length).toBeLessThanOrEqual(most);
});
