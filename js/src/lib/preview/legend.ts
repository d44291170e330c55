// The legend below the pictures; a long one can be searched and closed.

import { button, h } from "../core/dom";
import { shorten } from "../core/user_names";
import type { LegendCounts } from "../numbers/legend_counts";

const LONGEST_TEXT = 32;
const MOST_OPEN = 12; // entries; more are put into a box that can be searched

/** A colour of the legend and what it stands for; `class` is how the swatch is drawn. */
export interface LegendEntry {
  color: string;
  text: string;
  class?: string;
  /** Text before the swatch, where this is a scale. */
  before?: string;
  /** What the entry counts, where it leads to pictures. */
  counts?: LegendCounts;
}

/** The entry of a scale: its colours between the values at its ends. */
export function scaleEntry(colors: readonly string[], low: string, high: string): LegendEntry {
  const color = `linear-gradient(to right, ${colors.join(", ")})`;
  return { color, before: low, text: high, class: "ramp" };
}

/** Called with what a clicked entry counts, and its text. */
type Choose = (counts: LegendCounts, text: string) => void;

export function createLegend() {
  const entries = h("div", "legend");
  const search = h("input", {
    type: "search",
    class: "select",
    placeholder: "find a class",
    "aria-label": "find a class in the legend",
    oninput: filter,
  });
  const summary = h("summary");
  const box = h("details", { class: "details", open: true }, summary, search);
  const element = h("div", "foot", entries);
  let shown = "";
  let texts: string[] = [];

  function filter(): void {
    const wanted = search.value.trim().toLowerCase();
    texts.forEach((text, i) => {
      (entries.children[i] as HTMLElement).hidden = !text.toLowerCase().includes(wanted);
    });
  }

  return {
    element,

    show(now: readonly LegendEntry[], choose: Choose = () => {}): void {
      const key = JSON.stringify(now);
      if (key === shown) return;
      shown = key;
      texts = now.map(({ text }) => text);
      entries.replaceChildren(...now.map((entry) => elementOf(entry, choose)));
      const isLong = now.length > MOST_OPEN;
      if (!isLong) search.value = "";
      summary.textContent = `legend, ${now.length} entries`;
      element.replaceChildren(isLong ? box : entries);
      if (isLong) box.append(entries);
      filter();
    },
  };
}

function elementOf(entry: LegendEntry, choose: Choose): HTMLElement {
  const { color, text, class: name = "", before, counts } = entry;
  const swatch = h("i", { class: `swatch ${name}`.trim(), "aria-hidden": "true" });
  swatch.style.setProperty("--torchdial-swatch", color);
  const short = shorten(text, LONGEST_TEXT);
  const first = before === undefined ? [] : [`${before} `];
  if (counts === undefined) return h("span", { title: text }, ...first, swatch, short);
  const element = button(short, `${text}: show its pictures`, () => choose(counts, text));
  element.prepend(swatch);
  return element;
}
