import { expect, it } from "vitest";
import { pack } from "../../src/lib/core/colors";
import { cutoutsOf, tint } from "../../src/lib/detection/instance_masks";
import { decided } from "./fixtures";

it("cuts each mask out of its box's pixels, clipped to the image, and starts it on a byte", () => {
  const image = decided();
  const found = {
    ...image.found,
    count: 2,
    boxes: Float32Array.of(...[-1.5, 0.5, 2.2, 2], ...[5, 5, 90, 7]),
  };
  expect(cutoutsOf(found, [6, 8])).toEqual([
    { x: 0, y: 0, width: 3, height: 2, byte: 0 },
    { x: 5, y: 5, width: 3, height: 1, byte: 1 },
  ]);
});

it("tints the pixels whose bits are set, within the region, the last mask on top", () => {
  const image = decided();
  const found = {
    ...image.found,
    count: 2,
    boxes: Float32Array.of(...[0, 0, 3, 2], ...[2, 0, 4, 1]),
  };
  const [red, blue] = [
    [255, 0, 0],
    [0, 0, 255],
  ] as const;
  const out = new Uint32Array(3 * 2).fill(9);
  const bits = Uint8Array.of(0b110101, 0b11); // x.x / .xx and xx
  tint(out, { x: 1, y: 0, width: 3, height: 2 }, { ...image, found }, [2, 4], bits, [
    { index: 0, color: red },
    { index: 1, color: blue },
  ]);
  const [r, b] = [pack(red, 110), pack(blue, 110)];
  expect([...out]).toEqual([0, b, b, r, r, 0]);
});
