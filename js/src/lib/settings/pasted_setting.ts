// Reads a setting from one line of text, as src/torchdial/widgets/preview/pasted_setting.py does;
// tests/golden/settings.json tests both. What is wrong is said in fewer words here.

type Values = Record<string, unknown>;

const REMEDY = "does not fit. Paste what export() or copy of such a preview gives.";

export interface SegmentationSettingTraits {
  threshold?: number;
  class_thresholds: number[];
  label: number | null;
  min_size?: number;
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
  {
    task,
    class_names: names,
    connectivity = 4,
    of_scores: ofScores = false,
    stops = [],
  }: {
    task: string;
    class_names: readonly string[];
    connectivity?: number;
    of_scores?: boolean;
    stops?: readonly number[];
  },
): SegmentationSettingTraits {
  const isList = (own: unknown) =>
    Array.isArray(own) && [0, names.length].includes(own.length) && own.every(isFraction);
  const isScore = (score: unknown) =>
    typeof score === "number" && score >= stops[0] && score <= stops[stops.length - 1];
  const isClass = (index: unknown) => [null, ...names.keys()].includes(index as number);
  const setting = checked(text, ["threshold", "class_thresholds"], {
    threshold: ofScores ? isScore : isFraction,
    class_thresholds: isList,
    task: (given) => given === task,
    label: isClass,
    min_size: (size) => Number.isInteger(size) && (size as number) >= 0,
    connectivity: (given) => given === connectivity,
    of_scores: (given) => given === ofScores,
  });
  const { connectivity: of = 4, label = null, class_thresholds = [], ...rest } = setting;
  delete rest.task;
  delete rest.of_scores;
  if ("min_size" in rest && of !== connectivity) throw new Error(`${text.slice(0, 60)} ${REMEDY}`);
  return { ...rest, class_thresholds, label } as SegmentationSettingTraits;
}

/** The traits of a detection's setting; throws if it is none, or one of another preview. */
export function detectionTraits(
  text: string,
  { labels, class_agnostic: agnostic }: { labels: readonly number[]; class_agnostic: boolean },
): DetectionSettingTraits {
  const isByLabel = (own: unknown) =>
    isDict(own) &&
    Object.entries(own).every(([label, t]) => labels.map(String).includes(label) && isFraction(t));
  const dials = {
    score_threshold: isFraction,
    nms_iou: isFraction,
    class_thresholds: isByLabel,
    max_det: (most: unknown) => Number.isInteger(most) && (most as number) > 0,
  };
  const isSame = (given: unknown) => given === agnostic;
  const setting = checked(text, Object.keys(dials), { ...dials, class_agnostic: isSame });
  const { class_agnostic: _, class_thresholds = {}, ...rest } = setting;
  const own = class_thresholds as Record<number, number>;
  const each = Object.keys(own).length ? labels.map((label) => own[label] ?? null) : [];
  return { ...rest, class_thresholds: each };
}

const isDict = (value: unknown): value is Values =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isFraction = (value: unknown) => typeof value === "number" && value >= 0 && value <= 1;

/**
 * The dict of a line in the notation of JSON or Python, with a check for each value and at least one
 * of some; a setting holds no names of the user.
 */
function checked(
  text: string,
  oneOf: readonly string[],
  checks: Record<string, (value: unknown) => boolean>,
): Values {
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
  const values = isDict(setting) ? setting : {};
  const wrong = Object.keys(values).find(
    (name) => !(Object.hasOwn(checks, name) && checks[name](values[name])),
  );
  if (wrong === undefined && oneOf.some((name) => name in values)) return values;
  const got = wrong === undefined ? text : `${wrong}: ${JSON.stringify(values[wrong])}`;
  throw new Error(`${got.slice(0, 60)} ${REMEDY}`);
}
