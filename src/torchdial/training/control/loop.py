"""`for batch in monitor.loop(loader)`: progress, pause and stop between two batches."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import AsyncIterator, Generator, Iterable, Iterator, Sized
from contextlib import contextmanager
from inspect import CO_NEWLOCALS
from types import CodeType, FrameType
from typing import Any, Generic, TypeVar

from torchdial.inputs.errors import describe, refusal
from torchdial.inputs.numbers import to_whole
from torchdial.training.control.control import NAP, Control, Progress
from torchdial.training.control.interrupts import FirstInterrupt

Batch = TypeVar("Batch")


def loop(
    control: Control, loader: Iterable[Batch], epochs: int = 1, total: int | None = None
) -> Loop[Batch]:
    """Hand out a loader's batches, `epochs` times over, and do between them what is asked for.

    A stop ends the loop where a step is over and recorded; with gradients accumulated over several
    batches, where they were used. Code around the loop that goes on to another one, as
    `for epoch in range(9): for batch in monitor.loop(loader)` does, is ended there by
    `StopTraining`; an outer `monitor.loop(range(9))` ends gently, too. The first interrupt of the
    kernel is such a stop, the second raises KeyboardInterrupt.

    Args:
        control: The monitor's control.
        loader: A DataLoader or anything else to go through.
        epochs: How many times.
        total: Batches in all epochs, if the loader has no length.

    Returns:
        An iterator for `for`, and for `async for` in a cell that lets the notebook breathe.

    Raises:
        ValueError: If `epochs` or `total` is no positive number, or the loader can be gone
            through once only.

    Example:
        >>> control = Control()
        >>> [batch for batch in loop(control, "ab", epochs=2)]
        ['a', 'b', 'a', 'b']
        >>> control.state, control.progress.step, control.progress.total_steps
        ('finished', 4, 4)
    """
    remedy = "Say how often to go through the loader, and how many batches that is."
    epochs = to_whole("epochs", epochs, 1, remedy=remedy)
    total = None if total is None else to_whole("total", total, 1, remedy=remedy)
    if not isinstance(loader, Iterable) and not hasattr(loader, "__getitem__"):
        raise refusal(
            "loader",
            expected="something to go through, such as a DataLoader",
            got=describe(loader),
            remedy="Pass what comes after `in` without it.",
        )
    if epochs > 1 and isinstance(loader, Iterator):
        raise refusal(
            "loader",
            expected=f"something to go through {epochs} times",
            got=f"an iterator, {describe(loader)}, that is used up after one",
            remedy="Hand in the DataLoader itself.",
        )
    if total is None and isinstance(loader, Sized):
        total = _length(loader, epochs)
    return Loop(LoopRun(control, loader, epochs, total))


def _length(loader: Sized, epochs: int) -> int | None:
    try:
        return len(loader) * epochs
    except Exception:  # a DataLoader over an IterableDataset, for one
        return None


class Loop(Iterator[Batch], AsyncIterator[Batch], Generic[Batch]):
    """The batches of a loader, with an ear between two of them for what is asked.

    Nothing that runs may refer to it, so that leaving a `for`, by whatever way, ends the run.
    """

    def __init__(self, run: LoopRun[Batch]) -> None:
        self._run = run
        self._batches: Generator[Batch, None, None] | None = None

    def __iter__(self) -> Loop[Batch]:
        return self

    def __next__(self) -> Batch:
        return self._next(sys._getframe(1))

    def __aiter__(self) -> Loop[Batch]:
        return self

    async def __anext__(self) -> Batch:
        consumer = sys._getframe(1)
        await asyncio.sleep(0)
        if self._batches is not None:
            for _ in self._run.control.attend():
                await asyncio.sleep(NAP)
        try:
            return self._next(consumer)
        except StopIteration:
            raise StopAsyncIteration from None

    def close(self) -> None:
        """End the loop, as leaving it does."""
        if self._batches is not None:
            self._batches.close()

    def _next(self, consumer: FrameType) -> Batch:
        if self._batches is None:
            self._batches = self._run.batches(consumer.f_code, _place(consumer))
        return next(self._batches)


class LoopRun(Generic[Batch]):
    """What goes on in a loop."""

    def __init__(
        self, control: Control, loader: Iterable[Batch], epochs: int, total: int | None
    ) -> None:
        self.control = control
        self._loader = loader
        self._epochs = epochs
        self._total = total
        self._counts_epochs = isinstance(loader, range)  # if there is a loop inside
        self._accumulated = Accumulated(control.step)
        self._outer: LoopRun[Any] | None = None
        self._done = 0
        self._done_inside = 0

    def batches(self, consumer: CodeType, place: object) -> Generator[Batch, None, None]:
        """Hand out the batches of all epochs to code of a place."""
        interrupt = FirstInterrupt(self.control.note_interrupt, consumer)
        with interrupt, self.control.running(place, is_loop=True), self._inside_another():
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
        """Hand out the loader's batches once, with the time they were waited for, until a stop."""
        began = time.perf_counter()
        batches = iter(self._loader)
        while not self._is_to_stop():
            try:
                batch = next(batches)
            except StopIteration:
                return
            except Exception:
                # An interrupt reaches the processes of a DataLoader, too, and ends them.
                if self.control.is_to_stop:
                    return
                raise
            if self._is_to_stop():
                return
            self.control.tell_wait(time.perf_counter() - began)
            yield batch
            began = time.perf_counter()

    def _is_to_stop(self) -> bool:
        return self.control.serve() and self._accumulated.is_used

    @contextmanager
    def _inside_another(self) -> Iterator[None]:
        """Know the loop around this one, and let it know."""
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
        elif outer._counts_epochs:  # else a look at other data, between two batches
            total = total and outer._total and total * outer._total
            self.control.report(
                Progress(outer._done_inside + step, total, outer._done, outer._total)
            )


class Accumulated:
    """Whether gradients of earlier batches wait for a step that was not made yet.

    Nobody says over how many batches a loop accumulates, but its past does: the longest way from
    one step to the next. No waiting is longer, as a step may never come.
    """

    def __init__(self, step: int) -> None:
        self._step = step
        self._batches = 0
        self._longest = 0

    def count(self, step: int) -> None:
        """Count a batch, after which `step` steps were completed."""
        self._batches += 1
        if step != self._step:
            self._longest = max(self._longest, self._batches)
            self._step, self._batches = step, 0

    @property
    def is_used(self) -> bool:
        """Whether the loop can end here with nothing lost."""
        return self._batches == 0 or self._batches >= self._longest


def _place(frame: FrameType) -> object:
    """Return what tells one cell's run from the next: its outermost code, or the thread.

    IPython compiles each statement of a cell anew, so its code is there once. A function that runs
    in a thread has no such code around it.
    """
    place: object = threading.current_thread()
    caller: FrameType | None = frame
    while caller is not None:
        if not caller.f_code.co_flags & CO_NEWLOCALS:
            return caller.f_code
        caller = caller.f_back
    return place
