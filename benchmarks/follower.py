"""A follower of a file of 10⁷ points: processor time when idle, and how far it is behind.

A run of 10⁷ points is in a file that another process has saved. Idle: nothing is written for some
seconds, and the processor time of the follower's process is counted. Behind: a save of 100 new
points, until the message with them is sent to the browser; and once with the whole file written
anew, as autosave does when as much was appended as the run is long.
"""

import statistics
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
from _measure import Result, at_most, report

from torchdial.training.history.autosave import Autosave
from torchdial.training.history.history import History
from torchdial.training.history.series import Series
from torchdial.widgets.live.follow import follow

POINTS = 10_000_000
NEW = 100
SAVES = 15
IDLE_SECONDS = 20.0


class Writer:
    """A run that is saved again and again."""

    def __init__(self, path):
        self.history = History("elsewhere")
        self.series = self.history.scalars["loss"] = Series("loss", self.history.lock)
        steps = np.arange(POINTS)
        self.series.extend(steps, np.random.default_rng(0).normal(size=POINTS), steps / 1e3)
        self.saver = Autosave(self.history, path)
        self.saver.save()

    def write(self):
        steps = np.arange(len(self.series), len(self.series) + NEW)
        self.series.extend(steps, np.zeros(NEW), steps / 1e3)
        self.saver.save()


class Page:
    """Takes the messages of a panel."""

    def __init__(self, panel):
        self.came = threading.Event()
        self.total = 0
        panel._feed._send = self.take

    def take(self, content, _buffers):
        for run in content["frame"]["runs"]:
            for scalar in run["scalars"]:
                self.total = max(self.total, scalar["total"])
        self.came.set()

    def wait_for(self, total):
        while self.total < total:
            self.came.wait(30)
            self.came.clear()


def behind(writer, page):
    """Return the seconds from the end of a save to the message with its points."""
    writer.write()
    start = time.perf_counter()
    page.wait_for(len(writer.series))
    return time.perf_counter() - start


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "run.td")
        writer = Writer(path)
        start = time.perf_counter()
        panel = follow(path)
        opened = time.perf_counter() - start
        page = Page(panel)
        panel._feed.want_keyframe()  # as a page does
        times = [behind(writer, page) for _ in range(SAVES)]
        cpu, start = time.process_time(), time.perf_counter()
        time.sleep(IDLE_SECONDS)
        idle = (time.process_time() - cpu) / (time.perf_counter() - start)
        writer.saver._size = -1  # so that it is written anew
        anew = behind(writer, page)
        panel.close()
    report(
        "follower",
        [
            at_most("processor time when idle, 10⁷ points", 100 * idle, 1, "% of a core"),
            at_most("behind a save of 100 points", max(times), 2, "s, the longest"),
            Result("the same, median", f"{statistics.median(times):.2f} s"),
            at_most("behind a file written anew", anew, 2, "s"),
            Result("opening the panel", f"{opened:.2f} s"),
        ],
        ["numpy"],
    )
