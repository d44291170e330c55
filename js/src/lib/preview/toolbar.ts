// The row of controls above the dials.

import { button, copyText, h, select } from "../core/dom";

export const FIRST_OPACITY = 0.55;

export interface ToolbarParts<View extends string> {
  views: readonly View[];
  view(): View;
  show(view: View): void;
  /** Names of the classes, with the threshold of each that has its own. */
  classes(): string[];
  classesTitle?: string;
  shown(): number | null;
  showClass(index: number | null): void;
  /** Further controls, placed after the class. */
  controls: HTMLElement[];
  reset(): void;
  undo(): void;
  canUndo(): boolean;
  help(): void;
  /** The setting as text to paste. */
  toText(): string;
  /** Counts and metrics of each picture as CSV; null where they are not known. */
  toCsv(): string | null;
  hasCsv: boolean;
}

export function createToolbar<View extends string>(parts: ToolbarParts<View>) {
  const buttons = parts.views.map((view) =>
    button(view[0].toUpperCase() + view.slice(1), "", () => parts.show(view)),
  );
  const classes = select("class", [], () =>
    parts.showClass(classes.value === "" ? null : Number(classes.value)),
  );
  classes.title = parts.classesTitle ?? "";
  let classTexts = "";
  const copy = button("copy", "Copy the setting, to paste into go to or Python", () =>
    copyFrom(copy, "copy", parts.toText()),
  );
  const csv = button("CSV", "Copy counts and metrics of each picture as CSV", () => {
    const text = parts.toCsv();
    if (text !== null) copyFrom(csv, "CSV", text);
  });
  csv.hidden = !parts.hasCsv;
  const undo = button("undo", "Take back the last change of the dials (U)", parts.undo);
  const reset = button("reset", "", parts.reset);
  const element = h(
    "div",
    { class: "toolbar", role: "toolbar", "aria-label": "preview" },
    h("div", { role: "group", "aria-label": "view" }, ...buttons),
    labelled("class", classes, parts.classes().length > 1),
    ...parts.controls,
    h("span", "spring"),
    h("span", {}, undo, reset, copy, csv, button("?", "Show the keys", parts.help)),
  );
  return {
    element,
    nextView() {
      const next = parts.views.indexOf(parts.view()) + 1;
      parts.show(parts.views[next % parts.views.length]);
    },
    update() {
      const view = parts.view();
      buttons.forEach((choice, i) => {
        choice.ariaPressed = String(parts.views[i] === view);
      });
      const texts = parts.classes();
      // Replacing the options would close an open list.
      if (classTexts !== texts.join("\n")) {
        classTexts = texts.join("\n");
        classes.replaceChildren(
          h("option", { value: "" }, "all"),
          ...texts.map((text, c) => h("option", { value: c }, text)),
        );
      }
      const shown = parts.shown();
      classes.value = String(shown ?? "");
      undo.disabled = !parts.canUndo();
      const isOne = shown !== null && texts.length > 1;
      reset.title = `Back to the initial setting${isOne ? ` of ${texts[shown]} alone` : ""}`;
    },
  };
}

/** A slider for the opacity of what lies over pictures, from 0 to 1. */
export function opacitySlider(name: string, changed: (opacity: number) => void): HTMLInputElement {
  const range = { type: "range", min: 0, max: 1, step: 0.05, value: FIRST_OPACITY };
  const oninput = () => changed(slider.valueAsNumber);
  const slider = h("input", { ...range, "aria-label": name, oninput });
  return slider;
}

/** A control with a label before it. */
export function labelled(text: string, control: HTMLElement, visible = true): HTMLElement {
  const label = h("label", "label", `${text} `, control);
  label.hidden = !visible;
  return label;
}

function copyFrom(from: HTMLButtonElement, name: string, text: string): void {
  copyText(text).then((copied) => {
    from.textContent = copied ? "copied" : "not allowed";
    setTimeout(() => {
      from.textContent = name;
    }, 1500);
  });
}
