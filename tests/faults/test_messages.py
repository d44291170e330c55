"""What a feed sends is lost or out of order: a reader that asks again holds all in the end."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from tests.widgets.live.test_feed import Browser, add, history
from torchdial.training.history.history import History


class LossyBrowser(Browser):
    """Takes messages by the rules of js/src/lib/live/run_store.ts, over a line that loses some."""

    def __init__(self, seed: int, run: History) -> None:
        self.random = random.Random(seed)
        self.on_their_way: list[tuple[dict[str, Any], bytes]] = []
        self.seq, self.is_behind, self.lost = 0, False, 0
        super().__init__(run, layers=False)

    def receive(self, content: dict[str, Any], buffers: list[bytes]) -> None:
        if self.random.random() < 0.25:
            self.lost += 1
            return
        self.on_their_way.append((content, buffers[0]))
        while len(self.on_their_way) > 3:
            self.deliver(self.random.randrange(4))

    def deliver(self, place: int = 0) -> None:
        content, data = self.on_their_way.pop(place)
        frame, is_whole = content["frame"], content["type"] == "keyframe"
        if frame["seq"] < self.seq + (not is_whole):
            return
        self.is_behind = not is_whole and (self.is_behind or frame["seq"] != self.seq + 1)
        self.seq = frame["seq"]
        if is_whole:
            self.points = {}
        if not self.is_behind:
            self.take(frame, data)
        elif self.random.random() < 0.75:  # the question may be lost, too
            self.feed.want_keyframe()


@pytest.mark.parametrize("seed", range(8))
def test_a_lossy_line_leaves_no_gap(seed: int) -> None:
    run = history(50)
    browser = LossyBrowser(seed, run)
    for tenth in range(300):
        add(run, 50 + 3 * tenth, 3, scalars=2)
        browser.feed.poke()
        browser.time.run_to(tenth / 10)
    assert browser.lost > 30
    browser.random.random = lambda: 0.5  # type: ignore[method-assign]  # from now on all arrives
    add(run, 1000, 1, scalars=2)
    browser.feed.poke()
    for second in range(30, 60):
        browser.time.run_to(second)
        while browser.on_their_way:
            browser.deliver()
    assert not browser.is_behind
    for name in ("loss", "loss/0", "loss/1"):
        copy = browser.points[0, name]
        np.testing.assert_array_equal(copy["step"], run[name].steps)
        np.testing.assert_array_equal(copy["value"], run[name].values)
