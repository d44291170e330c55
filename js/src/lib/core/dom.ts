// Elements and listeners. Text becomes text nodes; nothing is parsed as HTML.

type Child = Node | string;
/** A function is a listener: `onclick`. */
type Attributes = Record<string, string | number | boolean | EventListener>;

/**
 * Make an element with attributes, or a class alone, and children; its classes get the prefix
 * "torchdial-".
 */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes | string = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  return filled(document.createElement(tag), attributes, children);
}

/** What only repeats for the eye what is said elsewhere. */
export function unspoken(className: string, ...children: Child[]): HTMLDivElement {
  return h("div", { class: className, "aria-hidden": "true" }, ...children);
}

/** Set the text of an element, unless it is there: to set it again would take style and layout. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Give an element children without listeners in place of those it has. Where texts alone differ, these
 * are changed, and no boxes are made anew.
 */
export function renew(parent: Element, children: readonly Node[]): void {
  const known = [...parent.childNodes];
  if (known.length !== children.length) parent.replaceChildren(...children);
  else
    children.forEach((now, i) => {
      const old = known[i];
      if (old instanceof Text && now instanceof Text) old.data = now.data;
      else if (old instanceof Element && old.cloneNode().isEqualNode(now.cloneNode()))
        renew(old, [...now.childNodes]);
      else old.replaceWith(now);
    });
}

const SVG = "http://www.w3.org/2000/svg";

/** Make an SVG element. */
export function svg<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Attributes | string = {},
  ...children: Child[]
): SVGElementTagNameMap[K] {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

function filled<E extends Element>(element: E, given: Attributes | string, children: Child[]): E {
  const attributes = typeof given === "string" ? { class: given } : given;
  for (const [name, value] of Object.entries(attributes)) setAttribute(element, name, value);
  element.append(...children);
  return element;
}

function setAttribute(element: Element, name: string, value: Attributes[string]) {
  if (typeof value === "function") {
    element.addEventListener(name.slice(2), value);
    return;
  }
  const text = value === true ? "" : String(value);
  if (name === "class") element.classList.add(...text.split(" ").map((c) => `torchdial-${c}`));
  else if (value !== false) element.setAttribute(name, text);
}

/**
 * A drop-down list whose options have a value and a text, which is the value if it has none. It is read
 * at its "input" event: an update between this and "change" would undo the choice.
 */
export function select(
  label: string,
  options: readonly (readonly [value: string, text?: string])[],
  oninput: () => void = () => {},
) {
  const choices = options.map(([value, text = value]) => h("option", { value }, text));
  return h("select", { class: "select", "aria-label": label, oninput }, ...choices);
}

/** A button; `title` is its tooltip. */
export function button(text: string, title: string, onClick: () => void): HTMLButtonElement {
  return h("button", { type: "button", class: "button", title, onclick: onClick }, text);
}

/** The 2D context of a canvas. */
export function contextOf(canvas: HTMLCanvasElement, willReadFrequently = false) {
  const context = canvas.getContext("2d", { willReadFrequently });
  if (!context) throw new Error("this browser has no 2D canvas");
  return context;
}

/** Make a canvas transparent. */
export function clearCanvas(context: CanvasRenderingContext2D): void {
  context.clearRect(0, 0, context.canvas.width, context.canvas.height);
}

/** Let an element grow but not shrink while its width is the same, so that what follows stays. */
export function keepHeight(element: HTMLElement): ResizeObserver {
  let width = 0;
  let height = 0;
  const observer = new ResizeObserver(() => {
    if (element.offsetWidth !== width) element.style.minHeight = "";
    height = Math.max(element.offsetWidth === width ? height : 0, element.offsetHeight);
    width = element.offsetWidth;
    element.style.minHeight = `${height}px`;
  });
  observer.observe(element);
  return observer;
}

/** Copy text to the clipboard, in an insecure page through a selection; returns whether it worked. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = h("textarea");
    area.style.cssText = "position: fixed; opacity: 0"; // the policy of a report forbids the attribute
    area.value = text;
    document.body.append(area);
    area.select();
    const copied = document.execCommand("copy");
    area.remove();
    return copied;
  }
}
