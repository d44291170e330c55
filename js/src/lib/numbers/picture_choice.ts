// The pictures that a clicked number counts, and the way back to all of them.

import { formatCount } from "../charts/axis_scale";
import { button, h } from "../core/dom";
import { mostFirst } from "../core/image_choice";

/** Pictures, and what was clicked to see them. */
export interface PictureChoice {
  order: number[];
  text: string;
}

/** The pictures with a count, the highest first: "target a, predicted b: 1,203 pixels". */
export function byCount(counts: ArrayLike<number>, text: string, unit: string): PictureChoice {
  const total = Array.from(counts).reduce((sum, v) => sum + v, 0);
  return { order: mostFirst(counts), text: `${text}: ${formatCount(total)} ${unit}` };
}

/** The line that says what is shown; hidden while all pictures are. A file may lack the last ones. */
export function createChoiceLine(numImages: number, all: () => void, unit = "picture") {
  const words = h("span", { role: "status" });
  const element = h("div", "foot chosen", words, button("all", `Show all ${unit}s`, all));
  element.hidden = true;
  return {
    element,
    show(choice: PictureChoice | null): void {
      element.hidden = !choice;
      if (!choice) return;
      const { order, text } = choice;
      const count = order.filter((image) => image < numImages).length;
      const where = count < order.length ? " in this file" : "";
      const total = `${formatCount(numImages)} ${unit}${numImages === 1 ? "" : "s"}`;
      words.textContent = `${formatCount(count)} of ${total}${where}: ${text}`;
    },
  };
}
