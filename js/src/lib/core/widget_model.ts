// Listening to a widget's model; each function returns one that stops it.

import type { AnyModel } from "@anywidget/types";

/** The part of a widget's model that emits events. */
export type Events = Pick<AnyModel, "on" | "off">;

/** Listen to an event. */
export function subscribe(events: Events, event: string, callback: Parameters<Events["on"]>[1]) {
  events.on(event, callback);
  return () => events.off(event, callback);
}

/** Listen to changes of some traits. */
export function listen<Traits extends object>(
  model: AnyModel<Traits>,
  names: readonly (keyof Traits & string)[],
  callback: () => void,
) {
  const stops = names.map((name) => subscribe(model, `change:${name}`, callback));
  return () => {
    for (const stop of stops) stop();
  };
}
