"""Running a model between two steps of a training that runs in another thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Protocol, TypeVar
from weakref import WeakSet

Result = TypeVar("Result")


class TrainingRun(Protocol):
    """A training whose steps must not be disturbed."""

    @property
    def is_elsewhere(self) -> bool:
        """Whether it runs now, in another thread than the caller's."""

    def call(self, work: Callable[[], Result]) -> Result:
        """Return what `work` returns, called in the training thread between two steps.

        Raises:
            TimeoutError: No step ended in time.
        """


_lock = threading.Lock()
_runs: WeakSet[TrainingRun] = WeakSet()


def register(run: TrainingRun) -> None:
    """Make `between_steps` respect a training from now on; it is not kept alive."""
    with _lock:
        _runs.add(run)


def between_steps(work: Callable[[], Result]) -> Result:
    """Call `work` while no other thread is inside a training step.

    Evaluating a model sets its modules to eval mode and resets the random state afterwards. A
    training step in another thread, as with `monitor.start`, would run in eval mode and draw the
    same random numbers twice. So `work` is called in the training thread, between two steps.
    Where no other thread trains, it is called at once.

    Args:
        work: Evaluates a model; must not call this function.

    Returns:
        What `work` returns.

    Raises:
        TimeoutError: No training step ended within 2 s.
        Exception: What `work` raises.

    Example:
        >>> between_steps(lambda: 3)
        3
    """
    with _lock:
        runs = [run for run in _runs if run.is_elsewhere]
    for run in sorted(runs, key=id):  # one order for all callers: two cannot wait for each other
        work = partial(run.call, work)
    return work()
