// The setting of the detection dials.

import type { AnyModel } from "@anywidget/types";
import { clamp } from "../core/clamp";
import { nearestStop } from "../core/stops";
import { createSettings, traitsOf } from "../core/synced_settings";
import { inTexts } from "../core/user_names";
import { resetOne } from "../settings/class_thresholds";
import { detectionTraits } from "../settings/pasted_setting";
import type { DetectionTraits } from "./detection_wire";
import type { DetectionSetting } from "./rules/boxes_shown";
import type { DetectionMetric } from "./rules/detection_metrics";

export type DetectionState = ReturnType<typeof createDetectionState>;

const DIALS = ["score_threshold", "nms_iou", "class_thresholds", "max_det"] as const;
const SETTABLE = [...DIALS, "label", "view"] as const;

/** Reads and writes the traits of the dials. */
export function createDetectionState(model: AnyModel<DetectionTraits>, changed: () => void) {
  const config = inTexts(model.get("_config"));
  const { stops, class_names: names } = config;
  const settings = createSettings(
    model,
    [...SETTABLE, ...traitsOf(model, ["step"])],
    DIALS,
    changed,
  );
  const { get, set } = settings;

  /** Index of the shown class, null for all. */
  function place(): number | null {
    const label = get("label");
    return label === null ? null : config.labels.indexOf(label);
  }

  /**
   * Traits for a new score: the threshold of the shown class, or with all classes shown the common
   * one. If every class has its own threshold, moving the common one removes these, or it would have
   * no effect.
   */
  function scoreTraits(score: number): Partial<DetectionTraits> {
    const own = get("class_thresholds");
    const shown = place();
    if (shown !== null) {
      const moved = names.map((_, c) => (c === shown ? score : (own[c] ?? null)));
      return { class_thresholds: moved };
    }
    const allOwn = own.length > 0 && own.every((t) => t !== null);
    return { score_threshold: score, ...(allOwn && { class_thresholds: [] }) };
  }

  const dials = () => DIALS.map((name) => get(name));
  let read: unknown[] = [];
  let setting: DetectionSetting;

  return {
    ...settings,
    config,
    /** The metric that curves, captions and orders are of. */
    metric: "f1" as DetectionMetric,

    /** Index of the shown class, null for all. */
    get label(): number | null {
      return place();
    },

    /** The same object until a dial moves. */
    get setting(): DetectionSetting {
      if (!dials().every((value, i) => value === read[i])) {
        read = dials();
        setting = {
          score: get("score_threshold"),
          stop: nearestStop(stops, get("nms_iou")),
          own: get("class_thresholds"),
          maxDet: get("max_det"),
        };
      }
      return setting;
    },

    /** Position of the score dial: of the shown class, or of all. */
    get score(): number {
      return get("class_thresholds")[place() ?? -1] ?? get("score_threshold");
    },

    /** Move either dial, or both. */
    move({ score, stop }: { score?: number; stop?: number }): void {
      set({
        ...(score !== undefined && scoreTraits(clamp(roundScore(score), 0, 1))),
        ...(stop !== undefined && { nms_iou: stops[clamp(stop, 0, stops.length - 1)] }),
      });
    },

    /** Move both dials, with no class left at a threshold of its own while all are shown. */
    moveTogether(to: { score: number; stop: number }): void {
      if (get("label") === null) set({ class_thresholds: [] });
      this.move(to);
    },

    /** Go back to the initial setting, of the shown class alone if one is shown. */
    reset(): void {
      const { initial } = config;
      const shown = place();
      const own = get("class_thresholds");
      if (shown === null) set(initial);
      else set({ class_thresholds: resetOne(own, initial.class_thresholds, shown, names.length) });
    },

    /** Go to a setting from `toPython` or `export()`; throws if it is none. */
    apply: (text: string) => set(detectionTraits(text, config)),

    /** The setting as Python's `export()` gives it, as a Python dict to paste. */
    toPython(): string {
      const own = get("class_thresholds").flatMap((t, c) =>
        t === null ? [] : [`${config.labels[c]}: ${t}`],
      );
      const items = [
        `"score_threshold": ${get("score_threshold")}`,
        `"nms_iou": ${stops[nearestStop(stops, get("nms_iou"))]}`,
        ...(own.length ? [`"class_thresholds": {${own.join(", ")}}`] : []),
        `"class_agnostic": ${config.class_agnostic ? "True" : "False"}`,
        `"max_det": ${get("max_det")}`,
      ];
      return `{${items.join(", ")}}`;
    },
  };
}

/** Round to thousandths, the precision of a pointer. */
function roundScore(score: number): number {
  return Math.round(score * 1000) / 1000;
}

/** A score with as many decimals as it needs, two to four. */
export function formatScore(score: number): string {
  return score.toFixed(4).replace(/0{1,2}$/, "");
}
