"""`monitor.start(train)`: training in a thread of its own, so that the notebook stays free."""

from __future__ import annotations

import atexit
import contextvars
import ctypes
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from weakref import WeakSet

import torch

from torchdial.inputs.errors import describe, refusal
from torchdial.training.control.control import NAP, Control, StopTraining

GRACE = 2.0  # seconds that workers have to come to a boundary when Python exits


def start(control: Control, train: Callable[..., Any], *args: Any, **kwargs: Any) -> Handle:
    """Run `train(*args, **kwargs)` in a thread of its own.

    It finds the grad mode, the autocast, the current CUDA device, the default device and the
    context variables of the caller. Python's exit does not wait for it.

    Args:
        control: The monitor's control.
        train: A function that trains, with `monitor.loop` or a plain loop that logs.
        *args: What it gets.
        **kwargs: What it gets.

    Returns:
        A handle to steer it and to wait for its result.

    Raises:
        ValueError: If `train` cannot be called, or a run of this monitor is on its way.

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
            remedy="Hand in the function and its arguments: monitor.start(train, model, loader).",
        )
    refuse_beside_worker(control, "start")
    control.worker = handle = Handle(control, train, args, kwargs)
    return handle


def refuse_beside_worker(control: Control, name: str) -> None:
    """Raise if a worker of a monitor trains: two would step the same optimizer."""
    if control.worker is not None and not control.worker.done():
        raise refusal(
            name,
            expected="no run of it that goes on in a thread",
            got=f"one that is {control.state}, at step {control.step}",
            remedy="End it first: handle.stop(); handle.result().",
        )


class Handle:
    """A training function that runs in a thread of its own."""

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
        work = Surroundings().around(lambda: train(*args, **kwargs))
        begun = threading.Event()
        self._thread = threading.Thread(
            target=contextvars.copy_context().run,
            args=(self._run, work, begun),
            name="torchdial training",
            daemon=True,
        )
        self._thread.start()
        begun.wait()  # so that a stop right away is heard
        _running.add(self)

    def stop(self) -> None:
        """Ask it to end at its next boundary."""
        self._control.request_stop()

    def pause(self) -> None:
        """Ask it to wait at its next boundary."""
        self._control.request_pause()

    def resume(self) -> None:
        """Let it go on."""
        self._control.request_resume()

    def done(self) -> bool:
        """Return whether it has ended, in whatever way."""
        return self._ended.is_set()

    def result(self, timeout: float | None = None) -> Any:
        """Wait for its end; return what it returned, None if a stop cut it off.

        An interrupt ends the waiting, not the run.

        Args:
            timeout: Seconds to wait at most.

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
        while not self._ended.wait(NAP if until is None else min(NAP, until - time.monotonic())):
            self._control.listen()
            if until is not None and time.monotonic() >= until:
                raise TimeoutError(f"The run is still {self._control.state} after {timeout:g} s.")
        return self._exception

    def __repr__(self) -> str:
        return f"<training, {self._control.state} at step {self._control.step}>"

    def _break_off(self) -> None:
        """Raise in the thread, wherever it is."""
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


class Surroundings:
    """What torch keeps for each thread, as it is where this is made."""

    def __init__(self) -> None:
        self._grad = torch.is_grad_enabled()
        self._inference = torch.is_inference_mode_enabled()
        self._cache = torch.is_autocast_cache_enabled()
        self._autocast = {
            kind: torch.get_autocast_dtype(kind)
            for kind in _device_types()
            if torch.is_autocast_enabled(kind)
        }
        self._device = torch.get_default_device()
        started = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
        self._cuda = torch.cuda.current_device() if started else None

    def around(self, work: Callable[[], Any]) -> Callable[[], Any]:
        """Return the work, to be called in another thread with these surroundings."""

        def surrounded() -> Any:
            with self._entered():
                return work()

        return surrounded

    @contextmanager
    def _entered(self) -> Iterator[None]:
        with ExitStack() as stack:
            if self._cuda is not None:
                torch.cuda.set_device(self._cuda)
            if self._device != torch.get_default_device():
                stack.enter_context(self._device)
            stack.enter_context(torch.inference_mode(self._inference))
            stack.enter_context(torch.set_grad_enabled(self._grad))
            for kind, dtype in self._autocast.items():
                stack.enter_context(torch.autocast(kind, dtype, cache_enabled=self._cache))
            yield


def _device_types() -> list[str]:
    known = ["cpu", "cuda", "mps", "xpu"]
    return [kind for kind in known if torch.amp.is_autocast_available(kind)]


_running: WeakSet[Handle] = WeakSet()


@atexit.register
def _end_workers() -> None:
    """Bring workers to an end: a thread that is cut off inside torch can crash the exit.

    Those that come to no boundary are ended between two lines of theirs; nothing reads on what they
    leave half done.
    """
    for end in (Handle.stop, Handle._break_off):
        running = [handle for handle in _running if not handle.done()]
        for handle in running:
            end(handle)
        until = time.monotonic() + GRACE
        for handle in running:
            handle._ended.wait(max(0.0, until - time.monotonic()))
