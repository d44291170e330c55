import { beforeAll, expect, it } from "vitest";
import { range } from "../../src/lib/core/metrics";
import { createLegend } from "../../src/lib/preview/legend";
import { fake, useFakeDocument } from "../fake_document";

beforeAll(useFakeDocument);

it("is searched in the names of the classes", () => {
  const legend = createLegend();
  const names = ["Shore", "horse", ...range(20).map((c) => `class ${c}`)];
  legend.show(names.map((text, counts) => ({ color: "red", text, counts })));
  const elements = fake(legend.element).all();
  const search = elements.find(({ attributes }) => attributes.type === "search");
  const found = (text: string) => {
    Object.assign(search as object, { value: text });
    search?.dispatchEvent(new Event("input"));
    const buttons = elements.filter(({ attributes }) => attributes.type === "button");
    return buttons.filter(({ hidden }) => !hidden).map(({ textContent }) => textContent);
  };
  expect(found("sho")).toEqual(["Shore"]);
  expect(found("HOR")).toEqual(["Shore", "horse"]);
  expect(found("pictures")).toEqual([]);
  expect(found("")).toHaveLength(22);
});
