"""`monitor.start(train)`: training in a thread of its own, so that the notebook stays free."""

from __future__ import annotations

import atexit
import contextvars
import ctypes
import threading
import time
from collections.abc import Callable
from functools import cache
from typing import Any
from weakref import WeakSet

from torchdial.deprecation import warn_renamed
from torchdial.inputs.errors import describe, refusal
from torchdial.training.control.control import PAUSE_POLL_SECONDS, Control, StopTraining
from torchdial.training.control.thread_state import ThreadState

EXIT_SECONDS = 2.0  # that workers have to reach a boundary when Python exits


def start(control: Control, train: Callable[..., Any], *args: Any, **kwargs: Any) -> Handle:
    """Run `train(*args, **kwargs)` in a thread of its own.

    It has the caller's grad mode, autocast, current CUDA device, default device and context
    variables. Python's exit does not wait for it.

    `preview.refresh()`, `ModelTree(model, batch)` and other calls that run a model may be made
    meanwhile: the training thread does them between two of its steps. They raise TimeoutError if
    no step ends within 2 s.

    Args:
        control: The monitor's control.
        train: A function that trains, with `monitor.loop` or a plain loop that logs.
        *args: Its positional arguments.
        **kwargs: Its keyword arguments.

    Returns:
        A handle to stop or pause it and to wait for its result.

    Raises:
        ValueError: If `train` cannot be called, or a run of this monitor has not ended.

    Example:
        >>> handle = start(Control(), sum, [1, 2, 3])
        >>> handle.result(timeout=60)
        6
    """
    if not callable(train):
        raise refusal(
            "train",
            expected="a function",
            got=describe(train),
            remedy="Pass the function and its arguments: monitor.start(train, model, loader).",
        )
    refuse_beside_worker(control, "start")
    control.worker = handle = Handle(control, train, args, kwargs)
    return handle


def refuse_beside_worker(control: Control, name: str) -> None:
    """Raise if a worker of a monitor trains: two would step the same optimizer."""
    if control.worker is not None and not control.worker.is_done:
        raise refusal(
            name,
            expected="no run of this monitor in another thread",
            got=f"one that is {control.state}, at step {control.step}",
            remedy="End it first: handle.stop(); handle.result().",
        )


class Handle:
    """A training function that runs in a thread of its own; `monitor.start` returns it.

    Example:
        >>> from torchdial import TrainingMonitor
        >>> model = torch.nn.Linear(2, 1)
        >>> with TrainingMonitor(model, torch.optim.SGD(model.parameters(), lr=0.1)) as monitor:
        ...     handle = monitor.start(lambda: sum(1 for _ in monitor.loop(range(8))))
        ...     handle.result(timeout=60)
        8
    """

    def __init__(
        self,
        control: Control,
        train: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> None:
        self._control = control
        self._ended = threading.Event()
        self._result: Any = None
        self._exception: BaseException | None = None
        work = ThreadState().around(lambda: train(*args, **kwargs))
        begun = threading.Event()
        self._thread = threading.Thread(
            target=contextvars.copy_context().run,
            args=(self._run, work, begun),
            name="torchdial training",
            daemon=True,
        )
        self._thread.start()
        begun.wait()  # a stop is only taken once it runs
        _running.add(self)
        _end_at_exit()

    def stop(self) -> None:
        """Request that it ends at its next boundary."""
        self._control.request_stop()

    def pause(self) -> None:
        """Request that it pauses at its next boundary."""
        self._control.request_pause()

    def resume(self) -> None:
        """End a pause."""
        self._control.request_resume()

    @property
    def is_done(self) -> bool:
        """Whether it has returned, raised or been stopped."""
        return self._ended.is_set()

    def done(self) -> bool:
        """Return `is_done`, by its old name."""
        warn_renamed("done()", "is_done")
        return self.is_done

    def result(self, timeout: float | None = None) -> Any:
        """Wait for its end; return what it returned, None if a stop ended it.

        An interrupt ends the waiting, not the run.

        Args:
            timeout: Seconds to wait at most; None waits for ever.

        Raises:
            TimeoutError: If it has not ended by then.
            BaseException: What it raised.
        """
        exception = self.exception(timeout)
        if exception is not None:
            raise exception
        return self._result

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Wait for its end; return what it raised, or None.

        Raises:
            TimeoutError: If it has not ended after `timeout` seconds.
        """
        until = None if timeout is None else time.monotonic() + timeout
        wait = PAUSE_POLL_SECONDS
        while not self._ended.wait(wait):
            self._control.listen()
            wait = wait if until is None else min(wait, until - time.monotonic())
            if until is not None and time.monotonic() >= until:
                raise TimeoutError(f"The run is still {self._control.state} after {timeout:g} s.")
        return self._exception

    def __repr__(self) -> str:
        return f"<training, {self._control.state} at step {self._control.step}>"

    def _break_off(self) -> None:
        """Raise StopTraining in the thread, at any line."""
        thread, error = ctypes.c_ulong(self._thread.ident or 0), ctypes.py_object(StopTraining)
        ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, error)

    def _run(self, work: Callable[[], Any], begun: threading.Event) -> None:
        try:
            with self._control.running(self._thread, is_loop=False):
                begun.set()
                self._result = work()
        except StopTraining:
            pass
        except BaseException as error:
            self._exception = error
        finally:
            begun.set()
            self._ended.set()


_running: WeakSet[Handle] = WeakSet()


@cache
def _end_at_exit() -> None:
    """Have the workers end at exit: before the publishers close, which were registered first."""
    atexit.register(_end_workers)


def _end_workers() -> None:
    """End the workers: a thread that is cut off inside torch can crash the exit.

    Those that reach no boundary are ended between two lines; what they leave half done is not used
    any more.
    """
    for end in (Handle.stop, Handle._break_off):
        running = [handle for handle in _running if not handle.is_done]
        for handle in running:
            end(handle)
        until = time.monotonic() + EXIT_SECONDS
        for handle in running:
            handle._ended.wait(max(0.0, until - time.monotonic()))
