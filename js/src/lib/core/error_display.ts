// Errors of a widget, shown as text in its place: while it is made, updated or drawn.

import { h } from "./dom";

/** Wraps an action so that its errors are shown instead of thrown. */
export type Guard = <Given extends unknown[]>(
  action: (...given: Given) => void,
) => (...given: Given) => void;

/** Fill a root of the widget's own in a host's element; returns the cleanup. */
export function mount(
  el: HTMLElement,
  fill: (root: HTMLElement, guard: Guard) => () => void,
): () => void {
  const root = h("div");
  const notice = h("div", { class: "notice", role: "alert" });
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
        notice.textContent = `Something went wrong here: ${errorText(error)}\nThe picture may be an earlier one; what was recorded is kept.`;
      }
      if (failing.size > 0) root.prepend(notice);
      else notice.remove();
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

export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
