import { describe, expect, it, test } from "vitest";
import {
  errorSize,
  KIND,
  type KindLayer,
  kindTable,
  paintErrors,
} from "../../src/lib/canvas/error_painting";
import { agreementOf, type Region, truthOf } from "../../src/lib/canvas/level_painting";
import { toPaleGrey } from "../../src/lib/canvas/raster";
import {
  FALSE_NEGATIVE,
  FALSE_POSITIVE,
  luminance,
  pack,
  type Rgb,
  TRUE_POSITIVE,
} from "../../src/lib/core/colors";

const LETTERS: Record<string, number> = { ".": KIND.right, h: KIND.hit, f: KIND.falseAlarm };
LETTERS.m = KIND.miss;
const COLORS = new Map<number, string>([
  [pack(TRUE_POSITIVE), "h"],
  [pack(FALSE_POSITIVE), "f"],
  [pack(FALSE_NEGATIVE), "m"],
  [pack([0, 0, 0]), "/"],
  [pack([255, 255, 255]), "o"],
  [0, "."],
]);

/** A map drawn in letters: its levels are the kinds themselves. */
function layerOf(...art: string[]): KindLayer {
  const levels = Uint8Array.from(art.join(""), (letter) => LETTERS[letter]);
  const table = Uint8Array.from({ length: 256 }, (_, level) => level);
  return { plane: { width: art[0].length, levels, rows: null }, table };
}

function painted(layers: KindLayer[], region: Region, width: number, height: number) {
  const map = layers[0].plane;
  const out = new Uint32Array(width * height);
  const size = { width: map.width, height: map.levels.length / map.width };
  paintErrors(out, layers, region, size, { width, height }, 1);
  return out;
}

function drawn(layer: KindLayer, width: number, height: number): string[] {
  const { plane } = layer;
  const whole = { x: 0, y: 0, width: plane.width, height: plane.levels.length / plane.width };
  const letters = [...painted([layer], whole, width, height)].map((c) => COLORS.get(c) ?? "?");
  return letters.join("").match(new RegExp(`.{${width}}`, "g")) as string[];
}

describe("what a pixel is", () => {
  const kinds = (levels: number[], table: Uint8Array, rows: ArrayLike<number>) =>
    levels.map((level, i) => table[(rows[i] << 8) | level]);

  it("hit, false alarm, miss, or right where neither or ignored", () => {
    const truth = truthOf(Uint8Array.from([1, 0, 1, 0, 255]), 1);
    const { hit, falseAlarm, miss, right } = KIND;
    expect(kinds([3, 3, 2, 2, 3], kindTable([2]), truth)).toEqual([
      hit,
      falseAlarm,
      miss,
      right,
      right,
    ]);
  });

  it("of the argmax: another class is a false alarm, a class below its own stop a miss", () => {
    const rows = agreementOf(Uint8Array.from([2, 2, 2, 255]), Uint8Array.from([2, 0, 2, 1]));
    const seen = (at: number[]) => kinds([5, 5, 5, 5], kindTable(at, true), rows);
    const { hit, falseAlarm, miss, right } = KIND;
    expect(seen([0, 0, 4])).toEqual([hit, falseAlarm, hit, right]);
    expect(seen([0, 0, 5])).toEqual([miss, falseAlarm, miss, right]);
    expect(seen([5, 0, 5])).toEqual([miss, miss, miss, right]);
  });

  it("of the argmax: the background is right where it is found, and not outlined", () => {
    const rows = agreementOf(Uint8Array.from([0, 0, 1]), Uint8Array.from([0, 1, 0]));
    const { right, falseAlarm, miss } = KIND;
    expect(kinds([5, 5, 5], kindTable([4, 4], true), rows)).toEqual([
      right,
      falseAlarm,
      falseAlarm,
    ]);
    expect(kinds([5, 5, 5], kindTable([5, 5], true), rows)).toEqual([miss, miss, miss]);
  });
});

describe("errors", () => {
  it("hits are outlined by one screen pixel however large a map pixel is", () => {
    expect(drawn(layerOf("...", ".h.", "..."), 9, 9)).toEqual([
      ...Array(3).fill("........."),
      ...["...hhh...", "...h.h...", "...hhh..."],
      ...Array(3).fill("........."),
    ]);
  });

  it("the outline follows the edge of the map, but not a false alarm or miss beside it", () => {
    const edges = drawn(layerOf("hhf", "hhf", "hhm"), 6, 6).map((row) => row.slice(0, 4));
    expect(edges).toEqual(["hhhh", "h...", "h...", "h...", "h...", "hhhh"]);
  });

  it("false alarms are hatched and misses dotted, in screen pixels", () => {
    expect(drawn(layerOf("f"), 6, 3)).toEqual(["//ffff", "/ffff/", "ffff//"]);
    expect(drawn(layerOf("m"), 6, 3)).toEqual(["oommmm", "oommmm", "mmmmmm"]);
  });

  it("of several classes at one pixel the worst is shown", () => {
    const layers = [layerOf("hhhh"), layerOf("f..m")];
    const out = painted(layers, { x: 0, y: 0, width: 4, height: 1 }, 4, 1);
    expect([...out].map((c) => COLORS.get(c))).toEqual(["/", "h", "h", "m"]);
  });

  it("under a screen pixel with many map pixels fade with their share and do not vanish", () => {
    const art = ["hhhh....", "hhhh....", "hhhh....", "hhhhf..."];
    const out = painted([layerOf(...art)], { x: 0, y: 0, width: 8, height: 4 }, 2, 1);
    expect(out[1] & 0xffffff).toBe(pack([0, 0, 0], 0)); // on a hatching line
    expect(out[1] >>> 24).toBe(Math.round(255 / 16));
  });

  it("of a region are those of the whole map", () => {
    const layer = layerOf("hhff", "hhmm", "hh..", "f..m");
    const whole = painted([layer], { x: 0, y: 0, width: 4, height: 4 }, 4, 4);
    const part = painted([layer], { x: 0, y: 0, width: 4, height: 2 }, 4, 2);
    expect([...part]).toEqual([...whole.slice(0, 8)]);
  });
});

test.each([
  ["magnified, in CSS pixels", 64, 256, 1, 256],
  ["magnified on a dense screen, in CSS pixels", 64, 512, 2, 256],
  ["on a screen of fractional density, in device pixels", 64, 300, 1.5, 300],
  ["between the two, in map pixels", 300, 512, 2, 300],
  ["reduced, in device pixels", 1024, 512, 2, 512],
])("the size: %s", (_, map, screen, density, expected) => {
  const square = (side: number) => ({ x: 0, y: 0, width: side, height: side });
  const size = { width: expected, height: expected };
  expect(errorSize(square(map), square(screen), density)).toEqual(size);
});

it("a pale picture is grey, in the order of its brightness, and lighter than what is filled", () => {
  const colors: Rgb[] = [
    [0, 0, 0],
    [200, 0, 0],
    [90, 120, 40],
    [255, 255, 255],
  ];
  const out = Uint32Array.from(colors, (color) => pack(color));
  toPaleGrey(out);
  const greys = [...out].map((c) => [c & 255, (c >> 8) & 255, (c >> 16) & 255] as const);
  for (const [r, g, b] of greys) expect([g, b]).toEqual([r, r]);
  const levels = greys.map(([r]) => r);
  expect([...levels].sort((a, b) => a - b)).toEqual(levels);
  const darkest = luminance(greys[0]);
  for (const fill of [FALSE_POSITIVE, FALSE_NEGATIVE]) {
    expect(luminance(fill)).toBeLessThan(darkest);
  }
});
