// The frames of a training's steps in the page: those that it received, coded as they came, and what
// is known of the others. A widget sees as `_frame` the one that is looked at.

import type { AnyModel } from "@anywidget/types";
import { type Bytes, bytesOf } from "../core/bytes";
import { RETRY_MS } from "../core/timing";
import type { WireTile } from "../preview/preview_wire";
import { unpackBytes } from "../report/unpack_bytes";

/** The counts of one refresh; what they are depends on the preview. */
export interface StepCounts<Counts = unknown> {
  step: number;
  version: number;
  counts: Counts;
}

/** What `_frame` says of its step, and of which others there are frames. */
interface About extends StepCounts {
  /** Version of the first frame that counts: earlier ones are of other images. */
  first: number;
  kept: number[];
}

interface Frame {
  version: number;
  sources: { tiles: WireTile[] }[];
  about?: About;
}

/** What a step dial shows. */
export interface Steps<Counts = unknown> {
  all: readonly StepCounts<Counts>[];
  /** The step that is looked at, the newest where it is followed. */
  step: number;
  /** The step whose picture is shown. */
  shown: number;
  /** Whether the picture that `step` is to be shown by is still to come. */
  waiting: boolean;
}

const MESSAGE = "msg:custom";
type Callback = Parameters<AnyModel["on"]>[1];

/** A model whose `_frame` follows `step`, and whose `_steps` is a `Steps`; as it is without steps. */
export function steppedModel<Traits extends object>(inner: AnyModel<Traits>) {
  const get = (name: string) => inner.get(name as keyof Traits) as unknown;
  const newest = () => get("_frame") as Frame;
  if (!newest().about) return { model: inner, dispose: () => {} };

  let all = (get("_steps") as { steps: StepCounts[] }).steps;
  let kept: number[] = [];
  const frames = new Map<number, Frame>();
  /** Time of the last request, in ms. */
  const requested = new Map<number, number>();
  const callbacks = new Map<string, Set<Callback>>([
    ["change:_frame", new Set()],
    ["change:_steps", new Set()],
    [MESSAGE, new Set()],
  ]);
  let shown = 0;
  let current = newest();
  let view = copied(current);

  const newestStep = () => all[all.length - 1].step;
  const step = () => (get("step") as number | null) ?? newestStep();
  /** The kept step by which a step is shown; of two equally near the earlier one. */
  const keptFor = (step: number) =>
    kept.reduce((best, k) => (Math.abs(k - step) < Math.abs(best - step) ? k : best));

  function take(frame: Frame): void {
    const { first, kept: now, ...own } = frame.about as About;
    all = all.filter((one) => one.step < own.step && one.version >= first);
    all.push(own);
    kept = now;
    frames.set(own.step, frame);
    for (const key of [...frames.keys()]) if (!kept.includes(key)) frames.delete(key);
  }

  /** Go to the frame that is looked at, once it is here. */
  function look(): void {
    const wanted = keptFor(step());
    const frame = frames.get(wanted);
    if (!frame) {
      const now = performance.now();
      if (now - (requested.get(wanted) ?? Number.NEGATIVE_INFINITY) < RETRY_MS) return;
      requested.set(wanted, now);
      inner.send({ type: "frame", id: 0, step: wanted });
    } else if (frame !== current) show(wanted, frame);
  }

  function show(step: number, frame: Frame): void {
    shown = step;
    current = frame;
    view = copied(frame);
    emit("change:_frame");
  }

  function emit(event: string, ...given: unknown[]): void {
    for (const callback of [...(callbacks.get(event) ?? [])]) callback(...given);
  }

  function receive(content: Message, buffers: Bytes[] = []): void {
    if (content.type === "frame") {
      requested.delete(content.step);
      const packed = buffers.length
        ? unpackBytes(content.frame, bytesOf(buffers[0]))
        : content.frame;
      if (kept.includes(content.step)) frames.set(content.step, packed as Frame);
      look();
      emit("change:_steps");
      return;
    }
    if (content.type === "tiles") keepTiles(content, buffers);
    else if (content.type === "error") requested.clear();
    emit(MESSAGE, content, buffers);
  }

  /** Keep planes that came later with their frame. */
  function keepTiles({ keys, codings, version }: Tiles, buffers: Bytes[]): void {
    const frame = [...frames.values()].find((one) => one.version === version);
    keys.forEach((key, i) => {
      if (key.startsWith("image/") || key.startsWith("target/")) return;
      const source = frame?.sources[Number(key.split("/")[1])];
      source?.tiles.push({ key, data: buffers[i], coding: codings[i] });
    });
  }

  take(current);
  shown = newestStep();
  const listening: [string, Callback][] = [
    [
      "change:_frame",
      () => {
        take(newest());
        look();
        emit("change:_steps");
      },
    ],
    ["change:step", look],
    [MESSAGE, receive],
  ];
  for (const [event, callback] of listening) inner.on(event, callback);
  look();

  const traits: Record<string, () => unknown> = {
    _frame: () => view,
    _steps: (): Steps => ({
      all,
      step: step(),
      shown,
      waiting: !frames.has(keptFor(step())),
    }),
  };
  const model = {
    get: (name: string) => traits[name]?.() ?? get(name),
    set: inner.set.bind(inner),
    save_changes: inner.save_changes.bind(inner),
    widget_manager: inner.widget_manager,
    send(content: { type: string }) {
      const isOlder = content.type === "need" && shown !== newestStep();
      inner.send(isOlder ? { ...content, step: shown } : content);
    },
    on(event: string, callback: Callback) {
      if (!callbacks.get(event)?.add(callback)) inner.on(event, callback);
    },
    off(event: string, callback: Callback) {
      if (!callbacks.get(event)?.delete(callback)) inner.off(event, callback);
    },
  };
  return {
    model: model as unknown as AnyModel<Traits>,
    dispose(): void {
      for (const [event, callback] of listening) inner.off(event, callback);
    },
  };
}

interface Tiles {
  type: "tiles";
  version: number;
  keys: string[];
  codings: WireTile["coding"][];
}
type Message = Tiles | { type: "frame"; step: number; frame: unknown } | { type: "error" };

/** A frame whose planes are decoded in place, so that what is kept stays small. */
function copied(frame: Frame): Frame {
  const sources = frame.sources.map((source) => ({
    ...source,
    tiles: source.tiles.map((tile) => ({ ...tile })),
  }));
  return { ...frame, sources };
}
