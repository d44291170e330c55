// The host of widgets in a report: a model without a kernel and an element for each of them.

import { h } from "../core/dom";
import { type Answer, answer, type SavedAnswers } from "./kernel_answers";

type TraitValues = Record<string, unknown>;
type Callback = (...args: never[]) => void;

/** A widget as src/torchdial/report/html_file.py writes it. */
export interface SavedWidget extends SavedAnswers {
  stem: string;
  state: TraitValues;
  /** A remark above the widget, such as that images were left out; may be empty. */
  note: string;
  /** The author's heading and plain text, each may be empty. */
  title: string;
  text: string;
}

/** The exports of a widget's module: https://anywidget.dev/en/afm/. */
interface WidgetExports {
  initialize?(props: { model: FileModel }): unknown;
  render(props: { model: FileModel; el: HTMLElement }): unknown;
}
// biome-ignore lint/suspicious/noExplicitAny: the traits of the model differ between widgets
export type WidgetModule = any;

/** A widget's model as anywidget provides it, without a kernel. */
export class FileModel {
  readonly #state: TraitValues;
  readonly #kept: SavedAnswers;
  readonly #callbacks = new Map<string, Set<Callback>>();

  constructor({ state, ...kept }: { state: TraitValues } & SavedAnswers) {
    this.#state = state;
    this.#kept = kept;
  }

  get(name: string): unknown {
    return this.#state[name];
  }

  set(name: string, value: unknown): void {
    if (Object.is(this.#state[name], value)) return;
    this.#state[name] = value;
    this.#emit(`change:${name}`);
  }

  on(event: string, callback: Callback): void {
    const callbacks = this.#callbacks.get(event) ?? new Set();
    this.#callbacks.set(event, callbacks.add(callback));
  }

  off(event: string, callback: Callback): void {
    this.#callbacks.get(event)?.delete(callback);
  }

  /** Does nothing: there is no kernel. */
  save_changes(): void {}

  send(content: { type: string; id: number }): void {
    const { version = 0 } = (this.#state._frame ?? {}) as { version?: number };
    const found: Answer | null = answer(content, this.#kept, version);
    if (!found) return;
    // A kernel never answers before `send` returns.
    queueMicrotask(() => this.#emit("msg:custom", found.message, found.buffers));
  }

  #emit(event: string, ...args: unknown[]): void {
    for (const callback of [...(this.#callbacks.get(event) ?? [])]) callback(...(args as never[]));
  }
}

/** Show widgets one below the other; an error is shown in place of the widget that has it. */
export async function showAll(
  widgets: readonly SavedWidget[],
  modules: Record<string, WidgetModule>,
  main: HTMLElement,
): Promise<void> {
  main.append(contentsOf(widgets));
  for (const [i, saved] of widgets.entries()) {
    const place = h("section", { id: placeOf(i) });
    main.append(place);
    if (saved.title) place.append(h("h2", {}, saved.title));
    if (saved.text) place.append(h("p", { class: "text" }, saved.text));
    if (saved.note) place.append(h("p", {}, saved.note));
    const el = h("div");
    place.append(el);
    try {
      const found = modules[saved.stem];
      if (!found) throw new Error("unknown widget");
      const widget: WidgetExports = typeof found === "function" ? await found() : found;
      const model = new FileModel(saved);
      await widget.initialize?.({ model });
      await widget.render({ model, el });
    } catch (error) {
      el.textContent = `This ${saved.stem.replace("_", " ")} cannot be shown: ${error}`;
    }
  }
}

const placeOf = (index: number) => `part-${index + 1}`;

/** Links to the widgets that have a title; hidden where there are less than two. */
function contentsOf(widgets: readonly SavedWidget[]): HTMLElement {
  const items = widgets.flatMap(({ title }, i) =>
    title ? [h("li", {}, h("a", { href: `#${placeOf(i)}` }, title))] : [],
  );
  return h("nav", { "aria-label": "contents", hidden: items.length < 2 }, h("ol", {}, ...items));
}
