// What can be done with one chart: save it as a file, and see it large.

import { type Drawing, type DrawnName, pngOf, svgOf } from "../charts/chart_file";
import { button, h, svg } from "../core/dom";
import { errorText } from "../core/error_display";

const LARGE_HEIGHT = 420;
const CORNERS = "M1 4V1h3M8 1h3v3M11 8v3H8M4 11H1V8";
const FILES = "Save this chart as a picture, or its points as a table";
const SPARE = 24; // pixels below a chart that fills the screen

/** A chart and what it shows, to be saved. */
export interface SavedChart {
  title: string;
  drawing: Drawing;
  names: DrawnName[];
  /** The points as text. */
  table(): string;
}

/** Buttons that save the chart, each as a kind of file, below one that shows them. */
export function createSaving(title: string, chart: () => SavedChart | null): HTMLElement {
  const problem = h("span", { role: "alert" });
  const save = async (kind: string) => {
    const saved = chart();
    if (!saved) return;
    problem.textContent = "";
    try {
      const file = await fileOf(kind, saved);
      download(`${saved.title.replace(/[^\w.-]+/g, "_")}.${kind}`, file);
      menu.open = false;
    } catch (error) {
      problem.textContent = errorText(error);
    }
  };
  const kinds = ["png", "svg", "csv"].map((kind) =>
    button(kind.toUpperCase(), FILES, () => save(kind)),
  );
  const summary = h("summary", { class: "button", title: FILES }, "save");
  summary.ariaLabel = `save ${title}`;
  const menu = h("details", { class: "saving" }, summary, h("div", {}, ...kinds, problem));
  return menu;
}

async function fileOf(kind: string, { drawing, names, table }: SavedChart): Promise<Blob> {
  if (kind === "csv") return new Blob([table()], { type: "text/csv" });
  if (kind === "svg") return new Blob([svgOf(drawing, names)], { type: "image/svg+xml" });
  const png = await pngOf(drawing, names);
  if (!png) throw new Error("this browser makes no PNG of so large a chart");
  return png;
}

function download(name: string, content: Blob): void {
  const link = h("a", { href: URL.createObjectURL(content), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** A button that lets an element fill the screen, or where the host forbids it, its row. */
export function createEnlarging(element: HTMLElement, title: string, changed: () => void) {
  const isLarge = () => element.classList.contains("torchdial-large");
  const set = (large: boolean) => {
    element.classList.toggle("torchdial-large", large);
    toggle.ariaPressed = String(large);
    changed();
  };
  const toggle = button("", "Full screen, and back", async () => {
    const large = !isLarge();
    set(large);
    try {
      if (large) await element.requestFullscreen();
      else if (element.matches(":fullscreen")) await document.exitFullscreen();
    } catch {
      // It is large where it stands.
    }
  });
  const corners = svg("path", { d: CORNERS, fill: "none", stroke: "currentColor" });
  toggle.append(svg("svg", { width: 12, height: 12, "aria-hidden": "true" }, corners));
  toggle.ariaLabel = `full screen ${title}`;
  element.addEventListener("fullscreenchange", () => set(element.matches(":fullscreen")));
  return {
    toggle,

    /** Width and height of the chart while the element is large, below its head. */
    size(head: HTMLElement): [number, number] | null {
      if (!isLarge()) return null;
      const fills = element.matches(":fullscreen");
      return [element.clientWidth, fills ? innerHeight - head.clientHeight - SPARE : LARGE_HEIGHT];
    },
  };
}
