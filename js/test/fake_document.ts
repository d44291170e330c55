// As much of a document as the parts of a widget need that only make elements and listen to them.

import { vi } from "vitest";

export class FakeElement extends EventTarget {
  readonly classList = { add() {}, toggle() {}, contains: () => false };
  readonly dataset: Record<string, string> = {};
  readonly style: Record<string, unknown> = { setProperty() {} };
  readonly attributes: Record<string, string> = {};
  children: FakeElement[] = [];
  hidden = false;
  title = "";
  value = "";
  #text = "";

  get firstChild(): FakeElement | null {
    return this.children[0] ?? null;
  }

  get textContent(): string {
    return this.#text + this.children.map((child) => child.textContent).join("");
  }

  set textContent(text: string) {
    this.children = [];
    this.#text = text;
  }

  append(...children: (FakeElement | string)[]): void {
    this.children.push(...children.map(elementOf));
  }

  prepend(...children: (FakeElement | string)[]): void {
    this.children.unshift(...children.map(elementOf));
  }

  replaceChildren(...children: (FakeElement | string)[]): void {
    this.textContent = "";
    this.append(...children);
  }

  setAttribute(name: string, value: string): void {
    this.attributes[name] = value;
    if (name === "title") this.title = value;
    if (name === "hidden") this.hidden = true;
  }

  remove(): void {}

  click(): void {
    this.dispatchEvent(new Event("click"));
  }

  /** The first element below this one with a text. */
  find(text: string): FakeElement {
    return this.all().find((one) => one.textContent === text) as FakeElement;
  }

  all(): FakeElement[] {
    return this.children.flatMap((child) => [child, ...child.all()]);
  }
}

function elementOf(child: FakeElement | string): FakeElement {
  if (typeof child !== "string") return child;
  const text = new FakeElement();
  text.textContent = child;
  return text;
}

/** Let elements be made; the elements of a widget are then read as `fake(element)`. */
export function useFakeDocument(): void {
  const make = () => new FakeElement();
  vi.stubGlobal("document", { createElement: make, createElementNS: make });
}

export const fake = (element: HTMLElement) => element as unknown as FakeElement;
