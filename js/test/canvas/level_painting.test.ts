import { describe, expect, it } from "vitest";
import {
  decide,
  differenceTable,
  disagreementTable,
  heatTable,
  keepOutline,
  maskTable,
  overlayTable,
  paint,
  type Region,
} from "../../src/lib/canvas/level_painting";
import * as colors from "../../src/lib/core/colors";
import { BLACK, category, pack, TRANSPARENT, WHITE } from "../../src/lib/core/colors";

const whole = (width: number, height: number) => ({ x: 0, y: 0, width, height });

function painted(levels: number[], table: Uint32Array, rows: number[] | null = null): number[] {
  const out = new Uint32Array(levels.length);
  const plane = {
    width: levels.length,
    levels: Uint8Array.from(levels),
    rows: rows && Uint16Array.from(rows),
  };
  paint(out, plane, whole(levels.length, 1), table);
  return [...out];
}

describe("masks", () => {
  it("are white exactly where the level is above the stop", () => {
    expect(painted([0, 2, 3, 255], maskTable([2]))).toEqual([BLACK, BLACK, WHITE, WHITE]);
  });

  it("go by the stop of each pixel's class", () => {
    expect(painted([5, 5, 5], maskTable([4, 5, 6]), [0, 1, 2])).toEqual([WHITE, BLACK, BLACK]);
  });

  it("are painted for the region that is asked for, row by row", () => {
    const plane = { width: 3, levels: Uint8Array.from([0, 9, 0, 9, 9, 0]), rows: null };
    const out = new Uint32Array(4);
    paint(out, plane, { x: 1, y: 0, width: 2, height: 2 }, maskTable([0]));
    expect([...out]).toEqual([WHITE, BLACK, WHITE, BLACK]);
  });
});

it("an overlay gives each class its colour and leaves the rest alone", () => {
  const seen = painted([9, 9, 0], overlayTable([4, 4], 1), [0, 1, 0]);
  expect(seen).toEqual([pack(category(1)), pack(category(2)), TRANSPARENT]);
});

it("an overlay of all classes leaves the background unpainted", () => {
  const seen = painted([9, 9, 0], overlayTable([4, 4], 0, 0), [0, 1, 1]);
  expect(seen).toEqual([TRANSPARENT, pack(category(1)), TRANSPARENT]);
});

it("a heat map goes from viridis' darkest colour at p = 0 to its brightest at p = 1", () => {
  const seen = painted([0, 5, 10], heatTable([2], 10)).map((color) => color & 0xffffff);
  const colors = [
    [68, 1, 84],
    [33, 145, 140],
    [253, 231, 37],
  ] as const; // viridis at 0, 0.5 and 1, rounded
  expect(seen).toEqual(colors.map((color) => pack(color, 0)));
});

it("a heat map dims what does not pass", () => {
  const [below, above] = painted([2, 3], heatTable([2], 10)).map((color) => color >>> 24);
  expect(above).toBe(255);
  expect(below).toBeLessThan(128);
});

describe("two models", () => {
  it("of one class differ where one passes and the other does not", () => {
    expect(painted([3, 3, 1, 1], differenceTable(2), [3, 1, 3, 1])).toEqual([
      pack(colors.BOTH),
      pack(colors.ONLY_FIRST),
      pack(colors.ONLY_SECOND),
      TRANSPARENT,
    ]);
  });

  it("of all classes differ also where they decide on another class", () => {
    const labels = (argmax: number[]) =>
      decide(Uint8Array.from([9, 9, 1, 9, 1]), Uint8Array.from(argmax), [4, 4]);
    const first = [...labels([0, 1, 0, 1, 0])];
    expect(first).toEqual([1, 2, 0, 2, 0]);
    expect(painted(first, disagreementTable(2), [1, 1, 1, 0, 0])).toEqual([
      pack(colors.BOTH),
      pack(colors.OTHER_CLASS),
      pack(colors.ONLY_SECOND),
      pack(colors.ONLY_FIRST),
      TRANSPARENT,
    ]);
  });

  it("of all classes decide by the stop of the class with the highest probability", () => {
    const argmax = Uint8Array.from([0, 1, 0, 1, 2]);
    expect([...decide(Uint8Array.from([5, 5, 3, 8, 1]), argmax, [4, 7, 0])]).toEqual([
      1, 0, 0, 2, 3,
    ]);
  });
});

it("an outline keeps the rim of what is filled, also towards another colour", () => {
  const art = ["......", ".aaab.", ".aaab.", ".aaab.", "......"];
  const out = Uint32Array.from(art.join(""), (c) => (c === "." ? 0 : c.charCodeAt(0)));
  keepOutline(out, whole(6, 5), { width: 6, height: 5 });
  const rim = [...out].map((v) => (v === 0 ? "." : String.fromCharCode(v))).join("");
  expect(rim.match(/.{6}/g)).toEqual(["......", ".aaab.", ".a.ab.", ".aaab.", "......"]);
});

it("an outline runs along the edge of the map, but not where a zoomed region cuts it", () => {
  const map = { width: 9, height: 3 };
  const of = (region: Region) => {
    const out = new Uint32Array(9).fill(7);
    keepOutline(out, region, map);
    return [...out].map(Number).join("").match(/.{3}/g);
  };
  expect(of({ x: 0, y: 0, width: 3, height: 3 })).toEqual(["777", "700", "777"]);
  expect(of({ x: 3, y: 0, width: 3, height: 3 })).toEqual(["777", "000", "777"]);
  expect(of({ x: 6, y: 0, width: 3, height: 3 })).toEqual(["777", "007", "777"]);
});
