"""What a person asks of a run, and when the run does it: at the boundary between two steps.

Requests come from any thread and are only noted down, under a lock. The training thread reads them
at a boundary and does what they ask, so nobody else ever touches the model, the optimizer or the
random numbers.
"""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from torch.optim import Optimizer

from torchdial.training.control.interrupts import in_main_thread
from torchdial.training.control.requests import Requests
from torchdial.training.control.training_dials import Turn
from torchdial.training.history.arrival import without_waiting
from torchdial.training.history.events import Event

LISTENING = 0.1  # seconds between two looks for clicks
NAP = 0.05  # seconds between two looks whether a pause is over
PATIENCE = 2.0  # seconds, and steps, that a gentler place has to do what was asked


class StopTraining(Exception):  # noqa: N818 - as StopIteration, it is no error
    """A run was asked to stop and could not be left more gently than by raising."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]  # all that a notebook prints: nothing went wrong


@dataclass(frozen=True)
class Progress:
    """How far `monitor.loop` is.

    Attributes:
        step: Batches that were finished, over all epochs.
        total_steps: Batches there will be in all; None if the loader cannot say.
        epoch: The epoch that runs, from 0.
        epochs: Epochs there will be in all.
    """

    step: int
    total_steps: int | None
    epoch: int
    epochs: int | None


@dataclass(frozen=True, eq=False)
class Run:
    """Something that runs: a loop, or a worker's whole function.

    Attributes:
        place: The code it belongs to; after a stop no other loop may begin there.
        is_loop: Whether it ends gently by itself, between two batches.
        thread: The thread it runs in.
    """

    place: object
    is_loop: bool
    thread: int


class Control(Requests):
    """Stop, pause, resume and dials of one monitor.

    Args:
        step: Says the monitor's completed steps.

    Attributes:
        error: The traceback of a run that failed, else empty.
        progress: How far a `loop` is; None before the first one.
        blocking: What a person should know while a cell trains and blocks its kernel; empty if
            clicks are heard even then.
        version: Grows with each change of state, progress, dials and reach.
        waited: Seconds spent paused so far.
        on_event: Told what was done ("stop", "pause", "resume", "dial"), in the training thread.
        on_wait: Told the seconds that a batch was waited for, in the training thread.
        on_problem: Told the traceback of an error that was kept from the loop.
        on_listen: Called in the main thread, up to ten times a second, to look for clicks.
        loop: What runs in the innermost open `loop`, for the next one inside it.
        worker: The handle of the last `start`.

    Example:
        >>> control = Control()
        >>> control.dial("lr", min=0.01, max=100, log=True)
        >>> control.set_dial("lr", 0.5)
        >>> control.boundary()
        >>> control.dials["lr"].value
        0.5
    """

    def __init__(self, step: Callable[[], int] = lambda: 0) -> None:
        super().__init__(step)
        self.error = ""
        self.progress: Progress | None = None
        self.blocking = ""
        self.waited = 0.0
        self.on_event: Callable[[Event], object] | None = None
        self.on_wait: Callable[[float], object] | None = None
        self.on_problem: Callable[[str], object] | None = None
        self.on_listen: Callable[[], object] | None = None
        self._thread: int | None = None
        self._runs: list[Run] = []
        self._listened_at = 0.0
        self._stopped_in: object = None
        self.loop: Any = None
        self.worker: Any = None

    @property
    def reach(self) -> str:
        """What to know about the controls at this moment; empty if all are heard."""
        return self.blocking if self._thread == threading.main_thread().ident else ""

    # What the code that trains says

    def before_step(self, optimizer: Optimizer) -> None:
        """To be called right before each step of each optimizer: the rates take their factor."""
        self._dials.rates.put_in(optimizer)

    def after_step(self, optimizer: Optimizer) -> None:
        """To be called right after each step of each optimizer: the rates are as they were.

        Raises:
            StopTraining: If a stop was asked for and no better place came by.
        """
        self._dials.rates.take_out(optimizer)
        if self._asked and self._is_overdue():
            self._serve_or_raise()

    def boundary(self) -> None:
        """To be called where a step is over and recorded: does what was asked for.

        Call it at the end of `monitor.log`, not from an optimizer's hook: a GradScaler and a
        schedule still have to act after the optimizer's step. A loop that never logs is served
        by `after_step`, a little later. Inside `loop` the loop does it all.

        Raises:
            StopTraining: If a stop was asked for and no `loop` is there to end gently.
        """
        if not self._runs:
            self._thread = threading.get_ident()
            if self._state in ("idle", "finished", "failed"):
                self._become("running")
        self.listen()
        if self._asked and (self._is_overdue() or not self._loops()):
            self._serve_or_raise()

    def close(self) -> None:
        """Leave the optimizers as they were found; what only logged is over, what waits goes on."""
        self._dials.rates.close()
        self.request_resume()
        with self._changed:
            if not self._runs and self._state != "idle":
                self._end(self.error, settled=True)

    def _is_overdue(self) -> bool:
        step, moment = self._asked_at
        return self.step - step >= PATIENCE and time.monotonic() - moment >= PATIENCE

    def _serve_or_raise(self) -> None:
        if not self.serve():
            return
        message = f"Stopped at step {self.step}, as asked."
        if not self._runs:  # else whatever runs says so when it is left
            self._end("", settled=True)
            self._announce("stop", None, message)
        raise StopTraining(message)

    @contextmanager
    def running(self, place: object, *, is_loop: bool) -> Iterator[None]:
        """Run for the time of a `with`; of several inside each other the outermost counts.

        Raises:
            StopTraining: If a loop was stopped in this place and the code around it goes on.
        """
        run = Run(place, is_loop, threading.get_ident())
        with self._changed:
            if is_loop and place is self._stopped_in and not self._loops():
                raise StopTraining(f"Stopped at step {self.step}, as asked.")
            if not self._runs:
                self._forget()
                self._stopped_in, self._thread = None, run.thread
                self.error, self.progress = "", None
                self._become("running")
            self._runs.append(run)
        error, settled = "", True
        try:
            yield
        except (GeneratorExit, KeyboardInterrupt):
            settled = False  # whoever ends the cell knows why
            raise
        except StopTraining:
            raise
        except BaseException:
            error = traceback.format_exc()
            raise
        finally:
            self._leave(run, error, settled)

    def serve(self) -> bool:
        """Do what was asked for, at a boundary, and return whether the run is to end."""
        self.listen()
        if self._asked:
            for _ in self.attend():
                with self._changed:
                    self._changed.wait(NAP)
        return self.is_to_stop

    def attend(self) -> Iterator[None]:
        """Do what was asked for; yield, again and again, while the run is to wait."""
        self._turn()
        if self._pause:
            yield from self._paused()

    def report(self, progress: Progress) -> None:
        """Say how far a loop is."""
        self.progress = progress
        self.version += 1

    def tell_wait(self, seconds: float) -> None:
        """Say how long a batch was waited for."""
        if self.on_wait is not None:
            self._safely(self.on_wait, seconds)

    def listen(self) -> None:
        """Look for clicks if this is the main thread and the last look was a while ago."""
        if self.on_listen is None or not in_main_thread():
            return
        now = time.monotonic()
        if now - self._listened_at >= LISTENING:
            self._listened_at = now
            self._safely(self.on_listen)

    def rest(self, error: str = "") -> None:
        """Say that the code of this thread is over, as when a cell ends.

        A loop that was left half-way, or that only logs, is over then, and what was asked of it
        must not stop the next one.

        Args:
            error: The traceback of what ended it, if it failed.
        """
        with self._changed:
            if self._thread != threading.get_ident():
                return
            self._runs = [run for run in self._runs if run.thread != self._thread]
            self.loop = None
            if not self._runs:
                self._end(error, settled=True)

    def _loops(self) -> bool:
        return any(run.is_loop for run in self._runs)

    def _leave(self, run: Run, error: str, settled: bool) -> None:
        with self._changed:
            if run not in self._runs:
                return  # a cell's end came first
            self._runs.remove(run)
            stopped = self.is_to_stop
            by = "by an interrupt" if self._interrupted else "as asked"
            if stopped and run.is_loop and not self._loops():
                self._stopped_in = run.place
            if self._runs:
                return
            self._end(error, settled)
        if stopped:
            self._announce("stop", None, f"Stopped at step {self.step}, {by}.")

    def _end(self, error: str, settled: bool) -> None:
        self._forget()
        self.error = error
        if settled:
            self._thread = None
        self._become("failed" if error else "finished")

    def _turn(self) -> None:
        with self._changed:
            asked = self._dials.asked()
            self._asked = self._stop or self._pause
        with without_waiting():  # a dial's setter may read the history
            for turn in self._dials.apply(asked):
                self.version += 1
                self._tell(turn)

    def _paused(self) -> Iterator[None]:
        began = time.monotonic()
        self._become("paused")
        self._announce("pause", None, f"Paused at step {self.step}.")
        try:
            while self._pause and not self.is_to_stop:
                self.listen()
                self._turn()
                yield
        finally:
            seconds = time.monotonic() - began
            self.waited += seconds
            with self._changed:
                self._pause = False
                self._become("stopping" if self._stop else "running")
        if not self.is_to_stop:
            self._announce("resume", None, f"Went on after {seconds:.1f} s.", seconds=seconds)

    def _tell(self, turn: Turn) -> None:
        if turn.problem:
            message = f"{turn.name} could not be set to {turn.new:g}: its setter raised."
            self._tell_problem(turn.problem)
        else:
            message = f"{turn.name} set to {turn.new:g}"
            message += "." if turn.old is None else f", from {turn.old:g}."
        old = {} if turn.old is None else {"old": turn.old}
        self._announce("dial", turn.name, message, **old, new=turn.new)

    def _announce(self, kind: str, where: str | None, message: str, **evidence: float) -> None:
        if self.on_event is not None:
            self._safely(self.on_event, Event(self.step, kind, where, message, evidence))

    def _safely(self, tell: Callable[..., object], *what: object) -> None:
        try:
            tell(*what)
        except Exception:
            self._tell_problem(traceback.format_exc())

    def _tell_problem(self, problem: str) -> None:
        if self.on_problem is not None:
            self.on_problem(problem)
