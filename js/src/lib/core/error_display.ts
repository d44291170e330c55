// Shows errors while a widget is made, updated or drawn, as text inside the widget.

import { h } from "./dom";

/** Wraps an action so that its errors are shown instead of thrown. */
export type Guard = <Given extends unknown[]>(
  action: (...given: Given) => void,
) => (...given: Given) => void;

/** Add a root element for the widget to the host's element and fill it; returns the cleanup. */
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
        notice.textContent = `This widget has an error: ${errorText(error)}\nIt may show an earlier state; recorded data are kept.`;
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
