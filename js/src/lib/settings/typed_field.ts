// The field in which a setting is typed or pasted.

import { h } from "../core/dom";
import { labelled } from "../preview/toolbar";
import { follow, type TypedEvents } from "./typed_setting";

export function createTypedField<Metric extends string>(events: TypedEvents<Metric>): HTMLElement {
  const { example = "0.37" } = events;
  const problem = h("span", { class: "typed-problem", role: "alert", hidden: true });
  const field = h("input", {
    type: "text",
    class: "select",
    size: 18,
    placeholder: example + (events.metrics.length ? ", recall ≥ 0.9" : ""),
    title: "A threshold, the least of a metric, or a copied setting; then Enter",
    oninput: () => say(""),
    onchange() {
      if (field.value.trim() === "") return;
      try {
        follow(field.value, events);
        field.value = "";
        say("");
      } catch (error) {
        say((error as Error).message);
      }
    },
  });
  const say = (text: string) => {
    problem.textContent = text;
    problem.hidden = text === "";
    field.ariaInvalid = String(text !== "");
  };
  return h("span", {}, labelled("go to", field), " ", problem);
}
