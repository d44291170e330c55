// Samples without pictures, as rows of text.

import { h } from "../core/dom";

export interface SampleRow {
  caption: string;
  /** How its text is marked: "fp", "fn" or "". */
  outcome: string;
  text: string;
}

export function createSampleList() {
  const element = h("ol", { class: "samples", "aria-label": "samples" });
  return {
    element,
    update(rows: readonly SampleRow[]): void {
      element.replaceChildren(
        ...rows.map(({ caption, outcome, text }) =>
          h(
            "li",
            { class: `sample ${outcome ? `sample-${outcome}` : ""}`.trim() },
            h("small", {}, caption),
            h("span", {}, text),
          ),
        ),
      );
    },
  };
}
