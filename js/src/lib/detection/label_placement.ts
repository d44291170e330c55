// Places the names of boxes so that none covers another.

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
  const taken = new Taken(sizes);
  for (let i = 0; i < count; i++) {
    const [width, height] = [sizes[2 * i], sizes[2 * i + 1]];
    const [x1, y1, x2, y2] = [0, 1, 2, 3].map((side) => rects[4 * i + side]);
    const left = Math.min(Math.max(x1, 0), frame.width - width);
    const right = Math.min(x2, frame.width) - width;
    const xs = [left, right, left];
    const ys = [y1 - height, y1 - height, y2];
    for (let k = 0; k < xs.length; k++) {
      const [x, y] = [xs[k], ys[k]];
      const inside = x >= 0 && y >= 0 && x + width <= frame.width && y + height <= frame.height;
      if (!inside || !taken.take(x, y, width, height)) continue;
      places[2 * i] = x;
      places[2 * i + 1] = y;
      break;
    }
  }
  return places;
}

/** Labels already placed, in cells as large as the largest, so that each lies in at most four. */
class Taken {
  readonly #width: number;
  readonly #height: number;
  readonly #rows = new Map<number, Map<number, number[]>>();

  constructor(sizes: ArrayLike<number>) {
    const largest = (start: number) => {
      let most = 1;
      for (let i = start; i < sizes.length; i += 2) most = Math.max(most, sizes[i]);
      return most;
    };
    this.#width = largest(0);
    this.#height = largest(1);
  }

  /** Take a rectangle if it is free; returns whether it was. */
  take(x: number, y: number, width: number, height: number): boolean {
    const cells = this.#cells(x, y, x + width, y + height);
    for (const cell of cells) {
      for (let k = 0; k < cell.length; k += 4) {
        const beside = x >= cell[k + 2] || x + width <= cell[k];
        if (!beside && y < cell[k + 3] && y + height > cell[k + 1]) return false;
      }
    }
    for (const cell of cells) cell.push(x, y, x + width, y + height);
    return true;
  }

  #cells(x1: number, y1: number, x2: number, y2: number): number[][] {
    const cells = [];
    for (let r = Math.floor(y1 / this.#height); r * this.#height < y2; r++) {
      const row = getOr(this.#rows, r, () => new Map<number, number[]>());
      for (let c = Math.floor(x1 / this.#width); c * this.#width < x2; c++) {
        cells.push(getOr(row, c, () => []));
      }
    }
    return cells;
  }
}

function getOr<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}
