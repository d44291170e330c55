// A dial of a run as a slider: where values lie on it, and how the learning rate comes about.

import { formatTick, formatValue } from "../charts/axis_scale";
import { h } from "../core/dom";
import { throttle } from "../core/timing";
import { inText } from "../core/user_names";
import type { DialState } from "../live/run_wire";

const DIAL_PARTS = 1000;
const HELD_MS = 1000; // a dial that was let go takes the run's value again

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

/** What stands beside the slider: its value, of a factor also the learning rate that it makes of the schedule's. */
export function dialWords({ schedule }: DialState, value: number | null): string {
  if (value === null) return "–";
  if (schedule === undefined) return formatValue(value);
  if (schedule === null) return `× ${formatTick(value)}`;
  return `${formatValue(schedule * value)} = schedule ${formatValue(schedule)} × ${formatTick(value)}`;
}

/** The dial's range: "×0.01 … ×100, logarithmic". */
export function rangeWords({ min, max, log, schedule }: DialState): string {
  const sign = schedule === undefined ? "" : "×";
  const ends = `${sign}${formatTick(min)} … ${sign}${formatTick(max)}`;
  return log ? `${ends}, logarithmic` : ends;
}

/** What a dial is called; only the factor has a schedule. */
export function dialTitle({ name, schedule }: DialState): string {
  return schedule === undefined ? inText(name) : "learning rate";
}

/** A dial; `set` is called with a chosen value, at most four times a second. */
export function createTrainingDial(set: (value: number) => void) {
  const title = h("span");
  const input = h("input", { type: "range", min: 0, max: DIAL_PARTS, step: 1 });
  const words = h("span", { class: "number" });
  const range = h("span");
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
    }, HELD_MS);
  });

  function chosen(): number {
    return valueOn(state as DialState, input.valueAsNumber / DIAL_PARTS);
  }

  function write(value: number | null): void {
    words.textContent = dialWords(state as DialState, value);
    input.ariaValueText = words.textContent;
  }

  return {
    element: h("label", { class: "label" }, title, words, input, range),

    update(now: DialState, reachable: boolean): void {
      state = now;
      title.textContent = dialTitle(now);
      input.ariaLabel = dialTitle(now);
      input.disabled = !reachable;
      range.textContent = `(${rangeWords(now)})`;
      if (held) return; // it is being dragged
      if (now.value !== null) {
        input.valueAsNumber = Math.round(DIAL_PARTS * placeOn(now, now.value));
      }
      write(now.value);
    },
  };
}
