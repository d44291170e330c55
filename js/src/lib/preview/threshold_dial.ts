// The dial of previews with one threshold, of pixels or of samples; the Python side is
// src/torchdial/widgets/preview/threshold_dial.py.

import { clamp } from "../core/clamp";
import type { ThresholdState } from "../settings/threshold_state";
import { createCurveSlider, quarters } from "./curve_slider";
import { dialKeys, type KeyActions } from "./grid_keys";

/** @param text a stop as text. */
export function createThresholdDial(state: ThresholdState, text: (k: number) => string) {
  const { stops, class_names: names } = state.config;
  const move = (k: number) => {
    state.stop = clamp(k, 0, stops.length - 1);
  };
  const dial = createCurveSlider({
    name: "threshold",
    max: stops.length - 1,
    step: 1,
    ticks: quarters(stops.length, text),
    input: move,
    commit: state.flush,
  });
  return {
    element: dial.element,
    update: dial.update,

    /** Names of the classes, with the threshold of each that has its own. */
    classes(): string[] {
      const own = state.get("class_thresholds");
      const now = state.stops;
      return names.map((name, c) =>
        typeof own[c] === "number" ? `${name} (${text(now[c])})` : name,
      );
    },

    /** Where all classes are shown, how many have their own threshold: ", own thresholds: 2". */
    others(): string {
      const own = state.get("class_thresholds").filter((t) => t !== null).length;
      return state.shown === null && own ? `, own thresholds: ${own}` : "";
    },

    /** Key actions while the dial has the focus. */
    actions: (focus: EventTarget | null): KeyActions =>
      focus === dial.input ? dialKeys((by) => move(state.stop + by)) : {},
  };
}
