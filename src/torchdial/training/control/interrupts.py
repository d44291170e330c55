"""What an interrupt (SIGINT, the notebook's ■) does while a run goes on.

A KeyboardInterrupt can land in the middle of an optimizer's step and leave half of the parameters
stepped. So the first one is only noted, and the run ends at its next boundary; the second raises.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from inspect import CO_COROUTINE
from types import CodeType, FrameType
from typing import Any


def in_main_thread() -> bool:
    """Return whether this is the thread that Python handles signals in."""
    return threading.get_ident() == threading.main_thread().ident


def _can_be_handled() -> bool:
    return in_main_thread() and signal.getsignal(signal.SIGINT) not in (signal.SIG_IGN, None)


class FirstInterrupt:
    """For the time of a `with`, hand the first interrupt to `note` and the second to whom it was.

    Outside the main thread it does nothing. It is put back when the `with` is left, and gives way
    by itself where the code that consumes the loop has gone without leaving it, as with a
    generator that somebody still holds.

    Args:
        note: Called in the signal handler, so it must do no more than set an attribute.
        consumer: The code that runs between two batches.
    """

    def __init__(self, note: Callable[[], None], consumer: CodeType) -> None:
        self._note = note
        self._consumer = consumer
        self._noted = False
        self._before: Any = None

    def __enter__(self) -> FirstInterrupt:
        if _can_be_handled():
            self._before = signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        # Only if it is still ours: a notebook kernel sets its own after each cell.
        if in_main_thread() and signal.getsignal(signal.SIGINT) == self._handle:
            signal.signal(signal.SIGINT, self._before)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if not self._noted and self._is_running(frame):
            self._noted = True
            self._note()
            return
        self.__exit__()
        if callable(self._before):
            self._before(number, frame)
        else:
            signal.raise_signal(number)

    def _is_running(self, frame: FrameType | None) -> bool:
        if self._consumer.co_flags & CO_COROUTINE:
            return True  # it may be waiting, on no stack at all
        while frame is not None:
            if frame.f_code is self._consumer:
                return True
            frame = frame.f_back
        return False


@contextmanager
def held_back() -> Iterator[None]:
    """Let no interrupt in between; it comes right after."""
    if not _can_be_handled():
        yield
        return
    came: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if came:
            signal.raise_signal(signal.SIGINT)
