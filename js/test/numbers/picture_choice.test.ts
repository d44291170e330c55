import { beforeAll, expect, it } from "vitest";
import { createChoiceLine } from "../../src/lib/numbers/picture_choice";
import { fake, useFakeDocument } from "../fake_document";

beforeAll(useFakeDocument);

it("counts a single picture as one", () => {
  const line = createChoiceLine(1, () => {}, "sample");
  line.show({ order: [0], text: "found" });
  expect(fake(line.element).children[0].textContent).toBe("1 of 1 sample: found");
});

it.each([
  ["all that are counted", [4, 2], "2 of 5 pictures: found"],
  ["those that a shortened file has", [9, 4, 7, 2], "2 of 5 pictures in this file: found"],
  ["that there are none", [], "0 of 5 pictures: found"],
])("says %s", (_, order, words) => {
  const line = createChoiceLine(5, () => {});
  const element = fake(line.element);
  line.show({ order, text: "found" });
  expect([element.hidden, element.children[0].textContent]).toEqual([false, words]);
  line.show(null);
  expect(element.hidden).toBe(true);
});
