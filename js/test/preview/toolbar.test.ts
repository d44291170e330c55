import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createToolbar } from "../../src/lib/preview/toolbar";
import { fake, useFakeDocument } from "../fake_document";

beforeEach(() => {
  useFakeDocument();
  vi.useFakeTimers();
  vi.stubGlobal("navigator", { clipboard: { writeText: async () => {} } });
});

afterEach(() => {
  vi.useRealTimers();
});

it("says of each copy that it was made, and then its name again", async () => {
  const nothing = () => {};
  const toolbar = createToolbar({
    ...{ views: ["mask"], view: () => "mask", show: nothing, controls: [] },
    ...{ classes: () => [], shown: () => null, showClass: nothing },
    ...{ reset: nothing, undo: nothing, canUndo: () => false, help: nothing },
    ...{ toText: () => "{}", toCsv: () => "image", hasCsv: true },
  });
  for (const name of ["copy", "CSV"]) {
    const button = fake(toolbar.element).find(name);
    button.click();
    await vi.advanceTimersByTimeAsync(500);
    expect(button.textContent).toBe("copied");
    button.click();
    await vi.advanceTimersByTimeAsync(5000);
    expect(button.textContent).toBe(name);
  }
});
