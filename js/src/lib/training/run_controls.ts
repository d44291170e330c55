// The status line of a run, and its controls.

import { button, h } from "../core/dom";
import { throttle } from "../core/timing";
import { inText } from "../core/user_names";
import { LONG_SILENCE, type Store } from "../live/run_store";
import type { Status } from "../live/run_wire";
import { type Part, partsOf, stateOf } from "./run_state";
import { createTrainingDial } from "./training_dial";

const LATE_ANSWER_MS = 1500; // until a request without an answer gets a remark
const BUSY =
  "a cell keeps the kernel busy. Interrupt the cell to stop now; clicks always reach runs begun " +
  "with monitor.start.";

export function createProgress(store: Store) {
  const name = h("span");
  const state = h("strong", { class: "state" });
  const line = h("div", { class: "readout" }, name, state);
  const parts = createParts(line);
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
    spoken.textContent = Array.from(line.children, (part) => part.textContent).join(", ");
  });
  let last = "";
  let asked = "";

  function drawControls(status: Status): void {
    const live = status.state === "running" || status.state === "paused";
    const reachable = live && status.reach === "" && store.kernel.message === "";
    pause.textContent = status.state === "paused" ? "resume" : "pause";
    pause.disabled = stop.disabled = !reachable;
    pause.hidden = stop.hidden = !live && status.state !== "stopping";
    if (status.state !== last) {
      last = status.state;
      asked = "";
    }
    for (const dial of status.dials) {
      let shown = known.get(dial.name);
      if (!shown) {
        shown = createTrainingDial((value) => ask("dial", { name: dial.name, value }));
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
    const { status, runs, silence, kernel } = store;
    if (!status) return;
    const quiet = silence >= LONG_SILENCE ? silence : null;
    const { words, kind } = stateOf(status, kernel.message !== "", quiet, store.statusAge);
    setText(name, inText(runs[runs.length - 1]?.name ?? "run"));
    setText(state, words);
    state.dataset.kind = kind;
    parts.draw(partsOf(status, kind === "gone"));
  }

  const listening = setInterval(drawLine, 1000);

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

/** The parts after the state: each keeps its element, and the widest that it has been. */
function createParts(line: HTMLElement) {
  const known = new Map<string, HTMLElement>();
  const widths = new Map<string, number>();
  return {
    draw(parts: readonly Part[]): void {
      for (const { key, text, title } of parts) {
        let element = known.get(key);
        if (!element) {
          element = h("span", { title });
          known.set(key, element);
        }
        const width = Math.max(text.length, widths.get(key) ?? 0);
        widths.set(key, width);
        element.style.minWidth = `${0.9 * width}ch`; // most letters are narrower than a figure
        setText(element, text);
      }
      const elements = parts.map(({ key }) => known.get(key) as HTMLElement);
      const shown = [...line.children].slice(2);
      if (shown.length === elements.length && shown.every((one, i) => one === elements[i])) return;
      for (const element of shown) element.remove();
      line.append(...elements);
    },
  };
}

/** Set text where it is another one, so that a selection stays. */
function setText(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}
