// When the host's colours change: canvases do not follow a theme by themselves.

import { h } from "./dom";

/**
 * Call `changed` when the colours of text or ground are others; returns how to stop.
 *
 * A transition of one millisecond ends then, whatever the host changed: a class, a style sheet or
 * the system's setting.
 */
export function watchTheme(root: HTMLElement, changed: () => void): () => void {
  const probe = h("i", { class: "theme-probe", "aria-hidden": "true" });
  probe.addEventListener("transitionend", changed);
  root.append(probe);
  return () => probe.remove();
}
