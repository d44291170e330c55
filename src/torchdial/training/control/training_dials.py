"""Values that are changed while a run goes on: the factor on the learning rates, and others."""

from __future__ import annotations

import functools
import math
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from types import MethodType
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

import torch
from torch.optim import Optimizer

from torchdial.inputs.errors import describe, refusal

Setter = Callable[[float], object]

LEARNING_RATE = "lr"


@dataclass(frozen=True)
class Dial:
    """What a panel shows of one dial.

    Attributes:
        name: Its label; `"lr"` without a setter is the factor on the learning rates.
        value: Its current value; None if it is not known.
        min: Its smallest value.
        max: Its largest value.
        log: Whether its scale is logarithmic.

    Raises:
        ValueError: If `min` and `max` are not finite and in order, or not positive on a log
            scale, or the value is outside of them.

    Example:
        >>> Dial("lr", value=1.0, min=0.01, max=100, log=True).accepted(0.5)
        0.5
    """

    name: str
    value: float | None
    min: float
    max: float
    log: bool = False

    def __post_init__(self) -> None:
        ends_fit = math.isfinite(self.min) and math.isfinite(self.max) and self.min < self.max
        if not ends_fit or (self.log and self.min <= 0):
            raise refusal(
                f"dial {self.name!r}",
                expected="min < max" + (", both above 0, with log=True" if self.log else ""),
                got=f"min={self.min:g}, max={self.max:g}",
                remedy="Pass min= and max= of the dial.",
            )
        if self.value is not None:
            self.accepted(self.value)

    def accepted(self, value: float) -> float:
        """Return the value as a float if it is on the dial.

        Raises:
            ValueError: If it is not.
        """
        number = float(value)
        if not self.min <= number <= self.max:
            raise refusal(
                f"dial {self.name!r}",
                expected=f"a value from {self.min:g} to {self.max:g}",
                got=describe(value),
                remedy="Add the dial again with a wider min= and max=: monitor.dial(…).",
            )
        return number


class LearningRateFactor:
    """A factor on every learning rate, applied only while an optimizer steps.

    A schedule would overwrite a rate that was set for good, or multiply it again and again. So the
    factor is applied right before the step, and right after it every group holds the very object
    that it held before.
    """

    def __init__(self) -> None:
        self.value = 1.0
        self.is_used = False
        self._kept: WeakKeyDictionary[Optimizer, list[tuple[dict[str, Any], Any, Any]]]
        self._kept = WeakKeyDictionary()
        self._guarded: WeakSet[Optimizer] = WeakSet()

    def apply(self, optimizer: Optimizer) -> None:
        """Multiply every group's rate by the factor."""
        if not self.is_used:
            return
        self._guard(optimizer)
        self.restore(optimizer)  # after a step that raised, for which no hook is called
        if self.value == 1.0:
            return
        kept = self._kept[optimizer] = []
        for group in optimizer.param_groups:
            rate = group.get("lr")
            if isinstance(rate, torch.Tensor):
                with torch.no_grad():
                    kept.append((group, rate.clone(), rate))
                    rate.mul_(self.value)
            elif rate is not None:
                used = rate * self.value
                kept.append((group, rate, used))
                group["lr"] = used

    def restore(self, optimizer: Optimizer) -> None:
        """Restore every group's rate, unless it was set to another value meanwhile."""
        for group, rate, used in self._kept.pop(optimizer, ()):
            if group.get("lr") is not used:
                continue
            if isinstance(used, torch.Tensor):
                with torch.no_grad():
                    used.copy_(rate)
            else:
                group["lr"] = rate

    def close(self) -> None:
        """Restore every optimizer."""
        self.is_used = False
        for optimizer in list(self._guarded):
            self.restore(optimizer)
            guard: Any = vars(optimizer).get("step")
            if getattr(guard, "factor", None) is self:
                del vars(optimizer)["step"]
                vars(optimizer).update(guard.found)
        self._guarded.clear()

    def _guard(self, optimizer: Optimizer) -> None:
        """Restore the rates after a step that raises, too: no hook is called then."""
        if optimizer in self._guarded:
            return
        inner = optimizer.step

        @functools.wraps(inner)
        def step(self_: Optimizer, *args: Any, **kwargs: Any) -> Any:
            try:
                return inner(*args, **kwargs)
            finally:
                self.restore(self_)

        # A GradScaler asks for the signature of the bound method, which leaves the first out.
        vars(step).update(
            __wrapped__=getattr(inner, "__func__", inner),
            factor=self,
            found={name: vars(optimizer)[name] for name in vars(optimizer).keys() & {"step"}},
        )
        vars(optimizer)["step"] = MethodType(step, optimizer)
        self._guarded.add(optimizer)


@dataclass(frozen=True)
class DialChange:
    """A change of a dial: its old and new value, and the traceback if its setter raised."""

    name: str
    old: float | None
    new: float
    problem: str = ""


class Dials:
    """The dials of a run; changes are requested first and applied at a step boundary.

    Not thread-safe: `Control` holds a lock.
    """

    def __init__(self) -> None:
        self.factor = LearningRateFactor()
        self.known: dict[str, Dial] = {}
        self._setters: dict[str, Setter] = {}
        self._requested: dict[str, float] = {}

    def add(self, dial: Dial, setter: Setter | None) -> None:
        """Add a dial, or replace the one of that name."""
        self.known[dial.name] = dial
        self._requested.pop(dial.name, None)
        if setter is None:
            self.factor.is_used, self.factor.value = True, 1.0
        self._setters[dial.name] = setter or self._set_factor

    def request(self, name: str, value: float) -> None:
        """Store the value that a dial is to have; of several the last counts.

        Raises:
            ValueError: If there is no such dial, or the value is outside of it.
        """
        if name not in self.known:
            raise refusal(
                "name",
                expected=f"one of the dials {sorted(self.known)}",
                got=describe(name),
                remedy="Add it first: monitor.dial(name, setter, min, max).",
            )
        self._requested[name] = self.known[name].accepted(value)

    def take_requested(self) -> dict[str, float]:
        """Return the values requested since the last call."""
        requested, self._requested = self._requested, {}
        return requested

    def apply(self, requested: dict[str, float]) -> Iterator[DialChange]:
        """Call the setters, in the training thread; what one raises is yielded, not raised."""
        for name, new in requested.items():
            old = self.known[name].value
            try:
                self._setters[name](new)
            except Exception:
                yield DialChange(name, old, new, traceback.format_exc())
            else:
                self.known[name] = replace(self.known[name], value=new)
                yield DialChange(name, old, new)

    def _set_factor(self, value: float) -> None:
        self.factor.value = value
