"""`monitor.start(train)`: training in a thread of its own, so that the notebook stays free."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torchdial.training.control import Control


class Handle:
    """A training function that runs in a thread of its own."""

    def stop(self) -> None:
        """Ask it to end at its next boundary."""

    def pause(self) -> None:
        """Ask it to wait at its next boundary."""

    def resume(self) -> None:
        """Let it go on."""

    def done(self) -> bool:
        """Return whether it has ended, in whatever way."""
        return False

    def result(self, timeout: float | None = None) -> Any:
        """Wait for its end; return what it returned, or raise what it raised."""

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Wait for its end; return what it raised, or None."""
        raise NotImplementedError(timeout)


def start(control: Control, train: Callable[..., Any], *args: Any, **kwargs: Any) -> Handle:
    """Run `train(*args, **kwargs)` in a thread of its own."""
    raise NotImplementedError
