// A widget's model whose planes are decoded: what depends on them is told once they are, in the order
// in which it was sent.

import type { AnyModel } from "@anywidget/types";
import type { Bytes } from "../core/bytes";
import { type Guard, mount } from "../core/error_display";
import { type Coding, decodePlane } from "./plane_coding";
import type { WireTile } from "./preview_wire";

const CODED = ["_pictures", "_frame"] as const; // the traits that hold planes
const EVENTS = [...CODED.map((name) => `change:${name}`), "msg:custom"];

interface Tiles {
  tiles: WireTile[];
}
/** `_pictures` holds planes, `_frame` those of each model. */
type Planes = Partial<Tiles> & { sources?: Tiles[] };
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
      return decoded.ready ? decoded.ready.then(begin) : begin();
    },
  };
}

export interface DecodedModel<Traits extends object> {
  model: AnyModel<Traits>;
  /** When the first planes are decoded; null if none are to be. */
  ready: Promise<void> | null;
  dispose(): void;
}

export function decodedModel<Traits extends object>(inner: AnyModel<Traits>): DecodedModel<Traits> {
  const decoded = new Map<string, unknown>();
  const callbacks = new Map<string, Set<Callback>>(EVENTS.map((event) => [event, new Set()]));
  /** The decoding that is under way; null while there is none, and then nothing waits. */
  let last: Promise<void> | null = null;

  /** Do it after what is being decoded, and decode before it what has to be. */
  function inOrder(coded: WireTile[], act: () => void): void {
    if (last === null && coded.length === 0) {
      act();
      return;
    }
    const decoding = Promise.all([last, ...coded.map(decode)]);
    const job: Promise<void> = decoding
      .then(act, act) // of what cannot be decoded the store says that its size is wrong
      .finally(() => {
        if (last === job) last = null;
      });
    last = job;
  }

  function emit(event: string, ...given: unknown[]): void {
    for (const callback of [...(callbacks.get(event) ?? [])]) callback(...given);
  }

  function take(name: (typeof CODED)[number], act: () => void): void {
    const value = withOwnTiles(inner.get(name as keyof Traits) as Planes);
    inOrder(codedTiles(value), () => {
      decoded.set(name, value);
      act();
    });
  }

  const handlers: Record<string, Callback> = {
    "msg:custom": (content: { codings?: (Coding | null)[] }, buffers: Bytes[]) => {
      const tiles = (buffers ?? []).map((data, i) => ({
        key: "",
        data,
        coding: content.codings?.[i],
      }));
      inOrder(tiles.filter(isCoded), () => {
        emit(
          "msg:custom",
          content,
          tiles.map(({ data }) => data),
        );
      });
    },
  };
  for (const name of CODED) {
    handlers[`change:${name}`] = () => take(name, () => emit(`change:${name}`));
    take(name, () => {});
  }
  for (const event of EVENTS) inner.on(event, handlers[event]);

  const model = {
    get: (name: string) =>
      decoded.has(name) ? decoded.get(name) : inner.get(name as keyof Traits),
    set: inner.set.bind(inner),
    save_changes: inner.save_changes.bind(inner),
    send: inner.send.bind(inner),
    widget_manager: inner.widget_manager,
    on(event: string, callback: Callback) {
      const own = callbacks.get(event);
      if (own) own.add(callback);
      else inner.on(event, callback);
    },
    off(event: string, callback: Callback) {
      const own = callbacks.get(event);
      if (own) own.delete(callback);
      else inner.off(event, callback);
    },
  };
  return {
    model: model as unknown as AnyModel<Traits>,
    ready: last,
    dispose() {
      for (const event of EVENTS) inner.off(event, handlers[event]);
    },
  };
}

/** A copy whose tiles can be replaced; the host's value stays as it is. */
function withOwnTiles(planes: Planes): Planes {
  const own = planes && { ...planes };
  if (own?.tiles) own.tiles = own.tiles.map((tile) => ({ ...tile }));
  if (own?.sources) {
    own.sources = own.sources.map((one) => ({ ...one, tiles: one.tiles.map((t) => ({ ...t })) }));
  }
  return own;
}

function codedTiles(planes: Planes): WireTile[] {
  const tiles = [planes, ...(planes?.sources ?? [])].flatMap((one) => one?.tiles ?? []);
  return tiles.filter(isCoded);
}

const isCoded = ({ coding }: WireTile) => Boolean(coding);

async function decode(tile: WireTile): Promise<void> {
  tile.data = await decodePlane(tile.data, tile.coding as Coding);
  tile.coding = null;
}
