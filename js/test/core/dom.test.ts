import { expect, it } from "vitest";
import { setText } from "../../src/lib/core/dom";

it("sets a text only where it differs", () => {
  let text = "0.50";
  const set: string[] = [];
  const element = {
    get textContent() {
      return text;
    },
    set textContent(now: string) {
      set.push(now);
      text = now;
    },
  } as Element;
  for (const now of ["0.50", "0.51", "0.51", ""]) setText(element, now);
  expect(set).toEqual(["0.51", ""]);
});
