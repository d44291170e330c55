import { describe, expect, it } from "vitest";
import {
  type BoxMark,
  markAt,
  marksOf,
  numOutside,
  withChosen,
} from "../../src/lib/detection/box_marks";
import { directionOf } from "../../src/lib/detection/detection_dials";
import { CONFIG, decided, SETTING } from "./fixtures";

const said = (marks: BoxMark[]) => marks.map(({ as, index }) => `${as} ${index}`);

describe("marks", () => {
  it("are the boxes shown, the highest score last", () => {
    expect(said(marksOf(decided(), "boxes", SETTING, null))).toEqual(["box 3", "box 2", "box 0"]);
  });

  it("of the ghosts view include suppressed boxes above the score threshold", () => {
    const of = (score: number) => {
      const setting = { ...SETTING, score };
      return said(marksOf(decided(setting), "ghosts", setting, null));
    };
    expect(of(0.75)).toEqual(["ghost 1", "box 0"]);
    expect(of(0.85)).toEqual(["box 0"]);
  });

  it("of the errors view are hits, false alarms, misses and ignored targets", () => {
    expect(said(marksOf(decided(), "errors", SETTING, null))).toEqual([
      ...["aside 2", "miss 1", "miss 3"],
      ...["ignored 3", "falseAlarm 2", "hit 0"],
    ]);
  });

  it("of one class are of this class", () => {
    expect(said(marksOf(decided(), "errors", SETTING, 1))).toEqual(["miss 3", "falseAlarm 2"]);
  });

  it("follow thresholds of single classes", () => {
    const setting = { ...SETTING, own: [0.95, null] };
    expect(said(marksOf(decided(setting), "ghosts", setting, null))).toEqual(["box 2"]);
  });

  it("that a clicked number counts are on top, the others faded", () => {
    const marks = marksOf(decided(), "errors", SETTING, null);
    const chosen = [
      { detection: 2, target: 1 },
      { detection: 1, target: 0 },
      { detection: -1, target: 3 },
    ];
    const drawn = withChosen(marks, decided().shown, chosen);
    expect(said(drawn.filter(({ faded }) => faded))).toEqual(["aside 2", "ignored 3", "hit 0"]);
    expect(said(drawn.filter(({ faded }) => !faded))).toEqual([
      ...["miss 1", "falseAlarm 2", "target 0", "ghost 1", "miss 3"],
    ]);
  });

  it("under the pointer is the smallest one, or one near it", () => {
    const setting = { ...SETTING, stop: 1 };
    const image = decided(setting);
    const marks = marksOf(image, "boxes", setting, null);
    const at = (x: number, y: number, slack = 0) => markAt(image, marks, x, y, slack)?.index;
    expect(at(5, 5)).toBe(1);
    expect(at(5, 9)).toBe(0);
    expect(at(12, 5)).toBeUndefined();
    expect(at(12, 9.5, 2)).toBe(1);
  });
});

describe("boxes outside the image", () => {
  // Shown at this setting: 0 and 2 of rows 0 to 10, 3 of columns 40 to 60.
  it.each([
    { size: [40, 60], label: null, count: 0, name: "none" },
    { size: [40, 40], label: null, count: 1, name: "one that begins at the right edge" },
    { size: [40, 39], label: 0, count: 1, name: "of a class" },
    { size: [40, 39], label: 1, count: 0, name: "of another class" },
    { size: [40, 15], label: null, count: 2, name: "two" },
  ])("are counted: $name", ({ size, label, count }) => {
    expect(numOutside(decided(), size, label)).toBe(count);
  });

  it("are counted above and to the left, too", () => {
    const of = decided();
    const boxes = of.found.boxes.map((v, i) => v - (i % 2 ? 10 : 0));
    expect(numOutside({ ...of, found: { ...of.found, boxes } }, [40, 60], null)).toBe(2);
  });
});

describe("the words beside the NMS dial", () => {
  it.each([
    { overlap: null, words: "higher allows more overlap" },
    { overlap: 1, words: "higher allows more overlap" },
    { overlap: 0.61, words: "no two boxes of a class overlap by more than 0.61" },
    { overlap: 0.61, class_agnostic: true, words: "no two boxes overlap by more than 0.61" },
    {
      overlap: 0.61,
      after_nms: true,
      words: "they come from an NMS, so it can only suppress more",
    },
  ])("say what is known: $words", ({ overlap, words, ...config }) => {
    expect(directionOf({ ...CONFIG, ...config }, overlap)).toBe(words);
  });
});
