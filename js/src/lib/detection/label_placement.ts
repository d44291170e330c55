// Places the names of boxes so that none covers another.

import { clamp } from "../core/clamp";

/**
 * Place a label at each box, in order: above its upper left corner or its upper right one, or below
 * its lower left one; nowhere if all of these are taken, since it would cover what is in the box.
 *
 * @param rects corners x1, y1, x2, y2 of each box, in any unit.
 * @param sizes width and height of each label.
 * @param frame labels stay within (0, 0) and this.
 * @returns x and y of each label, NaN for one without room.
 */
export function placeLabels(
  rects: ArrayLike<number>,
  sizes: ArrayLike<number>,
  frame: { width: number; height: number },
): Float64Array {
  const count = sizes.length / 2;
  const places = new Float64Array(2 * count).fill(NaN);
  const taken: number[][] = [];
  const isFree = (x: number, y: number, right: number, below: number) =>
    taken.every(([x1, y1, x2, y2]) => x >= x2 || right <= x1 || y >= y2 || below <= y1);
  for (let i = 0; i < count; i++) {
    const [width, height] = [sizes[2 * i], sizes[2 * i + 1]];
    const [x1, y1, x2, y2] = [0, 1, 2, 3].map((side) => rects[4 * i + side]);
    const left = clamp(x1, 0, frame.width - width);
    const right = Math.min(x2, frame.width) - width;
    const corners = [
      [left, y1 - height],
      [right, y1 - height],
      [left, y2],
    ];
    const place = corners.find(([x, y]) => {
      const inside = x >= 0 && y >= 0 && x + width <= frame.width && y + height <= frame.height;
      return inside && isFree(x, y, x + width, y + height);
    });
    if (!place) continue;
    places.set(place, 2 * i);
    taken.push([...place, place[0] + width, place[1] + height]);
  }
  return places;
}
