// The step dial: a metric over the steps of a training, and the map of it over thresholds and steps.

import { clamp } from "../core/clamp";
import { h } from "../core/dom";
import { highestAt } from "../core/metrics";
import { nearestStop } from "../core/stops";
import { createCurveSlider } from "../preview/curve_slider";
import { dialKeys, type KeyActions } from "../preview/grid_keys";
import { createOperatingMap, type MapAxis } from "../preview/operating_map";
import type { StepCounts, Steps } from "./step_frames";

/** What each step counts, in the order of the steps. */
export interface StepTrack {
  /** The metric at each stop of the threshold, step by step; null for no map. */
  values: ArrayLike<number> | null;
  /** The metric at the setting of the dials. */
  here: readonly number[];
  /** Each step's best value; NaN for none. */
  best: readonly number[];
  /** Index of the stop of the threshold where it is. */
  bestAt: readonly number[];
  /** The rest of a step's setting there, such as ", NMS IoU 0.45". */
  bestWith(k: number): string;
  name: string;
  /** What a height of 1 is. */
  top: string;
  /** A height as text. */
  text(height: number): string;
}

export interface StepEvents<Counts> {
  track(steps: readonly StepCounts<Counts>[]): StepTrack;
  /** To a step, null to follow the newest. */
  go(step: number | null): void;
  /** To a value of the threshold. */
  move(threshold: number): void;
  commit(): void;
}

/** `read` returns the steps, which only grow or are cut off. */
export function createStepDial<Counts>(
  read: () => Steps<Counts>,
  threshold: MapAxis,
  { track, go, move, commit }: StepEvents<Counts>,
) {
  let all: readonly StepCounts<Counts>[] = [];
  const first = () => all[0].step;
  const goTo = (i: number) => {
    const place = clamp(i, 0, all.length - 1);
    go(place === all.length - 1 ? null : all[place].step);
  };
  const nearest = (step: number) =>
    nearestStop(
      all.map((one) => one.step),
      step,
    );
  const dial = createCurveSlider({
    name: "step",
    max: 1,
    step: "any",
    ticks: [],
    input: (value) => goTo(nearest(value + first())),
    commit,
  });
  const map = createOperatingMap(
    threshold,
    { name: "step", at: [], text: () => "" },
    {
      move({ x, y }) {
        if (y !== undefined) goTo(y);
        if (x !== undefined) move(x);
      },
      commit,
    },
  );
  const words = h("span");
  const element = h(
    "div",
    { class: "step-dial", hidden: true },
    h("div", "dial-name", h("b", {}, "step"), "  ", words),
    dial.element,
  );
  map.element.hidden = true;

  /** Follow the list of steps, which grows while a model is trained. */
  function setSteps(steps: readonly StepCounts<Counts>[]): void {
    if (steps === all) return;
    all = steps;
    const at = all.map(({ step }) => step);
    const last = at[at.length - 1] - at[0];
    const marks = new Set([0, 0.25, 0.5, 0.75, 1].map((share) => Math.round(share * last)));
    dial.setAxis({
      max: last,
      at: at.map((step) => step - at[0]),
      ticks: [...marks].map((value) => [value, String(at[0] + value)]),
    });
    map.setRows({ name: "step", at, text: (k) => String(at[k]) });
  }

  const isKept = read().all.length > 0;
  return {
    elements: isKept ? [element] : [],
    maps: isKept ? [map.element] : [],

    /** The caption's words for pictures of an earlier step. */
    caption(): string {
      const { all, shown } = read();
      return all.length > 1 ? `step ${shown}` : "";
    },

    update(x: number): void {
      const steps = read();
      element.hidden = map.element.hidden = steps.all.length < 2;
      if (element.hidden) return;
      setSteps(steps.all);
      const { values, here, best, bestAt, bestWith, name, top, text } = track(all);
      map.element.hidden = values === null;
      const now = nearest(steps.step);
      const highest = highestAt(best);
      const own = Number.isNaN(best[now] ?? Number.NaN)
        ? ""
        : `, at its best (${threshold.name} ${threshold.text(bestAt[now])}${bestWith(now)}) ${text(best[now])}`;
      const picture = steps.shown === steps.step ? "" : `, shown by the picture of ${steps.shown}`;
      const waiting = steps.waiting ? ", waiting for its picture" : "";
      const value = `${steps.step}${picture}${waiting}: ${name} ${text(here[now])}${own}`;
      words.textContent = value;
      dial.update({
        value: steps.step - first(),
        curves: best.length ? [here, best] : [here],
        points: [here[now]],
        bests: [highest < 0 ? null : { value: all[highest].step - first(), height: best[highest] }],
        y: { name, top },
        valueText: `step ${value}`,
      });
      map.update({
        values,
        lacks: "",
        x,
        y: now,
        best: highest < 0 ? null : { x: bestAt[highest], y: highest },
        name,
        valueText: `step ${steps.step}, ${name} ${text(here[now])}`,
      });
    },

    /** Key actions while the dial or the map has the focus. */
    actions: (focus: EventTarget | null): KeyActions =>
      focus === dial.input ? dialKeys((by) => goTo(nearest(read().step) + by)) : map.actions(focus),
  };
}
