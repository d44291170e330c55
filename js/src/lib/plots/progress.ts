// How far a run is, in one line, and the controls that are heard.

import { button, h } from "../dom";
import { throttle } from "../timing";
import type { DialState, Status } from "./frames";
import { formatBytes, formatCount, formatSeconds, formatValue } from "./scale";
import type { Store } from "./store";

const PATIENCE = 1500; // ms until a request that nobody answered is spoken of
const BUSY =
  "a cell keeps the kernel busy. Interrupting the cell stops it now; runs begun with " +
  "monitor.start are always heard.";
const DIAL_PARTS = 1000;

/** The line of a status: "running  step 1,240 / 5,000  epoch 2/8  42.1 steps/s  ETA 1:29 …". */
export function wordsOf(name: string, status: Status): string[] {
  const { step, done, total, epoch, epochs, steps_per_s: rate } = status;
  const words = [`${name} ${status.state}`];
  const same = done !== null && done === step;
  words.push(
    `step ${formatCount(step)}${same && total !== null ? ` / ${formatCount(total)}` : ""}`,
  );
  if (!same && done !== null && total !== null) {
    words.push(`batch ${formatCount(done)} / ${formatCount(total)}`);
  }
  if (epoch !== null) {
    words.push(epochs === null ? `epoch ${formatValue(epoch)}` : `epoch ${epoch + 1}/${epochs}`);
  }
  if (rate !== null) words.push(`${rate >= 100 ? formatCount(rate) : rate.toPrecision(3)} steps/s`);
  const left = secondsLeft(status);
  if (left !== null) words.push(`ETA ${formatSeconds(left)}`);
  if (status.memory !== null) words.push(`memory ${formatBytes(status.memory)}`);
  if (status.data_wait !== null) words.push(`data wait ${percent(status.data_wait)}`);
  if (status.overhead !== null) words.push(`watching costs ${percent(status.overhead)}`);
  return words;
}

/** Seconds that the rest takes at the present rate; null where nobody can know. */
export function secondsLeft({
  state,
  done,
  total,
  steps_here,
  steps_per_s,
}: Status): number | null {
  if (state !== "running" || !done || total === null || !steps_here || !steps_per_s) return null;
  return ((total - done) * steps_here) / done / steps_per_s;
}

function percent(fraction: number): string {
  const value = 100 * fraction;
  return `${value !== 0 && Math.abs(value) < 10 ? value.toFixed(1) : Math.round(value)} %`;
}

/** Where a value lies on a dial, 0 … 1, and back. */
export function placeOn({ min, max, log }: DialState, value: number): number {
  const of = log ? Math.log : (v: number) => v;
  return (of(value) - of(min)) / (of(max) - of(min));
}

export function valueOn({ min, max, log }: DialState, place: number): number {
  if (place <= 0) return min;
  if (place >= 1) return max;
  const value = log ? min * (max / min) ** place : min + (max - min) * place;
  return Number(value.toPrecision(3));
}

export class Progress {
  readonly #store: Store;
  readonly #line = h("div", { class: "readout" });
  readonly #spoken = h("div", { class: "spoken", role: "status" });
  readonly #bar = h("div", { class: "bar" }, h("div"));
  readonly #pause = button("pause", "Wait at the next step", () => this.#togglePause());
  readonly #stop = button("stop", "End the run at the next step", () => this.#ask("stop"));
  readonly #dials = h("div", { class: "dials" });
  readonly #known = new Map<string, Dial>();
  readonly #answer = h("div", { class: "answer", role: "status" });
  readonly element: HTMLElement;
  readonly #speaking = throttle(5000, () => {
    this.#spoken.textContent = this.#line.textContent;
  });
  #state = "";
  #asked = "";

  constructor(store: Store) {
    this.#store = store;
    const controls = h("div", { class: "controls" }, this.#pause, this.#stop);
    this.element = h(
      "div",
      { class: "progress" },
      h("div", { class: "progress-line" }, this.#line, controls),
      this.#bar,
      this.#dials,
      this.#answer,
      this.#spoken,
    );
  }

  dispose(): void {
    this.#speaking.cancel();
  }

  draw(): void {
    const { status, runs } = this.#store;
    this.element.hidden = status === null;
    if (!status) return;
    const words = wordsOf(runs[runs.length - 1]?.name ?? "run", status);
    this.#line.replaceChildren(...words.map((text) => h("span", {}, text)));
    const share = status.done !== null && status.total ? status.done / status.total : 0;
    this.#bar.hidden = share === 0;
    (this.#bar.firstElementChild as HTMLElement).style.width = `${100 * Math.min(share, 1)}%`;
    this.#drawControls(status);
    this.#speaking.call();
  }

  #drawControls(status: Status): void {
    const live = status.state === "running" || status.state === "paused";
    const heard = live && status.reach === "";
    this.#pause.textContent = status.state === "paused" ? "resume" : "pause";
    this.#pause.disabled = !heard;
    this.#stop.disabled = !heard;
    this.#pause.hidden = this.#stop.hidden = !live && status.state !== "stopping";
    if (status.state !== this.#state) {
      this.#state = status.state;
      this.#asked = "";
    }
    for (const dial of status.dials) {
      let known = this.#known.get(dial.name);
      if (!known) {
        known = new Dial(dial.name, (value) => this.#ask("dial", { name: dial.name, value }));
        this.#known.set(dial.name, known);
        this.#dials.append(known.element);
      }
      known.update(dial, status.reach === "");
    }
    this.#say(status.reach || this.#asked);
  }

  #togglePause(): void {
    this.#ask(this.#store.status?.state === "paused" ? "resume" : "pause");
  }

  async #ask(action: string, more: Record<string, unknown> = {}): Promise<void> {
    const words = action === "dial" ? "" : `${action} asked for: at the next step`;
    this.#remark(words);
    const late = setTimeout(() => this.#remark(`"${action}" is not heard yet: ${BUSY}`), PATIENCE);
    const asked = this.#store.ask({ type: "control", action, ...more });
    const answer = await asked.then(() => words).catch((error: Error) => error.message);
    clearTimeout(late);
    this.#remark(answer);
  }

  /** Say how a request went, until the run is in another state. */
  #remark(words: string): void {
    this.#asked = words;
    this.#say(words);
  }

  #say(words: string): void {
    this.#answer.hidden = words === "";
    if (this.#answer.textContent !== words) this.#answer.textContent = words;
  }
}

class Dial {
  readonly #input = h("input", { type: "range", min: 0, max: DIAL_PARTS, step: 1 });
  readonly #value = h("span", { class: "number" });
  readonly element: HTMLElement;
  readonly #sending: ReturnType<typeof throttle>;
  #state: DialState | null = null;
  #held = false;

  constructor(name: string, set: (value: number) => void) {
    this.#input.setAttribute("aria-label", name);
    this.element = h("label", { class: "label" }, `${name} `, this.#input, this.#value);
    this.#sending = throttle(250, () => set(this.#chosen()));
    this.#input.addEventListener("input", () => {
      this.#held = true;
      this.#write(this.#chosen());
      this.#sending.call();
    });
    this.#input.addEventListener("change", () => {
      this.#sending.call();
      this.#sending.flush();
      setTimeout(() => {
        this.#held = false;
      }, 1000);
    });
  }

  update(state: DialState, heard: boolean): void {
    this.#state = state;
    this.#input.disabled = !heard;
    if (this.#held) return; // a person is turning it
    if (state.value !== null) {
      this.#input.valueAsNumber = Math.round(DIAL_PARTS * placeOn(state, state.value));
    }
    this.#write(state.value);
  }

  #chosen(): number {
    return valueOn(this.#state as DialState, this.#input.valueAsNumber / DIAL_PARTS);
  }

  #write(value: number | null): void {
    const factor = this.#state?.name === "lr" ? "×" : "";
    this.#value.textContent = value === null ? "–" : `${factor}${formatValue(value)}`;
  }
}
