// A widget's model whose planes are decoded: what depends on them is told once they are, in the order
// in which it was sent.

import type { AnyModel } from "@anywidget/types";
import type { Bytes } from "../core/bytes";
import { type Guard, mount } from "../core/error_display";
import { type Coding, decodePlane } from "./plane_coding";
import type { WireTile } from "./preview_wire";

const CODED = ["_pictures", "_frame"]; // the traits that hold planes
const MESSAGE = "msg:custom";

interface Tiles {
  tiles?: WireTile[];
}
/** `_pictures` holds planes, `_frame` those of each model. */
type Planes = Tiles & { sources?: Tiles[] };
type Callback = Parameters<AnyModel["on"]>[1];

/** Like `renderer`, once the planes are decoded. */
export function decodedRenderer<Traits extends object>(
  show: (model: AnyModel<Traits>, root: HTMLElement, guard: Guard) => () => void,
) {
  return {
    render({ model, el }: { model: AnyModel<Traits>; el: HTMLElement }) {
      const decoded = decodedModel(model);
      const begin = () => {
        const dispose = mount(el, (root, guard) => show(decoded.model, root, guard));
        return () => {
          dispose();
          decoded.dispose();
        };
      };
      return decoded.ready?.then(begin) ?? begin();
    },
  };
}

/** `ready` resolves when the first planes are decoded; it is null if none are to be. */
export function decodedModel<Traits extends object>(inner: AnyModel<Traits>) {
  const decoded = new Map<string, unknown>();
  const callbacks = new Map<string, Set<Callback>>();
  const listening: [string, Callback][] = [];
  /** The decoding that is under way; null while there is none, and then nothing waits. */
  let last: Promise<void> | null = null;

  /** Act after what is being decoded, and after decoding these. */
  function inOrder(tiles: WireTile[], act: () => void): void {
    const coded = tiles.filter(({ coding }) => coding);
    if (!last && coded.length === 0) {
      act();
      return;
    }
    const job: Promise<void> = Promise.all([last, ...coded.map(decode)])
      .then(act, act) // of what cannot be decoded the store says that its size is wrong
      .finally(() => {
        if (last === job) last = null;
      });
    last = job;
  }

  function emit(event: string, ...given: unknown[]): void {
    for (const callback of [...(callbacks.get(event) ?? [])]) callback(...given);
  }

  function serve(event: string, handle: Callback): void {
    callbacks.set(event, new Set());
    listening.push([event, handle]);
    inner.on(event, handle);
  }

  for (const name of CODED) {
    const event = `change:${name}`;
    const read = () => {
      const value = inner.get(name as keyof Traits) as Planes | undefined;
      const tiles = [value, ...(value?.sources ?? [])].flatMap((one) => one?.tiles ?? []);
      inOrder(tiles, () => {
        decoded.set(name, value);
        emit(event);
      });
    };
    serve(event, read);
    read();
  }
  serve(MESSAGE, (content: { codings?: (Coding | null)[] }, buffers: Bytes[] = []) => {
    const tiles = buffers.map((data, i) => ({ key: "", data, coding: content.codings?.[i] }));
    inOrder(tiles, () => {
      emit(
        MESSAGE,
        content,
        tiles.map(({ data }) => data),
      );
    });
  });

  const model = {
    get: (name: string) => decoded.get(name) ?? inner.get(name as keyof Traits),
    set: inner.set.bind(inner),
    save_changes: inner.save_changes.bind(inner),
    send: inner.send.bind(inner),
    widget_manager: inner.widget_manager,
    on(event: string, callback: Callback) {
      if (!callbacks.get(event)?.add(callback)) inner.on(event, callback);
    },
    off(event: string, callback: Callback) {
      if (!callbacks.get(event)?.delete(callback)) inner.off(event, callback);
    },
  };
  return {
    model: model as unknown as AnyModel<Traits>,
    ready: last as Promise<void> | null,
    dispose(): void {
      for (const [event, handle] of listening) inner.off(event, handle);
    },
  };
}

/** In place, so that another view of the widget has it too. */
async function decode(tile: WireTile): Promise<void> {
  tile.data = await decodePlane(tile.data, tile.coding as Coding);
  tile.coding = null;
}
