// The widget's model as anywidget hands it over (https://anywidget.dev/en/afm/), typed by the
// traits of src/torchdial/widgets/segmentation.py.

import type { View } from "./views";
import type { Config, WireFrame, WireTally, WireTile } from "./wire";

export interface Traits {
  threshold: number;
  /** A threshold for each class, null where it follows `threshold`; empty when none has its own. */
  class_thresholds: (number | null)[];
  shown_class: number | null;
  view: View;
  _config: Config;
  _pictures: { tiles: WireTile[] };
  _frame: WireFrame;
  _curves: (WireTally | null)[];
  _notice: string;
}

export interface Model {
  get<K extends keyof Traits>(name: K): Traits[K];
  set<K extends keyof Traits>(name: K, value: Traits[K]): void;
  on(event: string, callback: (...args: never[]) => void): void;
  off(event: string, callback: (...args: never[]) => void): void;
  save_changes(): void;
  send(content: unknown): void;
}

/** Listen to changes of some traits; returns how to stop. */
export function listen(model: Model, names: readonly (keyof Traits)[], callback: () => void) {
  for (const name of names) model.on(`change:${name}`, callback);
  return () => {
    for (const name of names) model.off(`change:${name}`, callback);
  };
}
