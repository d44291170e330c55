// Drawing only while the element is on screen.

import { beforePaint } from "../core/timing";

/** Call `draw` before the next paint in which `element` is on screen. */
export function whenVisible(element: HTMLElement, draw: () => void) {
  let onScreen = true; // until the observer has looked
  let waiting = false;
  const frame = beforePaint(() => {
    waiting = !onScreen || document.hidden;
    if (!waiting) draw();
  });
  const again = () => {
    if (waiting) frame.call();
  };
  const observer = new IntersectionObserver((entries) => {
    onScreen = entries[entries.length - 1].isIntersecting;
    again();
  });
  observer.observe(element);
  document.addEventListener("visibilitychange", again);
  return {
    call() {
      if (onScreen && !document.hidden) frame.call();
      else waiting = true;
    },
    cancel() {
      frame.cancel();
      observer.disconnect();
      document.removeEventListener("visibilitychange", again);
    },
  };
}
