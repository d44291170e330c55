// A widget's model whose events come once their planes are decoded, in the order in which they were
// sent. Its `_frame` is that of the step that is looked at.

import type { AnyModel } from "@anywidget/types";
import type { Bytes } from "../core/bytes";
import { type Guard, mount } from "../core/error_display";
import { createStepFrames, type StepMessage } from "../steps/step_frames";
import { type Coding, decodePlane, decoded as planes } from "./plane_coding";
import type { WireTile } from "./preview_wire";

const CODED = ["_pictures", "_frame"]; // the traits that hold planes
const MESSAGE = "msg:custom";

interface Tiles {
  tiles?: WireTile[];
}
/** `_pictures` holds planes, `_frame` those of each model. */
type Planes = Tiles & { sources?: Tiles[] };
type Message = StepMessage & { codings?: (Coding | null)[] };
type Callback = Parameters<AnyModel["on"]>[1];

/** Like `renderer`, once the planes are decoded, of the step that is looked at. */
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
  const newest = new Map<string, unknown>(); // values that may still be coded
  const decoded = new Map<string, unknown>();
  const callbacks = new Map<string, Set<Callback>>();
  const listening: [string, Callback][] = [];
  const steps = createStepFrames(inner as AnyModel);
  /** The decoding that is under way; null while there is none, and then nothing waits. */
  let last: Promise<void> | null = null;

  /** Act after what came before, with these decoded; what is not `wanted` by then is left out. */
  function inOrder(tiles: WireTile[], act: () => void, wanted = () => true): void {
    const coded = tiles.filter(({ data, coding }) => coding && !planes.has(data));
    if (!last && !coded.length) act();
    else {
      const job = decodeAfter(last, coded, act, wanted).finally(() => {
        if (last === job) last = null;
      });
      last = job;
    }
  }

  function emit(event: string, ...given: unknown[]): void {
    for (const callback of [...(callbacks.get(event) ?? [])]) callback(...given);
  }

  function serve(event: string, handle: Callback): void {
    callbacks.set(event, new Set());
    listening.push([event, handle]);
    inner.on(event, handle);
  }

  const codedOf = (name: string) =>
    name === "_frame" ? steps.get() : inner.get(name as keyof Traits);

  /** Read the traits that changed; the events of one update come together. */
  function read(): void {
    const changed = CODED.map((name) => [name, codedOf(name) as Planes] as const).filter(
      ([name, value]) => value !== newest.get(name),
    );
    const isNewest = () => changed.some(([name, value]) => value === newest.get(name));
    for (const [name, value] of changed) newest.set(name, value);
    const tiles = changed
      .flatMap(([, value]) => [value, ...(value?.sources ?? [])])
      .flatMap((one) => one?.tiles ?? []);
    inOrder(
      tiles,
      () => {
        for (const [name, value] of changed) decoded.set(name, value);
        for (const [name] of changed) emit(`change:${name}`);
      },
      () => decoded.size === 0 || isNewest(), // the widget begins with the first ones
    );
  }

  for (const name of [...CODED, "step"]) {
    serve(`change:${name}`, () => {
      read();
      emit(`change:${name === "step" ? name : "_steps"}`);
    });
  }
  callbacks.set("change:_steps", new Set());
  read();
  serve(MESSAGE, (content: Message, buffers: Bytes[] = []) => {
    if (steps.receive(content, buffers)) {
      read();
      emit("change:_steps");
      return;
    }
    const tiles = buffers.map((data, i) => ({ key: "", data, coding: content.codings?.[i] }));
    inOrder(tiles, () => {
      emit(MESSAGE, content, buffers);
    });
  });

  const model = {
    get: (name: string) =>
      name === "_steps"
        ? steps.state((decoded.get("_frame") as { version: number }).version)
        : (decoded.get(name) ?? inner.get(name as keyof Traits)),
    set: inner.set.bind(inner),
    save_changes: inner.save_changes.bind(inner),
    send: (content: object) => inner.send(steps.asked(content)),
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
      steps.dispose();
      for (const [event, handle] of listening) inner.off(event, handle);
    },
  };
}

/** Act once `before` is over and the tiles are decoded, as far as they can be. */
async function decodeAfter(
  before: Promise<void> | null,
  tiles: readonly WireTile[],
  act: () => void,
  wanted: () => boolean,
): Promise<void> {
  await before?.catch(() => {}); // it was reported as an unhandled one
  if (!wanted()) return;
  const decoding = tiles.map(({ key, data, coding }) =>
    // Of what cannot be decoded, the store says that its size is wrong.
    decodePlane(data, coding as Coding).catch((error) => console.error(key, error)),
  );
  await Promise.all(decoding);
  act();
}
