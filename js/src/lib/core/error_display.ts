// What goes wrong while a widget is made, told something or drawn is said in words, in its place.

import { h } from "./dom";

/** Makes an action that throws nothing. */
export type Guard = <Given extends unknown[]>(
  action: (...given: Given) => void,
) => (...given: Given) => void;

/** Fill a root of its own in a host's element; returns the cleanup. */
export function mount(
  el: HTMLElement,
  fill: (root: HTMLElement, guard: Guard) => () => void,
): () => void {
  const root = h("div");
  const words = h("div", { class: "notice", role: "alert" });
  const failing = new Set<unknown>();
  const guard: Guard =
    (action) =>
    (...given) => {
      try {
        action(...given);
        failing.delete(action);
      } catch (error) {
        console.error(error);
        failing.add(action);
        words.textContent = `Something went wrong here: ${wordsOf(error)}\nThe picture may be an earlier one; what was recorded is kept.`;
      }
      if (failing.size > 0) root.prepend(words);
      else words.remove();
    };
  let dispose = () => {};
  root.className = "torchdial";
  el.append(root);
  guard(() => {
    dispose = fill(root, guard);
  })();
  return () => {
    dispose();
    root.remove();
  };
}

export function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
