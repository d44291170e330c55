// The name of a model beside its colour, which is the same wherever a model is shown.

import { h } from "../core/dom";

export function modelSwatch(source: number, name: string): HTMLElement {
  const swatch = h("i", { class: `swatch model-${source}`, "aria-hidden": "true" });
  return h("span", { class: "model-name", title: name }, swatch, h("span", {}, name), " ");
}
