// Reads a setting from one line of text, as src/torchdial/widgets/preview/pasted_setting.py does;
// tests/golden/settings.json tests both.

import { range } from "../core/metrics";

const REMEDY = "Paste what export() or the copy button of such a preview gives.";

export interface SegmentationSettingTraits {
  threshold?: number;
  class_thresholds: number[];
  shown_class: number | null;
}

export interface DetectionSettingTraits {
  score_threshold?: number;
  nms_iou?: number;
  max_det?: number;
  class_thresholds: (number | null)[];
}

type Values = Record<string, unknown>;

/** The traits of a segmentation's setting; throws if it is none, or one of another preview. */
export function segmentationTraits(
  text: string,
  { task, class_names: names }: { task: string; class_names: readonly string[] },
): SegmentationSettingTraits {
  const setting = toSetting(text, ["threshold", "class_thresholds", "task", "class_index"]);
  const { threshold, class_thresholds: own, class_index: shown = null } = setting;
  const each: unknown = own ?? [];
  if ((setting.task ?? task) !== task) throw refusal(`task='${task}'`, `'${setting.task}'`);
  if (threshold === undefined && own === undefined) {
    throw refusal("threshold or class_thresholds", "neither");
  }
  if (shown !== null && !range(names.length).includes(shown as number)) {
    throw refusal(`a class_index in 0 … ${names.length - 1}`, JSON.stringify(shown));
  }
  if (!Array.isArray(each) || ![0, names.length].includes(each.length)) {
    throw refusal(`one threshold for each of ${names.length} classes`, JSON.stringify(each));
  }
  return {
    class_thresholds: each.map((value) => fraction("a threshold", value)),
    shown_class: shown as number | null,
    ...(threshold !== undefined && { threshold: fraction("a threshold", threshold) }),
  };
}

/** The traits of a detection's setting; throws if it is none, or one of another preview. */
export function detectionTraits(
  text: string,
  { labels, class_agnostic: agnostic }: { labels: readonly number[]; class_agnostic: boolean },
): DetectionSettingTraits {
  const names = ["score_threshold", "nms_iou", "class_thresholds", "class_agnostic", "max_det"];
  const { class_agnostic: given = agnostic, ...setting } = toSetting(text, names);
  if (given !== agnostic)
    throw refusal(`class_agnostic=${inPython(agnostic)}`, inPython(!agnostic));
  if (Object.keys(setting).length === 0) {
    throw refusal("score_threshold, nms_iou, class_thresholds or max_det", "none");
  }
  const {
    score_threshold: score,
    nms_iou: iou,
    max_det: most,
    class_thresholds: own = {},
  } = setting;
  if (own === null || typeof own !== "object" || Array.isArray(own)) {
    throw refusal("thresholds by label", JSON.stringify(own));
  }
  const byLabel = new Map(
    Object.entries(own).map(([label, value]) => [label, fraction("a threshold", value)]),
  );
  const unknown = [...byLabel.keys()].find((label) => !labels.map(String).includes(label));
  if (unknown !== undefined) {
    throw refusal(`labels among ${labels.slice(0, 8).join(", ")}`, unknown);
  }
  if (most !== undefined && !(Number.isInteger(most) && (most as number) >= 1)) {
    throw refusal("a max_det of 1 or more", JSON.stringify(most));
  }
  return {
    ...(score !== undefined && { score_threshold: fraction("a score_threshold", score) }),
    ...(iou !== undefined && { nms_iou: fraction("an nms_iou", iou) }),
    ...(most !== undefined && { max_det: most as number }),
    class_thresholds: byLabel.size ? labels.map((label) => byLabel.get(String(label)) ?? null) : [],
  };
}

/** The dict of a line in the notation of JSON or Python; a setting holds no names of the user. */
function toSetting(text: string, names: readonly string[]): Values {
  let setting: unknown = null;
  try {
    setting = JSON.parse(
      text
        .replaceAll("'", '"')
        .replace(/\bTrue\b/g, "true")
        .replace(/\bFalse\b/g, "false")
        .replace(/\bNone\b/g, "null")
        .replace(/([{,]\s*)(\d+)\s*:/g, '$1"$2":'),
    );
  } catch {
    // refused below
  }
  if (setting === null || typeof setting !== "object" || Array.isArray(setting)) {
    throw refusal("a dict in one line", JSON.stringify(text).slice(0, 60));
  }
  const unknown = Object.keys(setting).find((name) => !names.includes(name));
  if (unknown !== undefined) throw refusal(names.join(" | "), JSON.stringify(unknown));
  return setting as Values;
}

function fraction(name: string, value: unknown): number {
  if (typeof value === "number" && value >= 0 && value <= 1) return value;
  throw refusal(`${name} in [0, 1]`, JSON.stringify(value));
}

const inPython = (value: boolean): string => (value ? "True" : "False");

function refusal(expected: string, got: string): Error {
  return new Error(`setting: expected ${expected}, got ${got}. ${REMEDY}`);
}
