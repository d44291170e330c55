// Traits synced in both directions: sent to the kernel at a limited rate, always with the last value,
// and by the kernel to the other pages that show the widget.

import type { AnyModel } from "@anywidget/types";
import { type Kernel, watchKernel } from "./kernel_connection";
import { throttle } from "./timing";
import { listen, subscribe } from "./widget_model";

// A moving dial sends fewer than ten messages a second, including the one at rest.
const SAVING_MS = 120;
const PAINTED_MS = 30; // hosts show at once that a message makes the kernel busy; the picture is first
const REST_MS = 250;
const MOST_UNDO = 100;
const PAGE_ID = Math.random().toString(36).slice(2);

/** The message that `_settle` of src/torchdial/widgets/base.py sends to every page. */
interface Settled<Traits> {
  type: string;
  page: string;
  state: Partial<Traits>;
}

export interface Settings<Traits, Name extends keyof Traits> {
  kernel: Kernel;
  get<K extends keyof Traits>(name: K): Traits[K];
  set(values: Partial<Pick<Traits, Name>>): void;
  /** Take back the last change of the traits `undoable`; a drag is one change. */
  undo(): void;
  canUndo(): boolean;
  /** Send pending changes now. */
  flush(): void;
  dispose(): void;
}

/**
 * Read and write the traits `names`, of which those `undoable` can be taken back; `changed` is called
 * after a change from either side.
 */
export function createSettings<Traits extends object, Name extends keyof Traits & string>(
  model: AnyModel<Traits>,
  names: readonly Name[],
  undoable: readonly Name[],
  changed: () => void,
): Settings<Traits, Name> {
  const kernel = watchKernel(model, changed);
  const saving = throttle(SAVING_MS, () => model.save_changes(), PAINTED_MS);
  const stopListening = listen(model, names, changed);
  const earlier: Pick<Traits, Name>[] = []; // what undo goes back to, the last one first
  let isChanging = false; // until it rests
  let resting: ReturnType<typeof setTimeout> | undefined;

  const stateOf = (chosen: readonly Name[]) =>
    Object.fromEntries(chosen.map((name) => [name, model.get(name)])) as unknown as Pick<
      Traits,
      Name
    >;

  /**
   * Send the last values in a message as well: ipywidgets never sends further traits if the kernel
   * does not acknowledge earlier ones, as happens in an async cell.
   */
  const settle = () => {
    resting = undefined;
    isChanging = false;
    saving.flush();
    kernel.send({ type: "settle", id: 0, page: PAGE_ID, state: stateOf(names) });
  };
  const follow = ({ type, page, state }: Settled<Traits>) => {
    if (type !== "settled" || page === PAGE_ID || resting !== undefined) return;
    for (const name of names) model.set(name, state[name] as Traits[Name]);
  };
  const stopFollowing = subscribe(model, "msg:custom", follow);

  function set(values: Partial<Pick<Traits, Name>>): void {
    for (const [name, value] of Object.entries(values)) {
      model.set(name as Name, value as Traits[Name]);
    }
    saving.call();
    clearTimeout(resting);
    resting = setTimeout(settle, REST_MS);
    changed();
  }

  return {
    kernel,
    get: (name) => model.get(name),
    set(values) {
      const before = stateOf(undoable);
      set(values);
      if (isChanging || JSON.stringify(before) === JSON.stringify(stateOf(undoable))) return;
      isChanging = true;
      earlier.unshift(before);
      earlier.length = Math.min(earlier.length, MOST_UNDO);
    },
    undo() {
      const before = earlier.shift();
      isChanging = false;
      if (before) set(before);
    },
    canUndo: () => earlier.length > 0,
    flush: saving.flush,
    dispose() {
      stopListening();
      stopFollowing();
      kernel.dispose();
      clearTimeout(resting);
      saving.flush();
    },
  };
}

/** Those of some traits that a model has. */
export function traitsOf<Traits extends object, Name extends keyof Traits & string>(
  model: AnyModel<Traits>,
  names: readonly Name[],
): Name[] {
  return names.filter((name) => model.get(name) !== undefined);
}
