// The status line of a run, and its controls.

import { formatBytes, formatCount, formatSeconds, formatValue } from "../charts/axis_scale";
import { button, h } from "../core/dom";
import { throttle } from "../core/timing";
import { inText } from "../core/user_names";
import { LONG_SILENCE, type Store } from "../live/run_store";
import type { DialState, Status } from "../live/run_wire";

const LATE_ANSWER_MS = 1500; // until a request without an answer gets a remark
const BUSY =
  "a cell keeps the kernel busy. Interrupt the cell to stop now; clicks always reach runs begun " +
  "with monitor.start.";
const DIAL_PARTS = 1000;

/** The line of a status: "running  step 1,240 / 5,000  epoch 2/8  42.1 steps/s  ETA 1:29 …". */
export function statusParts(name: string, status: Status): string[] {
  const { step, done, total, epoch, epochs, steps_per_s: rate } = status;
  const words = [`${inText(name)} ${status.state}`];
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

/** Seconds until the end at the present rate; null where the end is not known. */
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

export function createProgress(store: Store) {
  const line = h("div", { class: "readout" });
  const spoken = h("div", { class: "spoken", role: "status" });
  const share = h("div");
  const bar = h("div", { class: "bar" }, share);
  const pause = button("pause", "Wait at the next step", () => {
    ask(store.status?.state === "paused" ? "resume" : "pause");
  });
  const stop = button("stop", "End the run at the next step", () => ask("stop"));
  const dials = h("div", { class: "dials" });
  const known = new Map<string, ReturnType<typeof createTrainingDial>>();
  const answer = h("div", { class: "answer", role: "status" });
  const controls = h("div", { class: "controls" }, pause, stop);
  const element = h(
    "div",
    { class: "progress" },
    h("div", { class: "progress-line" }, line, controls),
    bar,
    dials,
    answer,
    spoken,
  );
  const speaking = throttle(5000, () => {
    spoken.textContent = line.textContent;
  });
  let state = "";
  let asked = "";

  function drawControls(status: Status): void {
    const live = status.state === "running" || status.state === "paused";
    const reachable = live && status.reach === "" && store.kernel.message === "";
    pause.textContent = status.state === "paused" ? "resume" : "pause";
    pause.disabled = stop.disabled = !reachable;
    pause.hidden = stop.hidden = !live && status.state !== "stopping";
    if (status.state !== state) {
      state = status.state;
      asked = "";
    }
    for (const dial of status.dials) {
      let shown = known.get(dial.name);
      if (!shown) {
        shown = createTrainingDial(dial.name, (value) => ask("dial", { name: dial.name, value }));
        known.set(dial.name, shown);
        dials.append(shown.element);
      }
      shown.update(dial, status.reach === "");
    }
    say(status.reach || asked);
  }

  async function ask(action: string, more: Record<string, unknown> = {}): Promise<void> {
    const asking = action === "dial" ? "" : `${action} requested: at the next step`;
    remark(asking);
    const late = setTimeout(
      () => remark(`"${action}" has not reached the run yet: ${BUSY}`),
      LATE_ANSWER_MS,
    );
    const answered = store.ask({ type: "control", action, ...more });
    const said = await answered.then(() => asking).catch((error: Error) => error.message);
    clearTimeout(late);
    remark(said);
  }

  /** Show how a request went, until the run is in another state. */
  function remark(text: string): void {
    asked = text;
    say(text);
  }

  function say(text: string): void {
    answer.hidden = text === "";
    if (answer.textContent !== text) answer.textContent = text;
  }

  /** The line, and how long nothing came of a run that goes on, as far as is known. */
  function drawLine(): void {
    const { status, runs, silence } = store;
    if (!status) return;
    const words = statusParts(runs[runs.length - 1]?.name ?? "run", status);
    if (status.state === "running" && silence >= LONG_SILENCE) {
      words.push(`no news for ${formatSeconds(silence / 1000)}`);
    }
    line.replaceChildren(...words.map((text) => h("span", {}, text)));
  }

  const listening = setInterval(drawLine, LONG_SILENCE / 4);

  return {
    element,

    dispose(): void {
      clearInterval(listening);
      speaking.cancel();
    },

    draw(): void {
      const { status } = store;
      element.hidden = status === null;
      if (!status) return;
      drawLine();
      const done = status.done !== null && status.total ? status.done / status.total : 0;
      bar.hidden = done === 0;
      share.style.width = `${100 * Math.min(done, 1)}%`;
      drawControls(status);
      speaking.call();
    },
  };
}

function createTrainingDial(name: string, set: (value: number) => void) {
  const input = h("input", { type: "range", min: 0, max: DIAL_PARTS, step: 1, "aria-label": name });
  const text = h("span", { class: "number" });
  const sending = throttle(250, () => set(chosen()));
  let state: DialState | null = null;
  let held = false;
  input.addEventListener("input", () => {
    held = true;
    write(chosen());
    sending.call();
  });
  input.addEventListener("change", () => {
    sending.call();
    sending.flush();
    setTimeout(() => {
      held = false;
    }, 1000);
  });

  function chosen(): number {
    return valueOn(state as DialState, input.valueAsNumber / DIAL_PARTS);
  }

  function write(value: number | null): void {
    const factor = state?.name === "lr" ? "×" : "";
    text.textContent = value === null ? "–" : `${factor}${formatValue(value)}`;
  }

  return {
    element: h("label", { class: "label" }, `${inText(name)} `, input, text),

    update(now: DialState, reachable: boolean): void {
      state = now;
      input.disabled = !reachable;
      if (held) return; // it is being dragged
      if (now.value !== null) {
        input.valueAsNumber = Math.round(DIAL_PARTS * placeOn(now, now.value));
      }
      write(now.value);
    },
  };
}
