// What the browser knows of the runs: one for each widget, shared by all its views.

import type { Limits } from "../charts/axis_scale";
import { Columns } from "../charts/layer_columns";
import { Points } from "../charts/scalar_points";
import type { Axis } from "../charts/scalar_track";
import type { Bytes } from "../core/bytes";
import { errorText } from "../core/error_display";
import { GONE, type KernelChannel, watchKernel } from "../core/kernel_connection";
import { type Packed, unpack } from "./packed_arrays";
import { RunChoice } from "./run_choice";
import {
  checkFrame,
  type Frame,
  type Message,
  type Status,
  type TrainingEvent,
  type WireDetail,
  type WireDistribution,
  type WireRun,
} from "./run_wire";

export const KEYFRAME_EVERY = 5000;
/** After so many ms without a message about a run that goes on, one may be lost. */
export const LONG_SILENCE = 10_000;
const MOST_EVENTS = 500;

/** The model, as far as live plots need it. */
export interface LiveModel extends KernelChannel {
  get(name: "_opening"): { frame: Frame; data: Bytes };
}

export interface Run {
  id: number;
  name: string;
  earlier: boolean;
  scalars: Map<string, Points>;
}

/** The distribution of |gradient| at one step. */
export interface Distribution {
  step: number;
  rows: string[];
  low: number;
  /** Counts by bin of the rows that were counted. */
  counts: Map<string, Float32Array>;
  rms: Float32Array;
  max: Float32Array;
}

export interface Chosen {
  axis?: Axis;
  window?: Limits | null;
  smoothing?: number;
  /** Whether the y axis has all values, or the middle of them. */
  yRange?: string;
  /** Panels with a log axis. */
  logs: Set<string>;
  /** Limits of the y axis that panels keep. */
  yLocks: Map<string, Limits>;
  runs: RunChoice;
  /** Keys of the events that were looked at. */
  read: Set<string>;
  /** Whether the list of events is open. */
  eventsOpen?: boolean;
  /** The steps that every plot shows; null for the whole run. */
  steps?: Limits | null;
  view?: string;
}

export interface Reply {
  message: Message;
  data: Bytes;
}

type Ask = Record<string, unknown> & { type: string };

export class Store {
  readonly runs: Run[] = [];
  readonly layers = new Map<string, Columns>();
  events: TrainingEvent[] = [];
  distribution: Distribution | null = null;
  status: Status | null = null;
  /** What the kernel says went wrong; empty when nothing did. */
  problem = "";
  /** Why a message could not be read, until everything is sent anew. */
  damage = "";
  /** Number of the last frame. */
  seq = -1;
  /** Grows with each change. */
  version = 0;
  /** Whether a frame was lost and what is shown has a gap. */
  behind = false;
  /** When the last message came, in ms. */
  receivedAt: number;
  readonly kernel: ReturnType<typeof watchKernel>;
  /** What was chosen last in any view, for the next one: a host may draw a widget anew. */
  readonly chosen: Chosen = {
    logs: new Set(),
    yLocks: new Map(),
    runs: new RunChoice(),
    read: new Set(),
  };
  /** The chosen layer, null for none; live_widget.ts has it follow the trait `selected`. */
  layer: string | null = null;
  readonly #model: LiveModel;
  readonly #views = new Set<() => void>();
  readonly #waiting = new Map<number, { done(reply: Reply): void; failed(error: Error): void }>();
  readonly #now: () => number;
  #statusAt = 0;
  #requests = 0;
  #askedAt = Number.NEGATIVE_INFINITY;
  #again: ReturnType<typeof setTimeout> | undefined;
  #eventsFrom = 0;

  constructor(model: LiveModel, now: () => number = () => performance.now()) {
    this.#model = model;
    this.#now = now;
    this.receivedAt = now();
    this.kernel = watchKernel(model, () => this.#changed());
    this.#open();
    model.on("msg:custom", this.#onMessage);
    // A host reads the state anew when a connection was cut.
    model.on("change:_opening", this.#open);
  }

  dispose(): void {
    clearTimeout(this.#again);
    this.kernel.dispose();
    this.#model.off("msg:custom", this.#onMessage);
    this.#model.off("change:_opening", this.#open);
    this.#views.clear();
  }

  /** Time since the last message, in ms. */
  get silence(): number {
    return this.#now() - this.receivedAt;
  }

  /** Time since the status was made, in ms. */
  get statusAge(): number {
    return this.#now() - this.#statusAt;
  }

  /** Call on changes; returns how to stop. */
  listen(changed: () => void): () => void {
    this.#views.add(changed);
    return () => this.#views.delete(changed);
  }

  /** Send the kernel a request; rejected with its error message. */
  ask(content: Ask): Promise<Reply> {
    const id = ++this.#requests;
    return new Promise((done, failed) => {
      this.#waiting.set(id, { done, failed });
      if (!this.kernel.send({ ...content, id })) this.#fail(id, GONE);
    });
  }

  /** Ask for everything anew: after a page was loaded again, or a frame was lost. */
  askForKeyframe(): void {
    if (this.#now() - this.#askedAt < KEYFRAME_EVERY) return;
    this.#askedAt = this.#now();
    this.ask({ type: "keyframe" }).catch((error: Error) => {
      if (!this.kernel.message) this.#fail(null, error.message);
    });
  }

  readDistribution(wire: WireDistribution, data: Bytes): Distribution {
    const float32 = (packed: Packed) => unpack(packed, data) as Float32Array;
    const { step, low, bins } = wire;
    const rows = wire.rows ?? this.layers.get("grad_norm")?.names ?? [];
    const count = float32(wire.count);
    const counted = wire.counted ?? rows.map((_, row) => row);
    const counts = new Map(
      counted.map((row, i) => [rows[row], count.subarray(i * bins, (i + 1) * bins)] as const),
    );
    return { step, rows, low, counts, rms: float32(wire.rms), max: float32(wire.max) };
  }

  readonly #open = (): void => {
    const opening = this.#model.get("_opening");
    if (!opening?.frame || opening.frame.seq < this.seq) return;
    this.#safely(() => this.#replace(opening.frame, opening.data));
  };

  readonly #onMessage = (message: Message, buffers: Bytes[]): void => {
    this.receivedAt = this.#now();
    this.#safely(() => this.#handleMessages(message, buffers[0] ?? new Uint8Array()));
  };

  /** An unreadable message is reported and requested anew; what is shown stays. */
  #safely(take: () => void): void {
    try {
      take();
    } catch (error) {
      this.damage = `What the kernel sent could not be read: ${errorText(error)}`;
      this.behind = true;
      this.askForKeyframe();
      this.#askLater();
      this.#changed();
    }
  }

  #handleMessages(message: Message, data: Bytes): void {
    switch (message.type) {
      case "keyframe":
        if (message.frame.seq < this.seq) return; // what is here is newer
        this.#replace(message.frame, data);
        break;
      case "delta":
        this.#follow(message.frame, data);
        break;
      case "detail":
      case "distribution":
      case "done":
        this.#answer(message.id, (waiting) => waiting.done({ message, data }));
        return;
      case "error":
        this.#fail(message.id, message.message);
        break;
      default:
        throw new Error(`torchdial: unknown message ${JSON.stringify(message)}`);
    }
    this.#changed();
  }

  #fail(id: number | null, words: string): void {
    if (id !== null && this.#answer(id, (waiting) => waiting.failed(new Error(words)))) return;
    this.problem = words;
  }

  #answer(
    id: number,
    how: (waiting: { done(reply: Reply): void; failed(error: Error): void }) => void,
  ): boolean {
    const waiting = this.#waiting.get(id);
    if (!waiting) return false; // another page's question
    this.#waiting.delete(id);
    how(waiting);
    return true;
  }

  /** Choose a layer, in every view. */
  choose(layer: string | null): void {
    if (layer === this.layer) return;
    this.layer = layer;
    this.#changed();
  }

  #changed(): void {
    this.version++;
    for (const changed of this.#views) changed();
  }

  #replace(frame: Frame, data: Bytes): void {
    checkFrame(frame, data);
    this.runs.length = 0;
    this.layers.clear();
    this.events = [];
    this.#eventsFrom = frame.events.first;
    this.#take(frame, data);
    this.behind = false;
    this.damage = "";
    this.#askLater();
  }

  #follow(frame: Frame, data: Bytes): void {
    if (frame.seq <= this.seq) return; // the picture here is newer
    checkFrame(frame, data);
    if (frame.seq !== this.seq + 1) this.behind = true;
    this.#take(frame, data);
    if (this.behind) this.askForKeyframe();
    this.#askLater();
  }

  /**
   * Ask until everything was sent anew, and in a long silence, since the last message or a request
   * can be lost; more and more rarely, since a cell may keep the kernel busy for hours.
   */
  #askLater(wait = this.behind ? KEYFRAME_EVERY : LONG_SILENCE): void {
    clearTimeout(this.#again);
    if (!this.behind && this.status?.state !== "running") return;
    this.#again = setTimeout(() => {
      this.askForKeyframe();
      this.#askLater(2 * wait);
    }, wait);
  }

  #take(frame: Frame, data: Bytes): void {
    for (const run of frame.runs) this.#takeRun(run, data);
    for (const { name, rows, step, value } of frame.layers) {
      const columns = this.layers.get(name) ?? new Columns();
      this.layers.set(name, columns);
      columns.splice(rows, unpack(step, data), unpack(value, data) as Float32Array);
    }
    if (this.events.length > MOST_EVENTS) {
      this.#eventsFrom += this.events.length - MOST_EVENTS;
      this.events = this.events.slice(-MOST_EVENTS);
    }
    const skip = this.#eventsFrom + this.events.length - frame.events.first;
    this.events.push(...frame.events.items.slice(Math.max(skip, 0)));
    if (frame.distribution) this.distribution = this.readDistribution(frame.distribution, data);
    this.status = frame.status ?? this.status;
    this.#statusAt = this.#now();
    this.seq = frame.seq;
  }

  #takeRun(wire: WireRun, data: Bytes): void {
    let run = this.runs.find(({ id }) => id === wire.id);
    if (!run) {
      run = { id: wire.id, name: wire.name, earlier: wire.earlier, scalars: new Map() };
      this.runs.push(run);
    }
    for (const scalar of wire.scalars) {
      let points = run.scalars.get(scalar.name);
      if (!points) {
        points = new Points();
        run.scalars.set(scalar.name, points);
      }
      const arrays = [scalar.step, scalar.time, scalar.value].map((packed) => unpack(packed, data));
      const [steps, times, values] = arrays;
      if (scalar.exact) points.extend(scalar.first, steps, times, values);
      else points.replace(scalar.total, false, steps, times, values);
    }
  }
}

/** Points of a window that was asked for. */
export function readDetail(detail: WireDetail, data: Bytes) {
  return detail.scalars.map(({ run, name, step, time, value }) => ({
    run,
    name,
    steps: unpack(step, data) as Float64Array,
    times: unpack(time, data) as Float64Array,
    values: unpack(value, data) as Float64Array,
  }));
}
