import { expect, it } from "vitest";
import {
  type CanvasTransform,
  rimOf,
  type Stroke,
  strokeBoxes,
} from "../../src/lib/detection/box_strokes";

/** A context that records what is stroked, and how. */
function recorder() {
  const strokes: string[] = [];
  let dash: number[] = [];
  const context = {
    strokeStyle: "",
    globalAlpha: 1,
    lineWidth: 1,
    setLineDash: (lengths: number[]) => {
      dash = lengths;
    },
    strokeRect: (...rect: number[]) => {
      const { strokeStyle, globalAlpha, lineWidth } = context;
      strokes.push(`${strokeStyle} ${globalAlpha} ${lineWidth} [${dash}] at ${rect}`);
    },
  };
  return { context: context as unknown as CanvasRenderingContext2D, strokes };
}

const doubled: CanvasTransform = {
  width: 100,
  height: 80,
  x: (at) => 2 * at,
  y: (at) => 2 * at,
  scale: 2,
  unit: 1,
};
const yellow: Stroke = { color: [240, 228, 66], width: 1.5, dash: [8, 3] };
const blue: Stroke = { color: [0, 114, 178], width: 1 };

it("draws the rims of all boxes, without dashes, then their strokes in whole pixels", () => {
  const { context, strokes } = recorder();
  strokeBoxes(context, doubled, [
    { corners: [1, 2, 11.3, 22], stroke: yellow, rim: rimOf(yellow) },
    { corners: [3, 3, 9, 9], stroke: blue },
    { corners: [2, 2, 4, 4], stroke: yellow, rim: rimOf(yellow) },
    { corners: [60, 2, 70, 9], stroke: yellow, rim: rimOf(yellow) }, // beyond the right edge
  ]);
  expect(strokes).toEqual([
    "rgb(0, 0, 0) 0.35 4 [] at 2,4,21,40",
    "rgb(0, 0, 0) 0.35 4 [] at 4,4,4,4",
    "rgb(240, 228, 66) 1 2 [8,3] at 2,4,21,40",
    "rgb(0, 114, 178) 1 1 [] at 6.5,6.5,12,12",
    "rgb(240, 228, 66) 1 2 [8,3] at 4,4,4,4",
  ]);
});

it.each([
  { name: "light around dark blue", stroke: blue, rim: [255, 255, 255] },
  { name: "dark around yellow", stroke: yellow, rim: [0, 0, 0] },
])("draws a rim that is $name", ({ stroke, rim }) => {
  expect(rimOf(stroke).color).toEqual(rim);
  expect(rimOf(stroke).width).toBe(stroke.width + 2);
});

it("sets a stroke once for a run of boxes that have it", () => {
  const { context } = recorder();
  let times = 0;
  context.setLineDash = () => {
    times++;
  };
  const stroke = { corners: [1, 1, 5, 5] as const, stroke: blue };
  strokeBoxes(context, doubled, [stroke, { ...stroke, stroke: yellow }, stroke, stroke, stroke]);
  expect(times).toBe(3);
});
