// A live plot's model as a host hands it over, without a host.

import type { Bytes } from "../../src/lib/core/bytes";
import type { LiveModel } from "../../src/lib/live/run_store";
import type { Frame, Message } from "../../src/lib/live/run_wire";

export interface Opening {
  frame: Frame;
  data: Bytes;
}

type Callback = Parameters<LiveModel["on"]>[1];

export class FakeModel implements LiveModel {
  sent: Record<string, unknown>[] = [];
  isDead = false;
  #opening: Opening;
  readonly #callbacks = new Map<string, Set<Callback>>();

  constructor(opening: Opening) {
    this.#opening = opening;
  }

  get() {
    return this.#opening;
  }

  on(event: string, callback: Callback) {
    const known = this.#callbacks.get(event) ?? new Set();
    this.#callbacks.set(event, known.add(callback));
  }

  off(event: string, callback: Callback) {
    this.#callbacks.get(event)?.delete(callback);
  }

  send(content: unknown) {
    if (this.isDead) throw new Error("Cannot send");
    this.sent.push(content as Record<string, unknown>);
  }

  trigger(event: string, ...args: unknown[]) {
    for (const callback of this.#callbacks.get(event) ?? []) callback(...args);
  }

  deliver(message: Message, data: Bytes = new Uint8Array()) {
    this.trigger("msg:custom", message, [data]);
  }

  /** What a host does that reads the state anew. */
  restore(opening: Opening) {
    this.#opening = opening;
    this.trigger("change:_opening");
  }

  get listeners(): number {
    return [...this.#callbacks.values()].reduce((sum, { size }) => sum + size, 0);
  }
}

/** A frame with the points first … first + values.length − 1 of "loss". */
export function frameOf(
  seq: number,
  first: number,
  values: number[],
): Opening & { data: Uint8Array } {
  const steps = values.map((_, i) => first + i);
  const data = new Uint8Array(new Float64Array([...steps, ...steps, ...values]).buffer);
  const n = values.length;
  const packed = (part: number) => ({ at: 8 * n * part, dtype: "f8" as const, length: n });
  const loss = { name: "loss", first, total: first + n, exact: true };
  const scalars = [{ ...loss, step: packed(0), time: packed(1), value: packed(2) }];
  const frame: Frame = {
    seq,
    runs: [{ id: 0, name: "run 1", earlier: false, scalars }],
    layers: [],
    distribution: null,
    events: { first: 0, items: [] },
    status: null,
  };
  return { frame, data };
}
