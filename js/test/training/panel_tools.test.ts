import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createSaving, type SavedChart } from "../../src/lib/training/panel_tools";
import { fake, useFakeDocument } from "../fake_document";

vi.mock("../../src/lib/charts/chart_file", () => ({
  pngOf: async () => null, // as where the canvas would be too large
  svgOf: () => "<svg/>",
}));

const files: Blob[] = [];

beforeEach(() => {
  useFakeDocument();
  vi.useFakeTimers();
  vi.spyOn(URL, "createObjectURL").mockImplementation((file) => {
    files.push(file as Blob);
    return "blob:1";
  });
});

afterEach(() => {
  vi.useRealTimers();
  files.length = 0;
});

it("saves a chart as the kind of file of each button, and says what fails", async () => {
  const table = vi.fn(() => "run,name\n");
  const chart = { title: "loss", names: [], table } as unknown as SavedChart;
  const menu = fake(createSaving("loss", () => chart));
  const save = async (kind: string) => {
    menu.find(kind).click();
    await vi.advanceTimersByTimeAsync(0);
  };
  await save("SVG");
  expect(table).not.toHaveBeenCalled();
  await save("PNG");
  const problem = () => menu.all().find(({ attributes }) => attributes.role === "alert");
  expect(problem()?.textContent).toBe("this browser makes no PNG of so large a chart");
  await save("CSV");
  expect(problem()?.textContent).toBe("");
  expect(await Promise.all(files.map((file) => file.text()))).toEqual(["<svg/>", "run,name\n"]);
});
