"""The control of a run: it does what was requested between two steps.

Requests come from any thread and are only stored, under a lock. The training thread reads and
executes them at a step boundary, so no other thread touches the model, the optimizer or the random
state.
"""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from torch.optim import Optimizer

from torchdial.models.between_steps import register
from torchdial.training.control.boundary_calls import BOUNDARY_SECONDS, BoundaryCalls
from torchdial.training.control.interrupts import first_interrupt, in_main_thread
from torchdial.training.control.requests import Requests
from torchdial.training.control.training_dials import DialChange
from torchdial.training.history.arrival import without_waiting
from torchdial.training.history.events import Event

Result = TypeVar("Result")

CLICK_POLL_SECONDS = 0.1  # between two checks for clicks
PAUSE_POLL_SECONDS = 0.05  # between two checks whether a pause is over
OVERDUE_SECONDS = 2.0  # after these and OVERDUE_STEPS a request is executed at any boundary
OVERDUE_STEPS = 2


class StopTraining(Exception):  # noqa: N818 - as StopIteration, it is no error
    """Raised to end a run that was asked to stop, where no `loop` can end by itself.

    Example:
        >>> from torchdial import TrainingMonitor
        >>> monitor = TrainingMonitor(torch.nn.Linear(2, 1))
        >>> try:
        ...     for step in range(1000):
        ...         monitor.log(loss=1.0)
        ...         if step == 2:
        ...             monitor.control.request_stop()  # as a click on "stop" does
        ... except StopTraining:
        ...     print("stopped at", monitor.step)
        stopped at 4
    """

    def _render_traceback_(self) -> list[str]:
        return [str(self)]  # all that a notebook prints: it is no failure


@dataclass(frozen=True)
class Progress:
    """How far `monitor.loop` is.

    Attributes:
        step: Number of finished batches, over all epochs.
        total_steps: Number of batches in all epochs; None for a loader without a length.
        epoch: Index of the current epoch, from 0.
        epochs: Number of epochs.
    """

    step: int
    total_steps: int | None
    epoch: int
    epochs: int | None


@dataclass(frozen=True, eq=False)
class ActiveRun:
    """A loop, or a worker's whole function, while it runs.

    Attributes:
        place: The code it belongs to; after a stop no other loop may begin there.
        is_loop: Whether it ends by itself between two batches when asked to stop.
        thread: Where it began.
    """

    place: object
    is_loop: bool
    thread: threading.Thread = field(default_factory=threading.current_thread)


class Control(Requests):
    """Stop, pause, resume and dials of one monitor.

    Args:
        step: Returns the number of the monitor's completed steps.

    Attributes:
        error: The traceback of a run that failed, else empty.
        progress: How far a `loop` is; None before the first one.
        blocking: What to know about the controls while a cell trains and blocks its kernel; empty
            if clicks work even then.
        version: Increases with each change of state, progress, dials and reach.
        waited: Seconds spent paused or in `call` so far, which are no training time.
        on_event: Called in the training thread with what was done ("stop", "pause", "resume",
            "dial").
        on_batch: Called in the training thread with the seconds that a batch took to load, and it.
        on_problem: Called with the traceback of an error that was kept from the loop.
        on_listen: Called in the main thread, at most ten times a second, to receive clicks.
        loop: The run of the innermost open `loop`, for the next one inside it.
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
        self.on_batch: Callable[[float, Any], object] | None = None
        self.on_problem: Callable[[str], object] | None = None
        self.on_listen: Callable[[], object] | None = None
        self._thread: int | None = None
        self._runs: list[ActiveRun] = []
        self._calls = BoundaryCalls()
        self._listened_at = 0.0
        self._stopped_in: object = None
        self.loop: Any = None
        self.worker: Any = None
        register(self)

    @property
    def reach(self) -> str:
        """What to know about the controls at this moment; empty if all of them work."""
        return self.blocking if self._trains_in_main_thread else ""

    @property
    def is_elsewhere(self) -> bool:
        """Whether a loop or a worker runs now, and another thread than the caller's trains."""
        # A loop may be left open in a thread that has ended.
        is_active = any(run.thread.is_alive() for run in self._runs)
        return is_active and self._thread not in (None, threading.get_ident())

    @property
    def _trains_in_main_thread(self) -> bool:
        return self._thread == threading.main_thread().ident

    def note_interrupt(self) -> bool:
        """Request a stop from a signal handler, which must not wait for a lock.

        Returns:
            Whether it is the first interrupt of a run in the main thread.
        """
        if self._interrupted or not self._runs or not self._trains_in_main_thread:
            return False
        self._interrupted = True
        self.version += 1
        return True

    def call(self, work: Callable[[], Result]) -> Result:
        """Return what `work` returns, called in the training thread at the next boundary.

        It finds the caller's grad mode, autocast and devices. If the run ends first, it is called
        in this thread.

        Raises:
            TimeoutError: No boundary came within 2 s.
            Exception: What `work` raises.
        """
        with self._changed:
            call = self._calls.add(work)
            self._ask()
            if not self.is_elsewhere:
                self._calls.cancel_all()
        return call.result()

    # Called by the code that trains

    def before_step(self, optimizer: Optimizer) -> None:
        """Apply the dial's factor to the learning rates; called before each optimizer step."""
        self._dials.factor.apply(optimizer)

    def after_step(self, optimizer: Optimizer) -> None:
        """Restore the learning rates; called after each step of each optimizer.

        Raises:
            StopTraining: If a stop was requested a while ago and no other boundary came.
        """
        self._dials.factor.restore(optimizer)
        if self._runs and self._thread != threading.get_ident():
            # The loop's iterator runs in another thread than its body, as in a prefetcher.
            self._thread = threading.get_ident()
            if self._loops():
                first_interrupt.install()
        if self._calls and self._has_waited(BOUNDARY_SECONDS / 2):
            self._do_calls()
        if self._asked and self._is_overdue():
            self._serve_or_raise()

    def boundary(self) -> None:
        """Execute the requests; called where a step is over and recorded.

        Call it at the end of `monitor.log`, not from an optimizer's hook: a GradScaler and a
        schedule still have to act after the optimizer's step. Where nothing is logged, `after_step`
        executes requests a little later. Inside a `loop` the loop stops and pauses by itself.

        Raises:
            StopTraining: If a stop was requested and no `loop` is open that can end by itself.
        """
        if not self._runs:
            self._thread = threading.get_ident()
            if self._state in ("idle", "finished", "failed"):
                self._become("running")
        self.listen()
        self._do_calls()
        if self._asked and (self._is_overdue() or not self._loops()):
            self._serve_or_raise()

    def close(self) -> None:
        """Restore the optimizers and end a pause; a run that only logs is finished."""
        self._dials.factor.close()
        self.request_resume()
        with self._changed:
            if not self._runs and self._state != "idle":
                self._end(self.error, settled=True)

    def _is_overdue(self) -> bool:
        steps = self.step - self._asked_at[0]
        return steps >= OVERDUE_STEPS and self._has_waited(OVERDUE_SECONDS)

    def _has_waited(self, seconds: float) -> bool:
        return time.monotonic() - self._asked_at[1] >= seconds

    def _serve_or_raise(self) -> None:
        if not self.serve():
            return
        message = f"Stopped at step {self.step}, as asked."
        if not self._runs:  # a run announces it when it is left
            self._end("", settled=True)
            self._announce("stop", None, message)
        raise StopTraining(message)

    @contextmanager
    def running(self, place: object, *, is_loop: bool) -> Iterator[None]:
        """Be in the state "running" inside the `with`; nested ones are part of the outermost.

        Raises:
            StopTraining: If a loop was stopped in this place and the code around it goes on.
        """
        run = ActiveRun(place, is_loop)
        with self._changed:
            if is_loop and place is self._stopped_in and not self._loops():
                raise StopTraining(f"Stopped at step {self.step}, as asked.")
            if not self._runs:
                self._forget()
                self._stopped_in, self._thread = None, threading.get_ident()
                self.error, self.progress = "", None
                self._become("running")
            self._runs.append(run)
        if is_loop:
            first_interrupt.add(self.note_interrupt)
        error, settled = "", True
        try:
            yield
        except (GeneratorExit, KeyboardInterrupt):
            settled = False  # `rest` at the end of the cell gives the reason
            raise
        except StopTraining:
            raise
        except BaseException:
            error = traceback.format_exc()
            raise
        finally:
            self._leave(run, error, settled)

    def serve(self) -> bool:
        """Execute the requests at a boundary, and return whether the run is to end."""
        self.listen()
        if self._asked:
            for _ in self.attend():
                with self._changed:
                    self._changed.wait(PAUSE_POLL_SECONDS)
        return self.is_to_stop

    def attend(self) -> Iterator[None]:
        """Execute the requests; yield repeatedly while the run is paused."""
        self._execute()
        if self._pause:
            yield from self._paused()

    def report(self, progress: Progress) -> None:
        """Set how far a loop is."""
        self.progress = progress
        self._note_change()

    def report_batch(self, seconds: float, batch: Any) -> None:
        """Pass on a batch, and how many seconds it took to load."""
        if self.on_batch is not None:
            self._safely(self.on_batch, seconds, batch)

    def listen(self) -> None:
        """Receive clicks, in the main thread, unless that was done a moment ago."""
        if self.on_listen is None or not in_main_thread():
            return
        now = time.monotonic()
        if now - self._listened_at >= CLICK_POLL_SECONDS:
            self._listened_at = now
            self._safely(self.on_listen)

    def rest(self, error: str = "") -> None:
        """End the runs of this thread, as at the end of a cell.

        A loop that was left half-way, or that only logs, is over then, and what was requested of
        it must not stop the next one.

        Args:
            error: The traceback of the exception that ended it, if it failed.
        """
        with self._changed:
            if self._thread != threading.get_ident():
                return
            self._runs = []
            self._end(error, settled=True)

    def _loops(self) -> bool:
        return any(run.is_loop for run in self._runs)

    def _leave(self, run: ActiveRun, error: str, settled: bool) -> None:
        with self._changed:
            if run not in self._runs:
                return  # `rest` has ended it
            place = self._runs.index(run)
            # With a worker's function the loops inside end, also those that it left open.
            del self._runs[place : place + 1 if run.is_loop else None]
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
        self.loop = None
        first_interrupt.remove(self.note_interrupt)
        self._calls.cancel_all()
        self.error = error
        if settled:
            self._thread = None
        self._become("failed" if error else "finished")

    def _execute(self) -> None:
        self._do_calls()
        with self._changed:
            requested = self._dials.take_requested()
            self._asked = self._stop or self._pause or bool(self._calls)
        with without_waiting():  # a dial's setter may read the history
            for change in self._dials.apply(requested):
                self._note_change()
                self._report_change(change)

    def _do_calls(self) -> None:
        # A prefetcher's loop runs in another thread.
        if self._calls and self._thread == threading.get_ident():
            self.waited += self._calls.do_all()

    def _paused(self) -> Iterator[None]:
        began = time.monotonic()
        self._become("paused")
        self._announce("pause", None, f"Paused at step {self.step}.")
        try:
            while self._pause and not self.is_to_stop:
                self.listen()
                self._execute()
                yield
        finally:
            seconds = time.monotonic() - began
            self.waited += seconds
            with self._changed:
                self._pause = False
                is_over = self._state == "finished"  # by `close`
                if not is_over:
                    self._become("stopping" if self._stop else "running")
        if not self.is_to_stop and not is_over:
            self._announce("resume", None, f"Went on after {seconds:.1f} s.", seconds=seconds)

    def _report_change(self, change: DialChange) -> None:
        if change.problem:
            self._report_problem(change.problem)
        old = {} if change.dial.value is None else {"old": change.dial.value}
        self._announce("dial", change.dial.name, change.words, **old, new=change.new)

    def _announce(self, kind: str, where: str | None, message: str, **evidence: float) -> None:
        if self.on_event is not None:
            self._safely(self.on_event, Event(self.step, kind, where, message, evidence))

    def _safely(self, callback: Callable[..., object], *args: object) -> None:
        try:
            callback(*args)
        except Exception:
            self._report_problem(traceback.format_exc())

    def _report_problem(self, problem: str) -> None:
        if self.on_problem is not None:
            self.on_problem(problem)
