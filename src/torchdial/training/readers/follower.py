"""Runs that others are writing, read again and again while they grow."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from torchdial.training.history.history import History
from torchdial.training.readers.find_runs import RunFinder, tell_apart
from torchdial.training.readers.run_reader import RunReader
from torchdial.training.runs import list_run
from torchdial.training.shown_run import ShownRun

POLL = 0.25  # seconds between two looks at the files
SEARCH = 2.0  # seconds between two searches for new runs, at least
SHARE = 0.005  # of a processor's time may go into searching
REREAD_SHARE = 0.1  # and into reading anew, for each file that could not be read
PATIENCE = 60.0  # seconds without a point that are nothing unusual
LONGEST_PAUSES = 3.0  # neither is this many times the longest pause so far
MOST_PATIENCE = 3600.0
NEWEST = 1000  # points whose pauses count
MOST_RUNS = 32


class FollowedRun:
    """A run that another process writes.

    Args:
        reader: reads it.

    Attributes:
        reader: as given.
        shown: the run, and its name beside the others.
        problem: why it cannot be read now, or None.
        patience: seconds without a point after which its writer may be gone.
        has_grown: whether anything was written since it is followed.
    """

    def __init__(self, reader: RunReader) -> None:
        self.reader = reader
        self.shown = ShownRun(reader.history, reader.label)
        self.problem: Exception | None = None
        self.patience = PATIENCE
        self.has_grown = False
        self._version = -1
        self._next_read = 0.0
        self._changed = 0.0  # monotonic time of the last change
        self._longest = 0.0  # seconds between two changes, as far as was seen

    @property
    def history(self) -> History:
        """What was read."""
        return self.reader.history

    @property
    def name(self) -> str:
        """What the run is called beside the others."""
        return self.shown.name

    @name.setter
    def name(self, name: str) -> None:
        if name != self.shown.name:
            self.shown = ShownRun(self.history, name)

    @property
    def age(self) -> float:
        """Seconds since the last point was written."""
        return time.monotonic() - self._changed

    @property
    def is_late(self) -> bool:
        """Whether its writer may be gone: the run has not ended, and nothing was written."""
        return self.history.ended is None and self.age > self.patience

    def read(self) -> bool:
        """Read what is new, and return whether anything is; an error becomes the problem."""
        began = time.monotonic()
        if began < self._next_read:
            return False
        before = str(self.problem)
        try:
            self.reader.read()
            self.problem = None
        except Exception as error:  # whatever the reader of another tool raises
            self.problem = error
            self._next_read = began + (time.monotonic() - began) / REREAD_SHARE
        version = self.history.version
        if version != self._version:
            self._note_change(is_first=self._version < 0)
            self._version = version
            return True
        return str(self.problem) != before

    def _note_change(self, is_first: bool) -> None:
        now = time.monotonic()
        if is_first:
            self._changed = now - max(time.time() - self.reader.written, 0.0)
        else:
            self._longest = max(self._longest, now - self._changed)
            self._changed, self.has_grown = now, True
        pause = max(self._longest, longest_pause(self.history))
        self.patience = min(max(PATIENCE, LONGEST_PAUSES * pause), MOST_PATIENCE)


class Follower:
    """Follows the runs in some files and folders, in a thread of its own, until it is closed.

    Args:
        paths: files and folders; those that are not there yet are waited for.

    Attributes:
        paths: as given.
        runs: the newest of those found so far, the one that began last at the end.

    Raises:
        ImportError: a package is missing that reads what is there now.
        OSError, ValueError: a path is no file of a run.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self.paths = list(paths)
        self.runs: tuple[FollowedRun, ...] = ()
        self._found = 0
        self._problem = ""  # why the folders cannot be searched
        self._finder = RunFinder(self.paths)
        self._next_search = 0.0
        self._subscribers: list[Callable[[], object]] = []
        self._notes: list[str] = []
        self._closing = threading.Event()
        new = self._add(self._finder.find())
        missing = [run.problem for run in new if isinstance(run.problem, ImportError)]
        for error in (*self._finder.errors, *missing):
            raise error
        self._thread = threading.Thread(target=self._run, name="torchdial-follow", daemon=True)
        self._thread.start()

    @property
    def notes(self) -> list[str]:
        """What to know about the runs, a sentence each."""
        notes = [self._problem] if self._problem else []
        if self._found > len(self.runs):
            notes.append(f"Of {self._found:,} runs the newest {len(self.runs)} are followed.")
        for run in self.runs:
            if run.problem is not None:
                notes.append(f"{run.name}: {run.problem}")
            elif run.has_grown and run.is_late and run is not self.runs[-1]:
                since = time.strftime("%H:%M", time.localtime(time.time() - run.age))
                notes.append(f"{run.name}: no point since {since}; its writer may be gone.")
        return notes

    def subscribe(self, callback: Callable[[], object]) -> None:
        """Call back from the follower's thread when there is news."""
        self._subscribers.append(callback)

    def close(self) -> None:
        """Follow no more; what was read stays."""
        self._closing.set()
        if self._thread is not threading.current_thread():
            self._thread.join()

    def poll(self) -> bool:
        """Read what is new in all runs, and return whether there is news."""
        is_news = self._search()
        for run in self.runs:
            is_news |= run.read()
        if is_news:
            self._name()
        notes, self._notes = self._notes, self.notes
        return is_news or notes != self._notes

    def _run(self) -> None:
        while not self._closing.wait(POLL):
            try:
                if self.poll():
                    for callback in list(self._subscribers):
                        callback()
            except Exception as error:  # whatever a page or a file system does, this goes on
                self._problem = repr(error)

    def _search(self) -> bool:
        """Look for runs that are new, now and then, and return whether there are any."""
        began = time.monotonic()
        if began < self._next_search:
            return False
        before = self._problem
        found = self._finder.find()
        self._problem = "\n".join(map(str, self._finder.errors))
        self._add(found)
        took = time.monotonic() - began
        self._next_search = began + max(SEARCH, took / SHARE)
        return bool(found) or self._problem != before

    def _add(self, readers: Sequence[RunReader]) -> list[FollowedRun]:
        """Read runs that were found, and put them among the others, by their beginning."""
        new = [FollowedRun(reader) for reader in readers]
        for run in new:
            run.read()
            list_run(run.history)
        self._found += len(new)
        runs = sorted([*self.runs, *new], key=lambda run: run.history.started)
        self.runs = tuple(runs[-MOST_RUNS:])
        self._name()
        return new

    def _name(self) -> None:
        """Name the runs; another run may be in the file of one, and have another name."""
        names = tell_apart([run.reader for run in self.runs])
        for run, name in zip(self.runs, names, strict=True):
            run.name = name


def longest_pause(history: History) -> float:
    """Return the longest time between two of the newest points of any scalar, in seconds."""
    pauses = [0.0]
    for series in history.counted():
        times = series.since(max(0, len(series) - NEWEST))[2]
        pauses.append(float(np.diff(times).max(initial=0.0)))
    return max(pauses)
