// Which runs are shown, and in what colour.

import { expect, test } from "vitest";
import { huesOf, RunChoice } from "../../src/lib/live/run_choice";

const [old, older, now] = [
  { id: 1, earlier: true },
  { id: 0, earlier: true },
  { id: 2, earlier: false },
];
const all = [older, old, now];
const shown = (choice: RunChoice) => all.filter((run) => choice.has(run)).map(({ id }) => id);

test.each([
  ["earlier runs are off at first", () => {}, [2]],
  ["a run is chosen", (c: RunChoice) => c.toggle(older, all), [0, 2]],
  ["one is shown alone", (c: RunChoice) => c.isolate(old), [1]],
  ["alone twice is as before", (c: RunChoice) => [c.isolate(old), c.isolate(old)], [2]],
  ["a pinned one stays beside it", (c: RunChoice) => [c.pin(older), c.isolate(old)], [0, 1]],
  ["pinned shows it", (c: RunChoice) => c.pin(older), [0, 2]],
  ["hiding unpins", (c: RunChoice) => [c.pin(older), c.toggle(older, all), c.isolate(old)], [1]],
  ["one more beside one alone", (c: RunChoice) => [c.isolate(old), c.toggle(older, all)], [0, 1]],
])("%s", (_, act, expected) => {
  const choice = new RunChoice();
  act(choice);
  expect(shown(choice)).toEqual(expected);
});

test("colours are by run: this one first, then the newest, whatever is shown", () => {
  expect([...huesOf(all)]).toEqual([
    [2, 0],
    [1, 1],
    [0, 2],
  ]);
  expect([...huesOf([{ ...older, earlier: false }, now]).keys()]).toEqual([0, 2]);
});
