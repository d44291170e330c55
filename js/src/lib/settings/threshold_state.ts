// The setting of previews with one threshold, of pixels or of samples.

import type { AnyModel } from "@anywidget/types";
import { nearestStop } from "../core/stops";
import { createSettings, traitsOf } from "../core/synced_settings";
import { inTexts } from "../core/user_names";
import type { SegmentationConfig } from "../segmentation/segmentation_wire";
import { resetOne } from "./class_thresholds";
import { segmentationTraits } from "./pasted_setting";

/** The traits of a dial over stops, of pixels or of samples. */
export interface ThresholdTraits {
  threshold: number;
  class_thresholds: (number | null)[];
  label: number | null;
  view: string;
  /** Undefined where there is no step dial. */
  step?: number | null;
  /** Undefined of samples, which have no parts. */
  min_size?: number;
  _config: Pick<
    SegmentationConfig,
    "task" | "class_names" | "stops" | "initial_threshold" | "initial_class_thresholds" | "sources"
  > &
    Partial<Pick<SegmentationConfig, "min_sizes" | "connectivity" | "of_scores">>;
}

export type ThresholdState = ReturnType<typeof createThresholdState>;

/** Reads and writes the traits of the dial. */
export function createThresholdState<Traits extends ThresholdTraits>(
  model: AnyModel<Traits>,
  changed: () => void,
) {
  const config = inTexts(model.get("_config"));
  const { task, stops, class_names: names } = config;
  const { min_sizes: sizes = [0], connectivity, of_scores } = config;
  const size = traitsOf(model, ["min_size"]);
  const settings = createSettings(
    model,
    ["threshold", "class_thresholds", "label", "view", ...size, ...traitsOf(model, ["step"])],
    ["threshold", "class_thresholds", ...size],
    changed,
  );
  const { get, set } = settings;
  return {
    ...settings,
    config,

    /** Index of the shown class, null for all. */
    get shown(): number | null {
      return task === "binary" ? 0 : get("label");
    },

    /** Index of the minimum size. */
    get size(): number {
      return nearestStop(sizes, get("min_size") ?? 0);
    },

    set size(k: number) {
      set({ min_size: sizes[k] });
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

    /** Move with no class left at a threshold of its own while all are shown. */
    moveTogether(k: number): void {
      if (this.shown === null) set({ class_thresholds: [] });
      this.stop = k;
    },

    /** Go back to the initial setting, of the shown class alone if one of several is shown. */
    reset(): void {
      const { initial_class_thresholds: initial, initial_threshold: threshold } = config;
      const shown = task === "binary" ? null : get("label");
      if (sizes.length > 1) set({ min_size: 0 });
      if (shown === null) set({ class_thresholds: initial, threshold });
      else
        set({ class_thresholds: resetOne(get("class_thresholds"), initial, shown, names.length) });
    },

    /** Go to a setting from `toJson` or `export()`; throws if it is none. */
    apply(text: string): void {
      const { threshold = get("threshold"), ...rest } = segmentationTraits(text, config);
      set({ ...(sizes.length > 1 && { min_size: 0 }), ...rest, threshold });
    },

    /** The setting as Python's `export()` gives it. */
    toJson(): string {
      const setting = get("class_thresholds").length
        ? { class_thresholds: this.stops.map((k) => stops[k]) }
        : { threshold: stops[nearestStop(stops, get("threshold"))] };
      const oneOfSeveral = task !== "binary" && get("label") !== null;
      const shown = oneOfSeveral && { label: get("label") };
      const least = sizes.length > 1 && {
        min_size: get("min_size"),
        ...(connectivity === 8 && { connectivity }),
      };
      return JSON.stringify({
        ...setting,
        task,
        ...shown,
        ...least,
        ...(of_scores && { of_scores }),
      });
    },
  };
}
