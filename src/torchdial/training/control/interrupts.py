"""What an interrupt (SIGINT, the stop button of a notebook) does while a loop runs.

A KeyboardInterrupt can land in the middle of an optimizer's step and leave half of the parameters
updated. So the first one is only noted, and the run ends after the current step; the second raises.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


def in_main_thread() -> bool:
    """Return whether this is the thread that Python handles signals in."""
    return threading.get_ident() == threading.main_thread().ident


def _can_be_handled() -> bool:
    return in_main_thread() and signal.getsignal(signal.SIGINT) not in (signal.SIG_IGN, None)


class FirstInterrupt:
    """The process's handler of SIGINT while loops are open.

    It offers an interrupt to every open loop's run, and calls the handler it found if none takes
    it. Loops may be open in any thread; the handler is set and put back in the main thread only.
    """

    def __init__(self) -> None:
        self._takers: list[Callable[[], bool]] = []
        self._found: Any = None

    def add(self, take: Callable[[], bool]) -> None:
        """Offer interrupts to `take` from now on.

        Args:
            take: Called in the signal handler, so it must not wait for a lock. Returns whether it
                has dealt with the interrupt.
        """
        if take not in self._takers:
            self._takers.append(take)
        self.install()

    def remove(self, take: Callable[[], bool]) -> None:
        """Offer it no more; without any other, put the handler back that was found."""
        if take in self._takers:
            self._takers.remove(take)
        if not self._takers:
            self._put_back()

    def install(self) -> None:
        """Set the handler, in the main thread, unless it is set."""
        if _can_be_handled() and not self._is_installed():
            self._found = signal.signal(signal.SIGINT, self._handle)

    def _is_installed(self) -> bool:
        return signal.getsignal(signal.SIGINT) == self._handle

    def _put_back(self) -> None:
        # Only if it is still ours: a notebook kernel sets its own before and after each cell.
        if in_main_thread() and self._is_installed():
            signal.signal(signal.SIGINT, self._found)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        taken = [take() for take in list(self._takers)]  # every run is to stop
        if any(taken):
            return
        self._put_back()
        if callable(self._found):
            self._found(number, frame)
        else:
            signal.raise_signal(number)


first_interrupt = FirstInterrupt()


@contextmanager
def held_back() -> Iterator[None]:
    """Delay an interrupt that comes inside the `with` until its end."""
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
