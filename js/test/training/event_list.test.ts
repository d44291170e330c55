// Which warnings are unread, and what opens the list of events.

import { expect, test } from "vitest";
import { keyOf, moreWords, unread } from "../../src/lib/training/event_list";

const spike = { step: 3, kind: "loss_spike", where: "loss", message: "loss rose" };
const dial = { step: 5, kind: "dial", where: "lr", message: "lr set to 2" };
const dead = { step: 9, kind: "dead_layer", where: "a", message: "a is dead" };

test.each([
  ["the newest first, without what was requested", [spike, dial, dead], [], [dead, spike]],
  ["those that were read are left out", [spike, dead], [dead], [spike]],
  ["nothing but requests", [dial], [], []],
])("%s", (_, events, read, expected) => {
  expect(unread(events, new Set(read.map(keyOf)))).toEqual(expected);
});

test("an event that was sent anew is the same one", () => {
  expect(keyOf({ ...spike })).toBe(keyOf(spike));
  expect(keyOf({ ...spike, step: 4 })).not.toBe(keyOf(spike));
});

test.each([
  [3, 3, false, "2 more ▾"],
  [3, 1, false, "3 events ▾"],
  [1, 0, true, "1 event ▴"],
])("%d events, %d unread, open: %s", (events, count, isOpen, words) => {
  expect(moreWords(events, count, isOpen)).toBe(words);
});
