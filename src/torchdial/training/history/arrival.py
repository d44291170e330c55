"""Reading a run that is still being recorded: who waits for what is on its way, and for how long.

A number logged a moment ago may still be on its device or in a queue. Reading from a thread of the
user's waits for it, at most `LONGEST_WAIT` seconds. Reading never waits in torchdial's own threads
and callbacks, while a CUDA graph is captured, in a signal handler, or in a forked process.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import warnings
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from types import CodeType, FrameType
from typing import Any, Protocol

import torch

LONGEST_WAIT = 5.0


class _Thread(threading.local):
    """How many calls of `without_waiting` a thread is in."""

    depth = 0


_here = _Thread()
_arrivals: weakref.WeakSet[Arrival] = weakref.WeakSet()


class Source(Protocol):
    """Where a run's records come from."""

    def missing(self, events: bool) -> int:
        """Return how many records are on their way; with events, 1 more if they are."""

    def catch_up(self, events: bool) -> int:
        """Wait for them, at most `LONGEST_WAIT` seconds; return how many are still missing."""


class Arrival:
    """Lets readers of a run wait until what was recorded before has arrived.

    Args:
        lock: the run's; a thread that holds it does not wait.

    Attributes:
        source: where records come from; None for a run that nothing is recorded into.
    """

    def __init__(self, lock: Any) -> None:
        self.source: Source | None = None
        self._lock = lock
        self._process = os.getpid()
        _arrivals.add(self)

    def wait(self, events: bool = False) -> None:
        """Wait until what was recorded before this call can be read, where waiting is allowed.

        Args:
            events: whether the records are to be looked at for events, too.
        """
        source = self.source
        if source is None or _here.depth:
            return
        if os.getpid() != self._process:
            warn_of_fork()
        elif source.missing(events) and self._may_wait():
            with without_waiting():
                missing = source.catch_up(events)
            if missing:
                warn_safely(
                    f"{missing:,} records have not arrived after {LONGEST_WAIT:g} s, so what was "
                    "read is not complete; a device or a collective operation may be stuck."
                )

    def _may_wait(self) -> bool:
        return not (self._lock._is_owned() or is_capturing() or _in_signal_handler())

    def renew_lock(self) -> None:
        """Free the lock in a forked process, where the thread that held it is gone."""
        self._lock._at_fork_reinit()


@contextmanager
def without_waiting() -> Iterator[None]:
    """Make reads of this thread return what has arrived, and never wait, for a `with`."""
    _here.depth += 1
    try:
        yield
    finally:
        _here.depth -= 1


def warn_safely(words: str) -> None:
    """Warn, without ever raising: under `-W error` the words go to standard error."""
    try:
        warnings.warn(f"torchdial: {words}", RuntimeWarning, stacklevel=3)
    except Exception:
        print(f"torchdial: {words}", file=sys.stderr)  # noqa: T201


def warn_of_fork() -> None:
    """Say once in a forked process that nothing is recorded in it."""
    global _warned_process
    if _warned_process != os.getpid():
        _warned_process = os.getpid()
        warn_safely(
            "this process was forked from the one that records. Nothing is recorded here, and what "
            "is read is the run as it was then; log in the process that made the monitor."
        )


_warned_process = 0


def is_capturing() -> bool:
    """Return whether a CUDA graph is being captured in this thread's stream."""
    cuda: Any = torch.cuda
    return bool(cuda.is_initialized() and cuda.is_current_stream_capturing())


def _in_signal_handler() -> bool:
    """Return whether a Python signal handler called this; such run in the main thread alone."""
    if threading.current_thread() is not threading.main_thread():
        return False
    handlers = {_code(signal.getsignal(number)) for number in signal.valid_signals()} - {None}
    frame: FrameType | None = sys._getframe(1) if handlers else None
    while frame is not None and frame.f_code not in handlers:
        frame = frame.f_back
    return frame is not None


def _code(handler: Any) -> CodeType | None:
    function = getattr(handler, "__func__", handler)
    return getattr(function, "__code__", None)


def _renew_locks() -> None:
    for arrival in list(_arrivals):
        arrival.renew_lock()


os.register_at_fork(after_in_child=_renew_locks)
