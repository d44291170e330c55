// Where the names of boxes go, so that none covers another.

/**
 * Place a label at each box, in order, first come first served: above its upper left corner, below
 * its lower left one, inside either, or at the right edge above; nowhere if all of that is taken.
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
  const taken = new Taken(sizes, frame.width);
  for (let i = 0; i < count; i++) {
    const [x1, y1, x2, y2] = [0, 1, 2, 3].map((side) => rects[4 * i + side]);
    const [width, height] = [sizes[2 * i], sizes[2 * i + 1]];
    const left = Math.min(Math.max(x1, 0), frame.width - width);
    for (const [x, y] of [
      [left, y1 - height],
      [left, y2],
      [left, y1],
      [left, y2 - height],
      [x2 - width, y1 - height],
    ]) {
      const inside = x >= 0 && y >= 0 && x + width <= frame.width && y + height <= frame.height;
      if (!inside || !taken.take(x, y, width, height)) continue;
      places[2 * i] = x;
      places[2 * i + 1] = y;
      break;
    }
  }
  return places;
}

/** Labels already placed, in a grid of cells no smaller than a label, so that few are neighbours. */
class Taken {
  readonly #cell: number;
  readonly #columns: number;
  readonly #cells = new Map<number, number[]>();

  constructor(sizes: ArrayLike<number>, width: number) {
    this.#cell = Array.from(sizes).reduce((most, v) => Math.max(most, v), 1);
    this.#columns = Math.ceil(width / this.#cell) + 1;
  }

  /** Whether a place is free; if so, it is taken from now on. */
  take(x: number, y: number, width: number, height: number): boolean {
    const right = x + width;
    const below = y + height;
    const corners = [x, right].flatMap((cx) => [y, below].map((cy) => this.#cellOf(cx, cy)));
    const cells = [...new Set(corners)].map((key) => this.#at(key));
    for (const cell of cells) {
      for (let k = 0; k < cell.length; k += 4) {
        if (x < cell[k + 2] && right > cell[k] && y < cell[k + 3] && below > cell[k + 1]) {
          return false;
        }
      }
    }
    for (const cell of cells) cell.push(x, y, right, below);
    return true;
  }

  #cellOf(x: number, y: number): number {
    return Math.floor(y / this.#cell) * this.#columns + Math.floor(x / this.#cell);
  }

  #at(key: number): number[] {
    const known = this.#cells.get(key);
    if (known) return known;
    const cell: number[] = [];
    this.#cells.set(key, cell);
    return cell;
  }
}
