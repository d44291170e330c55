import { expect, it } from "vitest";
import { shorten } from "../../src/lib/core/user_names";

it.each([
  ["short", 8, "short"],
  ["eight go", 8, "eight go"],
  ["a class of its own 12", 10, "a clas… 12"],
])("shortens %j to %i characters, the end kept", (name, most, text) => {
  expect(shorten(name, most)).toBe(text);
  expect(text.length).toBeLessThanOrEqual(most);
});
