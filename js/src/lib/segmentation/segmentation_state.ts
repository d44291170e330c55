// The setting of the segmentation dial.

import type { AnyModel } from "@anywidget/types";
import { nearestStop } from "../core/stops";
import { createSettings } from "../core/synced_settings";
import { inTexts } from "../core/user_names";
import type { SegmentationTraits } from "./segmentation_wire";

export type SegmentationState = ReturnType<typeof createSegmentationState>;

/** Reads and writes the traits of the dial. */
export function createSegmentationState(model: AnyModel<SegmentationTraits>, changed: () => void) {
  const config = inTexts(model.get("_config"));
  const { task, stops, class_names: names } = config;
  const { kernel, get, set, flush, dispose } = createSettings(
    model,
    ["threshold", "class_thresholds", "shown_class", "view"],
    changed,
  );
  return {
    config,
    kernel,
    get,
    set,
    flush,
    dispose,

    /** Index of the shown class, null for all. */
    get shown(): number | null {
      return task === "binary" ? 0 : get("shown_class");
    },

    /** Index of each class's stop. */
    get stops(): number[] {
      const own = get("class_thresholds");
      return names.map((_, c) => nearestStop(stops, own[c] ?? get("threshold")));
    },

    /** Index of the stop that the dial shows. */
    get stop(): number {
      const { shown } = this;
      return shown === null ? nearestStop(stops, get("threshold")) : this.stops[shown];
    },

    /**
     * Move the threshold of the shown class, or with all classes shown the common one. If every class
     * has its own threshold, moving the common one removes these, or it would have no effect.
     */
    set stop(k: number) {
      const { shown } = this;
      const own = get("class_thresholds");
      if (shown === null || task === "binary") {
        const allOwn = own.length > 0 && own.every((t) => t !== null);
        set({ ...(allOwn && { class_thresholds: [] }), threshold: stops[k] });
        return;
      }
      set({ class_thresholds: names.map((_, c) => (c === shown ? stops[k] : (own[c] ?? null))) });
    },

    reset(): void {
      set({
        class_thresholds: config.initial_class_thresholds,
        threshold: config.initial_threshold,
      });
    },

    /** The setting as Python's `export()` gives it. */
    toJson(): string {
      const setting = get("class_thresholds").length
        ? { class_thresholds: this.stops.map((k) => stops[k]) }
        : { threshold: stops[nearestStop(stops, get("threshold"))] };
      const oneOfSeveral = task !== "binary" && get("shown_class") !== null;
      const shown = oneOfSeveral && { class_index: get("shown_class") };
      return JSON.stringify({ ...setting, task, ...shown });
    },
  };
}
