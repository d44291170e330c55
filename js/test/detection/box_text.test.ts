import { expect, it } from "vitest";
import type { BoxMark } from "../../src/lib/detection/box_marks";
import { markText } from "../../src/lib/detection/box_text";
import { CONFIG, decided, SETTING } from "./fixtures";

it.each<[string, BoxMark["as"], number, Partial<typeof SETTING>, string]>([
  ["a hit", ...(["hit", 0, {}] as const), "cat 0.90: true positive, IoU 1.000 with its target"],
  ["a ghost", ...(["ghost", 1, {}] as const), "cat 0.80: suppressed by cat 0.90, IoU 0.800 > 0.30"],
  [
    "a second box on a target",
    ...(["falseAlarm", 1, { stop: 1 }] as const),
    "cat 0.80: false positive, its target matches a higher score",
  ],
  [
    "a box of another class",
    ...(["falseAlarm", 2, {}] as const),
    "dog 0.70: false positive, on a missed cat",
  ],
  ["a box in a crowd", ...(["ignored", 3, {}] as const), "cat 0.60: ignored, as its target is"],
  ["a crowd", ...(["aside", 2, {}] as const), "cat: a crowd, neither found nor missed"],
  ["a target that a clicked number counts", ...(["target", 3, {}] as const), "target dog"],
  [
    "a target that a low score would find",
    ...(["miss", 3, {}] as const),
    "missed dog: its best candidate has score 0.20",
  ],
  [
    "a target of which there is no candidate of its class",
    ...(["miss", 1, {}] as const),
    "missed cat: no candidate with IoU ≥ 0.5",
  ],
  [
    "a target cut off by max det",
    ...(["miss", 3, { score: 0.1, maxDet: 1 }] as const),
    "missed dog: its candidate (0.20) is beyond max det",
  ],
])("describes %s", (_, as, index, change, words) => {
  const setting = { ...SETTING, ...change };
  expect(markText(CONFIG, decided(setting), { as, index }, setting)).toBe(words);
});

it("has no match without targets", () => {
  const config = { ...CONFIG, has_targets: false };
  expect(markText(config, decided(), { as: "box", index: 0 }, SETTING)).toBe("cat 0.90");
});
