"""`for batch in monitor.loop(loader)`: progress, pause and stop between two batches."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import AsyncIterator, Generator, Iterable, Iterator, Sized
from contextlib import contextmanager
from inspect import CO_NEWLOCALS
from types import FrameType
from typing import Any, Generic, TypeVar

from torchdial.inputs.errors import describe, refusal
from torchdial.inputs.numbers import to_whole
from torchdial.training.control.control import PAUSE_POLL_SECONDS, Control, Progress

Batch = TypeVar("Batch")


def loop(
    control: Control, loader: Iterable[Batch], epochs: int = 1, total: int | None = None
) -> Loop[Batch]:
    """Iterate over a loader's batches, `epochs` times, and execute requests between them.

    A stop ends the loop where a step is over and recorded; with gradients accumulated over several
    batches, where they were used. Code around the loop that begins another one, as
    `for epoch in range(9): for batch in monitor.loop(loader)` does, is ended there by
    `StopTraining`; an outer `monitor.loop(range(9))` ends by itself, too. While the loop is open,
    the first interrupt of the kernel is such a stop and the second raises KeyboardInterrupt; so it
    is if tqdm, a generator or a prefetcher iterates over the loop.

    Args:
        control: The monitor's control.
        loader: A DataLoader or any other iterable.
        epochs: Number of times to iterate over it.
        total: Number of batches in all epochs, if the loader has no length.

    Returns:
        An iterator for `for`; with `async for`, the kernel handles messages between two batches.

    Raises:
        ValueError: If `epochs` or `total` is no positive number, the loader is not iterable, or
            `epochs` is above 1 and it can be iterated over only once.

    Example:
        >>> control = Control()
        >>> [batch for batch in loop(control, "ab", epochs=2)]
        ['a', 'b', 'a', 'b']
        >>> control.state, control.progress.step, control.progress.total_steps
        ('finished', 4, 4)
    """
    remedy = "Pass the number of epochs, and of batches in all of them."
    epochs = to_whole("epochs", epochs, 1, remedy=remedy)
    total = None if total is None else to_whole("total", total, 1, remedy=remedy)
    if not isinstance(loader, Iterable) and not hasattr(loader, "__getitem__"):
        raise refusal(
            "loader",
            expected="an iterable, such as a DataLoader",
            got=describe(loader),
            remedy="Pass the loader itself: monitor.loop(loader).",
        )
    if epochs > 1 and isinstance(loader, Iterator):
        raise refusal(
            "loader",
            expected=f"an iterable for {epochs} epochs",
            got=f"an iterator, {describe(loader)}, which is exhausted after one",
            remedy="Pass the DataLoader itself.",
        )
    if total is None and isinstance(loader, Sized):
        total = _length(loader, epochs)
    return Loop(LoopRun(control, loader, epochs, total, _place(sys._getframe())))


def _length(loader: Sized, epochs: int) -> int | None:
    try:
        return len(loader) * epochs
    except Exception:  # a DataLoader over an IterableDataset, for one
        return None


class Loop(Iterator[Batch], AsyncIterator[Batch], Generic[Batch]):
    """The batches of a loader.

    Nothing else refers to it, so leaving a `for`, also by an exception, frees it and ends the run.
    """

    def __init__(self, run: LoopRun[Batch]) -> None:
        self._run = run
        self._batches: Generator[Batch, None, None] | None = None

    def __iter__(self) -> Loop[Batch]:
        return self

    def __next__(self) -> Batch:
        if self._batches is None:
            self._batches = self._run.batches()
        return next(self._batches)

    def __aiter__(self) -> Loop[Batch]:
        return self

    async def __anext__(self) -> Batch:
        await asyncio.sleep(0)
        if self._batches is not None:
            for _ in self._run.control.attend():
                await asyncio.sleep(PAUSE_POLL_SECONDS)
        try:
            return next(self)
        except StopIteration:
            raise StopAsyncIteration from None

    def close(self) -> None:
        """End the loop, as leaving it does."""
        if self._batches is not None:
            self._batches.close()


class LoopRun(Generic[Batch]):
    """The run of a loop: its progress, and where it ends."""

    def __init__(
        self,
        control: Control,
        loader: Iterable[Batch],
        epochs: int,
        total: int | None,
        place: object,
    ) -> None:
        self.control = control
        self._place = place
        self._loader = loader
        self._epochs = epochs
        self._total = total
        self._counts_epochs = isinstance(loader, range)  # if there is a loop inside
        self._accumulated = Accumulated(control.step)
        self._outer: LoopRun[Any] | None = None
        self._done = 0
        self._done_inside = 0

    def batches(self) -> Generator[Batch, None, None]:
        """Yield the batches of all epochs."""
        with self.control.running(self._place, is_loop=True), self._inside_another():
            for epoch in range(self._epochs):
                self._report(epoch)
                for batch in self._timed():
                    yield batch
                    self._done += 1
                    self._accumulated.count(self.control.step)
                    self._report(epoch)
                if self._is_to_stop():
                    return

    def _timed(self) -> Iterator[Batch]:
        """Yield the loader's batches once, until a stop, and report how long each took to load."""
        began = time.perf_counter()
        batches = iter(self._loader)
        starting = time.perf_counter() - began
        while not self._is_to_stop():  # it may be paused in here
            began = time.perf_counter()
            try:
                batch = next(batches)
            except StopIteration:
                return
            except Exception:
                # An interrupt ends the worker processes of a DataLoader, too.
                if self.control.is_to_stop:
                    return
                raise
            seconds, starting = starting + time.perf_counter() - began, 0.0
            if self._is_to_stop():
                return
            if self._outer is None or self._outer._counts_epochs:  # else it validates, say
                self.control.report_batch(seconds, batch)
            yield batch

    def _is_to_stop(self) -> bool:
        return self.control.serve() and self._accumulated.is_used

    @contextmanager
    def _inside_another(self) -> Iterator[None]:
        """Register with the loop around this one, and count this one's batches there."""
        self._outer, self.control.loop = self.control.loop, self
        try:
            yield
        finally:
            if self.control.loop is self:
                self.control.loop = self._outer
            if self._outer is not None:
                self._outer._done_inside += self._done

    def _report(self, epoch: int) -> None:
        outer, step, total = self._outer, self._done, self._total
        if outer is None:
            if not (self._counts_epochs and self._done_inside):  # else the loop inside reports
                self.control.report(Progress(step, total, epoch, self._epochs))
        elif outer._counts_epochs:  # else it is a loop over other data, between two batches
            total = total and outer._total and total * outer._total
            self.control.report(
                Progress(outer._done_inside + step, total, outer._done, outer._total)
            )


class Accumulated:
    """Whether gradients of earlier batches are accumulated and not used by a step yet.

    Over how many batches a loop accumulates is taken from its past: the largest number of batches
    from one step to the next. After as many, no step is waited for: it may never come.
    """

    def __init__(self, step: int) -> None:
        self._step = step
        self._batches = 0
        self._longest = 0

    def count(self, step: int) -> None:
        """Count a batch; `step` is the number of completed steps after it."""
        self._batches += 1
        if step != self._step:
            self._longest = max(self._longest, self._batches)
            self._step, self._batches = step, 0

    @property
    def is_used(self) -> bool:
        """Whether the loop can end here without losing accumulated gradients."""
        return self._batches == 0 or self._batches >= self._longest


def _place(frame: FrameType) -> object:
    """Return what differs between the runs of two cells: the outermost code, or the thread.

    IPython compiles each statement of a cell anew, so no two runs share its code. A function that
    runs in a thread has no such code around it.
    """
    place: object = threading.current_thread()
    caller: FrameType | None = frame
    while caller is not None:
        if not caller.f_code.co_flags & CO_NEWLOCALS:
            return caller.f_code
        caller = caller.f_back
    return place
