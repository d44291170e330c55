"""Values that are changed while a run goes on: the factor on the learning rates, and others."""

from __future__ import annotations

import functools
import math
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from types import MethodType
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

import torch
from torch.optim import Optimizer

from torchdial.inputs.errors import describe, refusal

Setter = Callable[[float], object]

RATE_DIAL = "lr"


@dataclass(frozen=True)
class Dial:
    """What a panel shows of one dial.

    Attributes:
        name: Its label.
        value: Its current value; None if it is not known.
        min: Its smallest value.
        max: Its largest value.
        log: Whether its scale is logarithmic.
        is_factor: Whether it is the factor on the learning rates, and not a user's own value.

    Raises:
        ValueError: If `min` and `max` are not finite and in order, or not positive on a log
            scale, or the value is outside of them.

    Example:
        >>> Dial("dropout", value=0.1, min=0.0, max=0.5).accepted(0.5)
        0.5
    """

    name: str
    value: float | None
    min: float
    max: float
    log: bool = False
    is_factor: bool = False

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

    def scheduled(self) -> list[float]:
        """Return the different rates of the optimizers seen so far, without the factor."""
        groups = [group for optimizer in self._guarded for group in optimizer.param_groups]
        return sorted({float(group["lr"]) for group in groups if group.get("lr") is not None})

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
    """A change of a dial.

    Attributes:
        dial: The dial before it.
        new: The new value.
        rates: Of the factor on the learning rates: the rates without it.
        problem: The traceback if the setter raised.
    """

    dial: Dial
    new: float
    rates: Sequence[float] = ()
    problem: str = ""

    @property
    def words(self) -> str:
        """What was changed from what to what.

        Example:
            >>> factor = Dial("lr", 1.0, 0.01, 100, is_factor=True)
            >>> DialChange(factor, 50.0, rates=[0.024]).words
            'learning rate × 50: 0.024 → 1.2'
            >>> DialChange(Dial("dropout", 0.5, 0, 1), 0.25).words
            'dropout: 0.5 → 0.25'
        """
        name, old = self.dial.name, self.dial.value
        if self.problem:
            return f"{name} could not be set to {self.new:g}: its setter raised an error"
        if not self.dial.is_factor or old is None:
            return (
                f"{name} set to {self.new:g}" if old is None else f"{name}: {old:g} → {self.new:g}"
            )
        factor = f"× {self.new:g}" if old == 1 else f"× {old:g} → × {self.new:g}"
        if not self.rates:
            return f"learning rate {factor}"
        before, after = (_range([rate * by for rate in self.rates]) for by in (old, self.new))
        return f"learning rate {factor}: {before} → {after}"


def _range(values: Sequence[float]) -> str:
    ends = dict.fromkeys(f"{value:.3g}" for value in (values[0], values[-1]))
    return " … ".join(ends)


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
        if dial.is_factor:
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
            dial = self.known[name]
            try:
                self._setters[name](new)
            except Exception:
                yield DialChange(dial, new, problem=traceback.format_exc())
            else:
                self.known[name] = replace(dial, value=new)
                yield DialChange(dial, new, self.factor.scheduled() if dial.is_factor else ())

    def _set_factor(self, value: float) -> None:
        self.factor.value = value
