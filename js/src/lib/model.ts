// The widget's model as anywidget hands it over (https://anywidget.dev/en/afm/), by its traits.

export interface Model<Traits> {
  get<K extends keyof Traits>(name: K): Traits[K];
  set<K extends keyof Traits>(name: K, value: Traits[K]): void;
  on(event: string, callback: (...args: never[]) => void): void;
  off(event: string, callback: (...args: never[]) => void): void;
  save_changes(): void;
  send(content: unknown): void;
}

/** Listen to changes of some traits; returns how to stop. */
export function listen<Traits>(
  model: Model<Traits>,
  names: readonly (keyof Traits & string)[],
  callback: () => void,
) {
  for (const name of names) model.on(`change:${name}`, callback);
  return () => {
    for (const name of names) model.off(`change:${name}`, callback);
  };
}
