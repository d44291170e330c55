"""Callbacks for what is new in a run, and the errors that are kept from the training loop."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from types import TracebackType
from typing import Any

from torchdial.training.control.control import Control
from torchdial.training.history.arrival import warn_safely
from torchdial.training.history.events import Event
from torchdial.training.recording.overhead_budget import Clock


class Problems:
    """Keeps the first error in torchdial's code or in what was logged, and warns of it once.

    Args:
        strict: whether errors are raised instead: at once in the training thread, and those of the
            publishing thread at the next call of the training thread.

    Attributes:
        first: the traceback or the words of the first error, else empty.
    """

    def __init__(self, strict: bool = False) -> None:
        self.strict = strict
        self.first = ""
        self._pending: Exception | None = None

    def add(self, words: str | None = None) -> None:
        """Keep an error: its words, or the traceback of the one that is being handled."""
        words = words or traceback.format_exc()
        if not self.first:
            self.first = words
            self._pending = RuntimeError(words)
            if not self.strict:
                last = words.strip().splitlines()[-1]
                warn_safely(
                    f"the training goes on, but not all of it is recorded: {last} (in full in "
                    "monitor.problem; TrainingMonitor(..., strict=True) raises)"
                )

    def refuse(self, error: Exception) -> None:
        """Raise an error, or keep it where errors are not to be raised.

        Raises:
            Exception: it, if errors are to be raised.
        """
        if self.strict:
            raise error
        self.add(str(error))

    def raise_pending(self) -> None:
        """Raise the first error, once, if errors are to be raised.

        Raises:
            RuntimeError: it; the message has its traceback.
        """
        error, self._pending = self._pending, None
        if self.strict and error is not None:
            raise error


class Guard:
    """Counts time as torchdial's, and keeps errors from the training."""

    __slots__ = ("_began", "_clock", "_problems")

    def __init__(self, clock: Clock, problems: Problems) -> None:
        self._clock, self._problems = clock, problems

    def __enter__(self) -> None:
        self._began = time.perf_counter()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        self._clock.ours += time.perf_counter() - self._began
        if error is None:
            return False
        if not isinstance(error, Exception) or self._problems.strict:
            return False
        self._problems.add()
        return True


class Subscribers:
    """Calls back, and keeps errors of the callbacks.

    Args:
        control: its changes are news, too.
        problems: takes errors.
        on_event: called with each new event.
    """

    def __init__(
        self,
        control: Control,
        problems: Problems,
        on_event: Callable[[Event], object] | None = None,
    ) -> None:
        self.control = control
        self.problems = problems
        self._on_event = on_event
        self._callbacks: list[Callable[[], object]] = []

    def __len__(self) -> int:
        return len(self._callbacks)

    def add(self, callback: Callable[[], object]) -> Callable[[], None]:
        """Add a callback; return what to call to remove it, any number of times."""
        self._callbacks.append(callback)

        def remove() -> None:
            if callback in self._callbacks:
                self._callbacks.remove(callback)

        return remove

    def call_with_event(self, event: Event) -> None:
        """Call `on_event` with an event."""
        if self._on_event is not None:
            self._safely(self._on_event, event)

    def call(self) -> None:
        """Call all callbacks."""
        for callback in list(self._callbacks):
            self._safely(callback)

    def _safely(self, function: Callable[..., object], *args: Any) -> None:
        try:
            function(*args)
        except Exception:
            self.problems.add()
