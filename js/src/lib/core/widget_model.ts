// The widget's model as anywidget hands it over (https://anywidget.dev/en/afm/), by its traits.

/** Where one hears of events. */
export interface Source {
  on(event: string, callback: (...args: never[]) => void): void;
  off(event: string, callback: (...args: never[]) => void): void;
}

export interface Model<Traits> extends Source {
  get<K extends keyof Traits>(name: K): Traits[K];
  set<K extends keyof Traits>(name: K, value: Traits[K]): void;
  save_changes(): void;
  send(content: unknown): void;
}

/** Listen to an event; returns how to stop. */
export function subscribe(source: Source, event: string, callback: (...args: never[]) => void) {
  source.on(event, callback);
  return () => source.off(event, callback);
}

/** Listen to changes of some traits; returns how to stop. */
export function listen<Traits>(
  model: Model<Traits>,
  names: readonly (keyof Traits & string)[],
  callback: () => void,
) {
  const stops = names.map((name) => subscribe(model, `change:${name}`, callback));
  return () => {
    for (const stop of stops) stop();
  };
}
