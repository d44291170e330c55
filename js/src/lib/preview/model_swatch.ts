// The name of a model beside its colour, which is the same wherever a model is shown.

import { h } from "../core/dom";
import { shorten } from "../core/user_names";

/** @param longest letters of the name; a longer one is cut in its middle, as ends tell runs apart. */
export function modelSwatch(source: number, name: string, longest = 32): HTMLElement {
  const swatch = h("i", { class: `swatch model-${source}`, "aria-hidden": "true" });
  const text = h("span", {}, shorten(name, longest));
  return h("span", { class: "model-name", title: name }, swatch, text, " ");
}
