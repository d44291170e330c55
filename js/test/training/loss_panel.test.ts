import { beforeAll, beforeEach, expect, it, vi } from "vitest";
import { Choice } from "../../src/lib/charts/legend_choice";
import type { Ink } from "../../src/lib/charts/line_colors";
import type { Axis } from "../../src/lib/charts/scalar_track";
import type { Chosen } from "../../src/lib/live/run_store";
import { LossPanel, type PanelSettings } from "../../src/lib/training/loss_panel";
import { FakeElement, fake, useFakeDocument } from "../fake_document";

/** The charts that were made: how, and whether they are still there. */
const charts = vi.hoisted(() => [] as { log: boolean; label: string; there: boolean }[]);

vi.mock("../../src/lib/charts/line_chart", () => ({
  Chart: class {
    readonly element = new FakeElement();
    readonly #made: (typeof charts)[number];

    constructor(_: Ink, { log, label }: { log: boolean; label: string }) {
      this.#made = { log, label, there: true };
      charts.push(this.#made);
    }

    draw(): void {}

    dispose(): void {
      this.#made.there = false;
    }
  },
}));

beforeAll(() => {
  useFakeDocument();
  const observer = { observe() {}, disconnect() {} };
  vi.stubGlobal("IntersectionObserver", function IntersectionObserver() {
    return observer;
  });
});

beforeEach(() => {
  charts.length = 0;
});

const settings: Omit<PanelSettings, "axis"> = {
  window: [0, 1],
  key: "key",
  width: 300,
  height: 100,
  lines: [],
  withOutliers: false,
};

it("a logarithmic axis chosen in one view of a widget is that of the other, too", () => {
  const chosen: Pick<Chosen, "logs" | "yLocks"> = { logs: new Set(), yLocks: new Map() };
  const events = { zoom() {}, hover() {}, click() {}, changed: () => update() };
  const make = () => new LossPanel("loss", new Choice(), chosen, true, events);
  const panels = [make(), make()];
  const update = (axis: Axis = "step") => {
    for (const panel of panels) panel.update([], { ...settings, axis }, {} as Ink);
  };
  const there = () =>
    charts.filter((chart) => chart.there).map(({ log, label }) => `${label}, ${log}`);

  update();
  update();
  expect(charts).toHaveLength(2);
  fake(panels[0].element).find("log").click();
  expect(there()).toEqual(["loss by step, true", "loss by step, true"]);
  update("time");
  expect(there()).toEqual(["loss by time, true", "loss by time, true"]);
});
