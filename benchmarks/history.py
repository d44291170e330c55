"""Time and bytes of a refresh of the plot of a scalar of 10³ … 10⁷ points.

A live plot refreshes ten times a second: here 100 new points are sent to the browser. For
comparison: a keyframe (as when a page is loaded), the picture of a window from which it is made,
thinning all points again with numpy, and the size of all points.
Autosaving 100 new points writes them and waits for the disk. Each figure is the median of calls
that take turns over all lengths. Last, a table for pandas of a run with many scalars.
"""

import statistics
import tempfile
import time
import tracemalloc
from pathlib import Path

import numpy as np
from _measure import Result, at_most, interleave, report

from torchdial.training.history.autosave import Autosave
from torchdial.training.history.history import History
from torchdial.training.history.series import Series
from torchdial.training.shown_run import ShownRun
from torchdial.widgets.live.run_packing import PlotContents, Sent, delta, keyframe

LENGTHS = [10**k for k in range(3, 8)]
BUCKETS = 1000
NEW = 100
RUNS = 21
CONTENTS = PlotContents(scalars=lambda _: True, layers=False)
FLAT, NEARLY = 1.5, 3.0  # the slowest of 10⁵ … 10⁷ over the fastest of them; log n is allowed


class Case:
    """A run of one scalar, sent and saved up to here."""

    def __init__(self, count, folder):
        self.history = History(f"{count} points")
        self.runs = [ShownRun(self.history, "run")]
        self.history.scalars["loss"] = self.series = Series("loss", self.history.lock)
        values = np.random.default_rng(0).normal(size=count)
        for part in np.array_split(np.arange(count), max(1, count // 10_000)):
            self.series.extend(part, values[part], part / 100)
        self.sent = Sent()
        self.keyframe_bytes = len(keyframe(self.runs, CONTENTS, self.sent).data)
        self.delta_bytes = 0
        self.saver = Autosave(self.history, Path(folder) / str(count))
        self.saver.save()

    def grow(self):
        step = len(self.series)
        new = np.arange(step, step + NEW)
        self.series.extend(new, np.zeros(NEW), new / 100)

    def refresh(self):
        self.grow()
        self.delta_bytes = len(delta(self.runs, CONTENTS, self.sent).data)

    def picture(self):
        self.series.picture(BUCKETS)

    def zoom(self):
        self.series.picture(BUCKETS, 0.3 * len(self.series), 0.6 * len(self.series))

    def keyframe(self):
        keyframe(self.runs, CONTENTS, Sent())

    def by_hand(self):
        values = self.series.values
        rows = values[: len(values) // BUCKETS * BUCKETS].reshape(BUCKETS, -1)
        rows.min(axis=1), rows.max(axis=1)

    def autosave(self):
        self.grow()
        self.saver.save()


def label(count):
    return f"10{'⁰¹²³⁴⁵⁶⁷'[len(str(count)) - 1]}"


def sweep(cases, what, method, aim=NEARLY):
    """Return a line with the median at each length, and how flat they are from 10⁵ on."""
    functions = {label(count): getattr(case, method) for count, case in cases.items()}
    times = interleave(RUNS, **functions)
    medians = {name: statistics.median(values) for name, values in times.items()}
    each = ", ".join(f"{name}: {value:.3g}" for name, value in medians.items())
    long = [value for name, value in medians.items() if name not in ("10³", "10⁴")]
    if not aim or len(long) < 2:
        return [Result(f"{what}, ms", each)]
    more = f" (ms at {each})"
    return [at_most(f"{what}, 10⁵ … 10⁷ points", max(long) / min(long), aim, "×", more)]


def sizes(cases):
    largest = max(cases)
    return [
        Result("bytes of a refresh", spell(cases, lambda case: case.delta_bytes)),
        Result("bytes of a keyframe", spell(cases, lambda case: case.keyframe_bytes)),
        Result(f"bytes of sending all, {label(largest)} points", f"{20 * largest:,}"),
    ]


def spell(cases, size):
    return ", ".join(f"{label(count)}: {size(case):,}" for count, case in cases.items())


def one_point():
    """Return the time and the memory of a point, including the pyramid and spare room."""
    count = 1_000_000
    parts = np.array_split(np.arange(count), 100)
    tracemalloc.start()
    series = Series("loss")
    for part in parts:
        series.extend(part, part, part)
    series.picture(BUCKETS)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    series = Series("loss")
    start = time.perf_counter()
    for step in range(count // 5):
        series.append(step, 0.5, 1.0)
    microseconds = 1e6 * (time.perf_counter() - start) / (count // 5)
    return [
        at_most("memory of a point, 10⁶ points", held / count, 32, "bytes"),
        at_most("appending a point", microseconds, 2, "µs"),
    ]


def table():
    """Return the processor time of a table for pandas of many scalars."""
    history = History("many scalars")
    for k in range(3000):
        history.series(f"metric/{k}").extend(np.arange(50), np.full(50, k), np.arange(50) / 10)
    seconds = []
    for _ in range(RUNS):
        start = time.process_time()
        history.to_pandas()
        seconds.append(time.process_time() - start)
    words = "processor time of to_pandas, 3,000 scalars of 50 points"
    return [at_most(words, statistics.median(seconds), 0.3, "s")]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        cases = {count: Case(count, folder) for count in LENGTHS}
        results = [
            *sweep(cases, "refresh of 100 new points", "refresh", aim=FLAT),
            *sweep(cases, f"picture of all, {BUCKETS} buckets", "picture"),
            *sweep(cases, f"picture of a window, {BUCKETS} buckets", "zoom"),
            *sweep(cases, "keyframe", "keyframe"),
            *sweep(cases, "minima and maxima of all by numpy", "by_hand", aim=None),
            *sweep(cases, "autosave of 100 new points", "autosave", aim=None),
            *sizes(cases),
            *one_point(),
            *table(),
        ]
    report("history", results, ["numpy"])
