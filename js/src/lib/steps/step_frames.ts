// The frames of a training's steps in the page: those that it received, coded as they came, and what
// is known of the others.

import { type Bytes, bytesOf } from "../core/bytes";
import { nearestStop } from "../core/stops";
import { RETRY_MS } from "../core/timing";
import type { WireTile } from "../preview/preview_wire";
import { isLasting } from "../preview/tile_store";
import { unpackBytes } from "../report/unpack_bytes";

/** The counts of one refresh; what they are depends on the preview. */
export interface StepCounts<Counts = unknown> {
  step: number;
  version: number;
  counts: Counts;
}

interface Frame {
  version: number;
  sources: { tiles: WireTile[] }[];
  /** Where frames are kept: the step, and of which others there are frames. */
  about?: StepCounts & {
    /** Version of the first frame that counts: earlier ones are of other images. */
    first: number;
    kept: number[];
  };
}

/** What a step dial shows. */
export interface Steps<Counts = unknown> {
  /** Every refresh, in the order of the steps; empty where no frames are kept. */
  all: readonly StepCounts<Counts>[];
  /** The step that is looked at, the newest where it is followed. */
  step: number;
  /** The step whose picture is shown. */
  shown: number;
  /** Whether the picture that `step` is to be shown by is still to come. */
  waiting: boolean;
}

/** Messages from src/torchdial/widgets/steps/step_preview.py. */
export type StepMessage =
  | { type: "frame"; step: number; frame: unknown }
  | { type: "tiles"; version: number; keys: string[]; codings: WireTile["coding"][] }
  | { type: "other" };

interface Model {
  get(name: "_frame" | "_steps" | "step"): unknown;
  send(content: unknown): void;
}

export function createStepFrames(model: Model) {
  let all: StepCounts[] = (model.get("_steps") as { steps?: StepCounts[] })?.steps ?? [];
  let kept: number[] = [];
  let newest: Frame | null = null;
  let current: Frame | null = null;
  let view: Frame;
  const frames = new Map<number, Frame>();
  /** Steps asked for in the last while. */
  const requested = new Set<number>();
  let retrying: ReturnType<typeof setTimeout> | undefined;

  const newestStep = () => all[all.length - 1]?.step;
  const stepOf = (version: number) =>
    all.find((one) => one.version === version)?.step ?? newestStep();
  const step = () => {
    const steps = all.map((one) => one.step);
    return steps[nearestStop(steps, (model.get("step") as number | null) ?? newestStep())];
  };
  /** The kept step by which the one looked at is shown. */
  const wanted = () => kept[nearestStop(kept, step())];

  /** Add the newest frame; later steps, and those of other images, go. */
  function take(frame: Frame): void {
    newest = frame;
    if (!frame?.about) {
      view = frame;
      return;
    }
    const { first, ...own } = frame.about;
    all = [...all.filter((one) => one.step < own.step && one.version >= first), own];
    kept = own.kept;
    frames.set(own.step, frame);
    for (const key of frames.keys()) if (!kept.includes(key)) frames.delete(key);
  }

  /** Go to the frame that is looked at, once it is here. */
  function look(): void {
    const at = wanted();
    if (!frames.has(at)) ask(at);
    const frame = frames.get(at) ?? current ?? (newest as Frame);
    if (frame === current) return;
    current = frame;
    // What is decoded goes with these views of the bytes, so that what is kept stays small.
    const sources = frame.sources.map((source) => ({
      ...source,
      tiles: source.tiles.map((tile) => ({ ...tile, data: bytesOf(tile.data) })),
    }));
    view = { ...frame, sources };
  }

  /** Ask for a frame, and again later if it is still missing: a request or its reply can be lost. */
  function ask(step: number): void {
    if (requested.has(step)) return;
    requested.add(step);
    clearTimeout(retrying);
    retrying = setTimeout(() => {
      requested.clear();
      look();
    }, RETRY_MS);
    try {
      model.send({ type: "frame", id: 0, step });
    } catch {
      // The kernel is gone, as the notice says.
    }
  }

  return {
    /** The frame that is looked at, or the last one while that is still to come. */
    get(): unknown {
      const frame = model.get("_frame") as Frame;
      if (frame !== newest) take(frame);
      if (all.length) look();
      return view;
    },

    /** @param version of the frame whose picture is drawn */
    state: (version: number): Steps => ({
      all,
      step: step(),
      shown: stepOf(version),
      waiting: all.length > 0 && !frames.has(wanted()),
    }),

    /** A request for planes, of the frame that is shown. */
    asked: (content: object) =>
      "keys" in content && current && current !== newest
        ? { ...content, step: stepOf(current.version) }
        : content,

    /** Keep what a message brings; returns whether it is a frame. */
    receive(content: StepMessage, buffers: readonly Bytes[]): boolean {
      if (content.type === "tiles") {
        const frame = [...frames.values()].find((one) => one.version === content.version);
        content.keys.forEach((key, i) => {
          const source = isLasting(key) ? null : frame?.sources[Number(key.split("/")[1])];
          // Each page that shows the widget asks for it, and once more where the kernel is slow.
          if (source?.tiles.some((tile) => tile.key === key)) return;
          source?.tiles.push({ key, data: bytesOf(buffers[i]), coding: content.codings[i] });
        });
      }
      if (content.type !== "frame") return false;
      const { step, frame } = content;
      const unpacked = buffers.length ? unpackBytes(frame, bytesOf(buffers[0])) : frame;
      if (kept.includes(step)) frames.set(step, unpacked as Frame);
      return true;
    },

    dispose: () => clearTimeout(retrying),
  };
}
