// The runs by name, where there are several; each can be hidden, or left alone.

import { Choice, Entry } from "../charts/legend_choice";
import type { Ink } from "../charts/line_colors";
import { h } from "../core/dom";
import type { Run } from "../live/run_store";

export class RunsLegend {
  readonly element = h("span", { class: "entries" });
  readonly #choice = new Choice();
  readonly #entries = new Map<number, Entry>();
  readonly #changed: () => void;
  #ids: string[] = [];

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  shown(runs: readonly Run[]): Run[] {
    return runs.filter(({ id }) => this.#choice.has(String(id)));
  }

  draw(runs: readonly Run[], ink: Ink): void {
    this.element.hidden = runs.length < 2;
    this.#ids = runs.map(({ id }) => String(id));
    runs.forEach((run, index) => {
      const color = areCompared(runs) ? ink.curve(index) : run.earlier ? ink.faint : ink.text;
      const shown = this.#choice.has(String(run.id));
      const title = run.earlier ? `${run.name}, an earlier run` : run.name;
      this.#entryOf(run).update({ color, dashed: false, shown, value: "", title });
    });
  }

  #entryOf(run: Run): Entry {
    let entry = this.#entries.get(run.id);
    if (!entry) {
      const id = String(run.id);
      entry = new Entry(run.name, (alone) => {
        if (alone) this.#choice.isolate(id, this.#ids);
        else this.#choice.toggle(id);
        this.#changed();
      });
      this.#entries.set(run.id, entry);
      this.element.append(entry.element);
    }
    return entry;
  }
}

/** Whether runs are compared side by side in colours, rather than one in front of earlier ones. */
export function areCompared(runs: readonly Run[]): boolean {
  return runs.filter(({ earlier }) => !earlier).length > 1;
}
