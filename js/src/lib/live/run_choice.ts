// Which runs are shown: all but the earlier ones at first, and what is chosen after that.

interface ShownRun {
  id: number;
  earlier: boolean;
}

export class RunChoice {
  readonly #chosen = new Map<number, boolean>();
  readonly #pinned = new Set<number>();
  #alone: number | null = null;

  has({ id, earlier }: ShownRun): boolean {
    if (this.#alone === null) return this.#chosen.get(id) ?? !earlier;
    return id === this.#alone || this.#pinned.has(id);
  }

  isAlone({ id }: ShownRun): boolean {
    return id === this.#alone;
  }

  isPinned({ id }: ShownRun): boolean {
    return this.#pinned.has(id);
  }

  /** Show or hide one of `all`; the others stay as they are seen now. */
  toggle(run: ShownRun, all: readonly ShownRun[]): void {
    const shown = all.map((other) => [other.id, this.has(other)] as const);
    const next = !this.has(run);
    this.#alone = null;
    for (const [id, was] of shown) this.#chosen.set(id, was);
    this.#chosen.set(run.id, next);
    if (!next) this.#pinned.delete(run.id);
  }

  /** Show one run and the pinned ones only; a second time, what was shown before. */
  isolate({ id }: ShownRun): void {
    this.#alone = this.#alone === id ? null : id;
  }

  /** Keep a run shown beside whichever is isolated, or no longer. */
  pin({ id }: ShownRun): void {
    if (this.#pinned.delete(id)) return;
    this.#pinned.add(id);
    this.#chosen.set(id, true);
  }
}

/** Number of each run's colour: current runs in order, then earlier ones, the newest first. */
export function huesOf(runs: readonly ShownRun[]): Map<number, number> {
  const current = runs.filter(({ earlier }) => !earlier);
  const earlier = runs.filter((run) => run.earlier).reverse();
  return new Map([...current, ...earlier].map(({ id }, hue) => [id, hue]));
}
