import { expect, it } from "vitest";
import { labelsAt, nameOfLabel } from "../../src/lib/images/classes_at";

const MASK = Uint8Array.of(0, 2, 0, 1);
const BOXES = Float32Array.of(...[0, 0, 2, 2, 7], ...[1, 0, 2, 1, 3], ...[1, 0, 2, 1, 5]);

it.each([
  ["neither", null, null, null, [1, 0], []],
  ["a label of the mask", null, MASK, null, [1, 0], [2]],
  ["no label of the mask", null, MASK, null, [0, 1], []],
  ["an object of the mask", [9, 4], MASK, null, [1, 0], [4]],
  ["a box", null, null, BOXES, [0, 1], [7]],
  ["the smallest of boxes, of equal ones the last", null, null, BOXES, [1, 0], [5]],
  ["mask and box", null, MASK, BOXES, [1, 1], [1, 7]],
  ["mask and box of one class", [8, 5], MASK, BOXES, [1, 0], [5]],
] as const)("%s", (_, instances, mask, boxes, [x, y], expected) => {
  const about = { width: 2, instances: instances && [...instances] };
  expect(labelsAt(about, mask, boxes, x, y)).toEqual(expected);
});

it("calls a label without a name by its number", () => {
  expect([3, 4].map((label) => nameOfLabel({ 3: "cat" }, label))).toEqual(["cat", "class 4"]);
});
