"""What a person asks of a run, and when the run does it: at the boundary between two steps.

Requests come from any thread and are only noted down, under a lock. The training thread reads them
at a boundary and does what they ask, so nobody else ever touches the model, the optimizer or the
random numbers.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from torch.optim import Optimizer

from torchdial.training.dials import Dial, Setter

State = Literal["idle", "running", "paused", "stopping", "finished", "failed"]


class StopTraining(Exception):  # noqa: N818 - as StopIteration, it is no error
    """A run was asked to stop and could not be left more gently than by raising."""


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


class Control:
    """Stop, pause, resume and dials of one monitor.

    Args:
        step: Says the monitor's completed steps; read in the training thread.

    Attributes:
        state: What the run is doing, for the panel.
        error: The traceback of a run that failed, else empty.
        progress: How far a `loop` is; None outside one.
        dials: The dials by name.
        reach: What a person should know about which controls are heard at this moment; empty if
            all are.
        version: Grows with each change of the above.
        on_event: Told what was done ("stop", "pause", "resume", "dial"), in the training thread.
        on_wait: Told the seconds that one step waited for its batch, in the training thread.
        on_problem: Told the traceback of an error that was kept from the loop.
    """

    def __init__(self, step: Callable[[], int] = lambda: 0) -> None:
        self._step = step
        self._lock = threading.RLock()
        self.state: State = "idle"
        self.error = ""
        self.progress: Progress | None = None
        self.version = 0
        self.on_event: Callable[[Any], object] | None = None
        self.on_wait: Callable[[float], object] | None = None
        self.on_problem: Callable[[str], object] | None = None
        self._dials: dict[str, Dial] = {}

    @property
    def dials(self) -> Mapping[str, Dial]:
        """The dials by name, in the order they were made."""
        with self._lock:
            return dict(self._dials)

    @property
    def reach(self) -> str:
        """What to know about the controls in this place and moment; empty if all are heard."""
        return ""

    def request_stop(self) -> None:
        """Ask the run to end at its next boundary. Safe from any thread."""

    def request_pause(self) -> None:
        """Ask the run to wait at its next boundary. Safe from any thread."""

    def request_resume(self) -> None:
        """Let a run that waits go on. Safe from any thread."""

    def set_dial(self, name: str, value: float) -> None:
        """Ask for a dial's value from the next boundary on. Safe from any thread.

        Raises:
            ValueError: If there is no such dial, or the value is outside of it.
        """

    def dial(
        self,
        name: str,
        setter: Setter | None = None,
        min: float = 0.0,
        max: float = 1.0,
        log: bool = False,
        value: float | None = None,
    ) -> None:
        """Add a dial; `"lr"` without a setter is a factor on every group's learning rate."""
        if setter is None:
            value = 1.0
        with self._lock:
            self._dials[name] = Dial(name, value, min, max, log)
            self.version += 1

    def before_step(self, optimizer: Optimizer) -> None:
        """To be called right before each step of each optimizer: the rates take their factor."""

    def after_step(self, optimizer: Optimizer) -> None:
        """To be called right after each step of each optimizer: the rates are as they were."""

    def boundary(self) -> None:
        """To be called where a step is over and recorded: does what was asked for.

        Call it at the end of `monitor.log`, not from an optimizer's hook: a GradScaler and a
        schedule still have to act after the optimizer's step. A loop that never logs is served
        by `after_step`, one step later.

        Raises:
            StopTraining: If a stop was asked for and no `loop` is there to end gently.
        """
