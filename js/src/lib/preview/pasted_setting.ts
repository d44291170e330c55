// Reads a setting from one line of text, as src/torchdial/widgets/preview/pasted_setting.py does;
// tests/golden/settings.json tests both. What is wrong is said in fewer words here.

type Values = Record<string, unknown>;

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

/** The traits of a segmentation's setting; throws if it is none, or one of another preview. */
export function segmentationTraits(
  text: string,
  { task, class_names: names }: { task: string; class_names: readonly string[] },
): SegmentationSettingTraits {
  const setting = toSetting(text);
  const { task: given = task, class_index: shown = null, class_thresholds: own = [] } = setting;
  const { task: _, class_index: __, class_thresholds: ___, ...rest } = setting;
  const isClass = (index: unknown) => index === null || [...names.keys()].includes(index as number);
  const isList = Array.isArray(own) && [0, names.length].includes(own.length);
  expectAll({
    task: [given, given === task],
    class_index: [shown, isClass(shown)],
    class_thresholds: [own, isList && own.every(isFraction)],
    ...fractions(rest, ["threshold"]),
    setting: [text, "class_thresholds" in setting || "threshold" in setting],
  });
  return {
    ...(rest as { threshold?: number }),
    class_thresholds: own as number[],
    shown_class: shown as number | null,
  };
}

/** The traits of a detection's setting; throws if it is none, or one of another preview. */
export function detectionTraits(
  text: string,
  { labels, class_agnostic: agnostic }: { labels: readonly number[]; class_agnostic: boolean },
): DetectionSettingTraits {
  const setting = toSetting(text);
  const { class_agnostic: given = agnostic, class_thresholds: own = {}, ...rest } = setting;
  const { max_det: most = 1 } = rest;
  const isKnown = ([label, value]: [string, unknown]) =>
    labels.map(String).includes(label) && isFraction(value);
  const entries = Object.entries((own ?? {}) as Values);
  expectAll({
    setting: [text, "class_thresholds" in setting || Object.keys(rest).length > 0],
    class_agnostic: [given, given === agnostic],
    class_thresholds: [own, own !== null && !Array.isArray(own) && entries.every(isKnown)],
    ...fractions(rest, ["score_threshold", "nms_iou", "max_det"]),
    max_det: [most, Number.isInteger(most) && (most as number) > 0],
  });
  const byLabel = own as Record<number, number>;
  return {
    ...rest,
    class_thresholds: entries.length ? labels.map((label) => byLabel[label] ?? null) : [],
  };
}

/** The dict of a line in the notation of JSON or Python; a setting holds no names of the user. */
function toSetting(text: string): Values {
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
  const isDict = typeof setting === "object" && setting !== null && !Array.isArray(setting);
  expectAll({ setting: [text, isDict] });
  return setting as Values;
}

const isFraction = (value: unknown) => typeof value === "number" && value >= 0 && value <= 1;

type Checks = Record<string, [value: unknown, isRight: boolean]>;

/** A check for each value: it is one of those known, and a fraction. */
function fractions(values: Values, known: readonly string[]): Checks {
  const check = (name: string, value: unknown): [unknown, boolean] => [
    value,
    known.includes(name) && isFraction(value),
  ];
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, check(name, value)]),
  );
}

function expectAll(checks: Checks): void {
  for (const [name, [value, isRight]] of Object.entries(checks)) {
    if (isRight) continue;
    const got = JSON.stringify(value)?.slice(0, 60);
    throw new Error(
      `${name}: ${got} does not fit. Paste what export() or copy of such a preview gives.`,
    );
  }
}
