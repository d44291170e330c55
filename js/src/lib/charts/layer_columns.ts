// Layers × steps: columns of one value a layer, merged in pairs when there are many.

export const MOST_COLUMNS = 1024;

export class Columns {
  /** Names of the rows, in the order of the network. */
  names: string[] = [];
  /** First step of each column; it reaches to the next one's. */
  steps: number[] = [];
  /** Each column's largest values; columns from before a row came are shorter. */
  values: Float32Array[] = [];
  version = 0;

  /** Put columns in place of those that begin at `steps[0]` or later.
   *
   * `flat` is column after column; rows are named where they are new. */
  splice(names: string[] | null, steps: ArrayLike<number>, flat: Float32Array): void {
    if (names) this.names = names;
    const rows = this.names.length;
    const from = steps.length ? this.steps.findIndex((step) => step >= steps[0]) : -1;
    if (from >= 0) {
      this.steps.length = from;
      this.values.length = from;
    }
    for (let k = 0; k < steps.length; k++) {
      this.steps.push(steps[k]);
      this.values.push(flat.slice(k * rows, (k + 1) * rows));
    }
    while (this.steps.length > MOST_COLUMNS) this.#merge();
    this.version++;
  }

  /** Index of the column that a step lies in, -1 before the first. */
  at(step: number): number {
    let low = 0;
    let high = this.steps.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.steps[middle] <= step) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  value(row: number, column: number): number {
    return this.values[column]?.[row] ?? MISSING;
  }

  /** Halve the older part: what is recent stays fine. */
  #merge(): void {
    const half = (MOST_COLUMNS / 2) & ~1;
    const steps: number[] = [];
    const values: Float32Array[] = [];
    for (let k = 0; k < half; k += 2) {
      steps.push(this.steps[k]);
      values.push(larger(this.values[k], this.values[k + 1]));
    }
    this.steps = [...steps, ...this.steps.slice(half)];
    this.values = [...values, ...this.values.slice(half)];
  }
}

/** Where a row has no value; values themselves are never negative. */
export const MISSING = -1;

/** The larger of two values for each row; NaN wins, so that it is never lost. */
export function larger(one: Float32Array, other: Float32Array): Float32Array {
  const rows = Math.max(one.length, other.length);
  return Float32Array.from({ length: rows }, (_, row) =>
    Math.max(one[row] ?? MISSING, other[row] ?? MISSING),
  );
}
