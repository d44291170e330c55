"""Work that one thread waits for and the training thread does at its next step boundary."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, TimeoutError as NotInTime
from typing import Any, Generic, TypeVar

from torchdial.inputs.errors import refusal
from torchdial.training.control.thread_state import ThreadState
from torchdial.training.history.arrival import is_capturing

Result = TypeVar("Result")

BOUNDARY_SECONDS = 2.0  # that a caller waits for a boundary


class BoundaryCall(Generic[Result]):
    """A call of `work`, made by the thread that waits for its result.

    Args:
        work: What to call. In the training thread it finds the grad mode, autocast and devices of
            the thread that made this object.

    Example:
        >>> call = BoundaryCall(lambda: 3)
        >>> call.do()
        >>> call.result()
        3
    """

    def __init__(self, work: Callable[[], Result]) -> None:
        self._here = work
        self._there = ThreadState().around(work)
        self._future: Future[Result] = Future()

    def do(self) -> None:
        """Call `work` in this thread, unless the waiting has ended."""
        if not self._future.set_running_or_notify_cancel():
            return
        try:
            self._future.set_result(self._there())
        except BaseException as error:
            self._future.set_exception(error)
            if not isinstance(error, Exception):
                raise

    def cancel(self) -> None:
        """Leave the work to the thread that waits for it."""
        self._future.cancel()

    def result(self) -> Result:
        """Wait until it is done and return what `work` returns.

        Raises:
            TimeoutError: The training thread did not begin within 2 s.
            Exception: What `work` raises.
        """
        try:
            return self._future.result(BOUNDARY_SECONDS)
        except NotInTime:
            if not self._future.cancel():  # it has begun, or raised this itself
                return self._future.result()
            words = refusal(
                "the model",
                expected="to run between two training steps, one of which ends within "
                f"{BOUNDARY_SECONDS:g} s in the training thread",
                got="no end of a step in that time",
                remedy="Call this inside the training function, or after handle.result().",
            )
            raise TimeoutError(str(words)) from None
        except CancelledError:
            return self._here()
        except BaseException:
            self._future.cancel()  # an interrupt ends the waiting
            raise


class BoundaryCalls:
    """The calls that wait for a boundary; safe to use from several threads."""

    def __init__(self) -> None:
        self._waiting: deque[BoundaryCall[Any]] = deque()

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def add(self, work: Callable[[], Result]) -> BoundaryCall[Result]:
        """Add a call of `work` to those that wait."""
        call = BoundaryCall(work)
        self._waiting.append(call)
        return call

    def do_all(self) -> float:
        """Do the calls in this thread, and return how many seconds that took.

        While a CUDA graph is captured in this thread they stay: a model must not run then.
        """
        if is_capturing():
            return 0.0
        began = time.monotonic()
        while self:
            self._waiting.popleft().do()
        return time.monotonic() - began

    def cancel_all(self) -> None:
        """Leave the work to the threads that wait for it."""
        while self:
            self._waiting.popleft().cancel()
