// What is hidden: a click hides or shows one, Alt-click or a double click leaves it alone.

import { h } from "../core/dom";

export class Choice {
  readonly #hidden = new Set<string>();

  has(name: string): boolean {
    return !this.#hidden.has(name);
  }

  toggle(name: string): void {
    if (!this.#hidden.delete(name)) this.#hidden.add(name);
  }

  /** Show one of `all` alone; where it is alone already, show all. */
  isolate(name: string, all: readonly string[]): void {
    const alone = all.every((other) => this.has(other) === (other === name));
    for (const other of all) {
      if (alone || other === name) this.#hidden.delete(other);
      else this.#hidden.add(other);
    }
  }
}

/** A button of the legend: a piece of the line, a name and a value. */
export class Entry {
  readonly #line = h("i", { class: "stroke", "aria-hidden": "true" });
  readonly #name = h("span", { class: "name" });
  readonly #value = h("span", { class: "number" });
  readonly element = h(
    "button",
    { type: "button", class: "button entry" },
    this.#line,
    this.#name,
    this.#value,
  );

  constructor(choose: (alone: boolean) => void) {
    this.element.addEventListener("click", (e) => choose(e.altKey));
    this.element.addEventListener("dblclick", () => choose(true));
  }

  setValue(text: string): void {
    this.#value.textContent = text;
  }

  update(look: {
    name: string;
    color: string;
    dashed: boolean;
    shown: boolean;
    value: string;
    title: string;
  }): void {
    this.#line.style.borderTop = `2px ${look.dashed ? "dashed" : "solid"} ${look.color}`;
    this.#name.textContent = look.name;
    this.setValue(look.value);
    this.element.title = `${look.title}\nClick hides or shows it, a double click or Alt-click leaves it alone.`;
    this.element.ariaPressed = String(look.shown);
  }
}
