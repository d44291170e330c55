"""Requests to a run: stored under a lock by any thread, executed by `Control`."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Literal

from torchdial.inputs.arguments import of_kind
from torchdial.inputs.errors import describe, refusal
from torchdial.inputs.numbers import to_number
from torchdial.training.control.training_dials import RATE_DIAL, Dial, Dials, Setter

DIAL_REMEDY = "Pass min, max and value as numbers."
State = Literal["idle", "running", "paused", "stopping", "finished", "failed"]


class Requests:
    """The part of `Control` that stores requests; its base class.

    Attributes:
        version: Increases with each change of what is shown.
        on_change: Called after each such change, from any thread, but not for an interrupt.
    """

    def __init__(self, step: Callable[[], int]) -> None:
        self.version = 0
        self.on_change: Callable[[], object] | None = None
        self._step = step
        self._changed = threading.Condition()
        self._state: State = "idle"
        self._stop = self._pause = self._asked = self._interrupted = False
        self._asked_at = (0, 0.0)
        self._dials = Dials()

    @property
    def step(self) -> int:
        """The number of the monitor's completed steps."""
        return self._step()

    @property
    def state(self) -> State:
        """The run's state; an interrupted run is "stopping"."""
        runs = self._state in ("running", "paused")
        return "stopping" if self._interrupted and runs else self._state

    @property
    def is_to_stop(self) -> bool:
        """Whether a stop was requested, by a person or an interrupt."""
        return self._stop or self._interrupted

    @property
    def dials(self) -> Mapping[str, Dial]:
        """The dials by name, in the order they were added."""
        with self._changed:
            return dict(self._dials.known)

    def dial(
        self,
        name: str,
        setter: Setter | None = None,
        min: float = 0.0,
        max: float = 1.0,
        log: bool = False,
        value: float | None = None,
    ) -> None:
        """Add a dial, or replace the one of that name.

        Args:
            name: Its label.
            setter: Called with each new value, in the training thread, between two steps. Without
                one the dial must be `"lr"`: a factor on every group's learning rate, there only
                while the optimizer steps, so that schedules and ratios stay as they are.
            min: Its smallest value.
            max: Its largest value.
            log: Whether its scale is logarithmic; both `min` and `max` must be above 0.
            value: Its current value, for a dial with a setter.

        Raises:
            ValueError: If `min`, `max` or `value` do not fit, or a setter is missing.
        """
        of_kind("name", name, str, expected="text", remedy='Pass for example "lr".')
        least = to_number("min", min, remedy=DIAL_REMEDY)
        most = to_number("max", max, remedy=DIAL_REMEDY)
        value = None if value is None else to_number("value", value, remedy=DIAL_REMEDY)
        if setter is not None and not callable(setter):
            raise refusal(
                "setter",
                expected="a function of the new value",
                got=describe(setter),
                remedy="Pass for example lambda value: print(value).",
            )
        if setter is None and name != RATE_DIAL:
            raise refusal(
                "setter",
                expected=f"a callable for the dial {name!r}",
                got="None",
                remedy="Pass a function that sets the value; only 'lr' needs none.",
            )
        with self._changed:
            is_factor = setter is None
            start = 1.0 if is_factor else value
            self._dials.add(Dial(name, start, least, most, log, is_factor), setter)
            self._note_change()

    def request_stop(self) -> None:
        """Request that the run ends at its next boundary; does nothing if nothing runs."""
        with self._changed:
            if self._state in ("running", "paused"):
                self._stop = True
                self._become("stopping")
                self._ask()

    def request_pause(self) -> None:
        """Request that the run pauses at its next boundary; does nothing if nothing runs."""
        with self._changed:
            if self._state == "running":
                self._pause = True
                self._ask()

    def request_resume(self) -> None:
        """End a pause, or withdraw the request for one."""
        with self._changed:
            self._pause = False
            self._ask()

    def set_dial(self, name: str, value: float) -> None:
        """Request a dial's value from the next boundary on.

        Raises:
            ValueError: If there is no such dial, or the value is outside of it.
        """
        with self._changed:
            self._dials.request(name, value)
            self._ask()

    def _ask(self) -> None:
        if not self._asked:
            self._asked_at = self.step, time.monotonic()
        self._asked = True
        self._changed.notify_all()

    def _become(self, state: State) -> None:
        self._state = state
        self._note_change()

    def _note_change(self) -> None:
        self.version += 1
        if self.on_change is not None:
            self.on_change()

    def _forget(self) -> None:
        self._stop = self._pause = self._interrupted = False
