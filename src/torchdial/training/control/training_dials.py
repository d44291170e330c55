"""Values a person turns while a run goes on: the factor on the learning rates, and others."""

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
        name: What stands beside it; `"lr"` without a setter is the factor on the learning rates.
        value: Where it stands; None if nobody has said so yet.
        min: Its lower end.
        max: Its upper end.
        log: Whether equal ways on the dial are equal ratios.

    Raises:
        ValueError: If the ends are not finite and in order, or not positive on a log dial, or
            the value is outside of them.

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
                remedy="Give the two ends of the dial.",
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
                remedy="Give min= and max= with monitor.dial for a wider one.",
            )
        return number


class Rates:
    """A factor on every learning rate, there only while an optimizer steps.

    A schedule would overwrite a rate that is simply set, or multiply it on and on. So the factor
    goes in right before the step, and right after it every group holds the very object it held.
    """

    def __init__(self) -> None:
        self.factor = 1.0
        self.watched = False
        self._kept: WeakKeyDictionary[Optimizer, list[tuple[dict[str, Any], Any, Any]]]
        self._kept = WeakKeyDictionary()
        self._guarded: WeakSet[Optimizer] = WeakSet()

    def put_in(self, optimizer: Optimizer) -> None:
        """Multiply the factor into every group's rate."""
        if not self.watched:
            return
        self._guard(optimizer)
        self.take_out(optimizer)  # of a step that went wrong where nobody could see it
        if self.factor == 1.0:
            return
        kept = self._kept[optimizer] = []
        for group in optimizer.param_groups:
            rate = group.get("lr")
            if isinstance(rate, torch.Tensor):
                with torch.no_grad():
                    kept.append((group, rate.clone(), rate))
                    rate.mul_(self.factor)
            elif rate is not None:
                used = rate * self.factor
                kept.append((group, rate, used))
                group["lr"] = used

    def take_out(self, optimizer: Optimizer) -> None:
        """Give every group back the rate it had; one that somebody set meanwhile is left alone."""
        for group, rate, used in self._kept.pop(optimizer, ()):
            if group.get("lr") is not used:
                continue
            if isinstance(used, torch.Tensor):
                with torch.no_grad():
                    used.copy_(rate)
            else:
                group["lr"] = rate

    def close(self) -> None:
        """Leave every optimizer as it was found."""
        self.watched = False
        for optimizer in list(self._guarded):
            self.take_out(optimizer)
            guard: Any = vars(optimizer).get("step")
            if getattr(guard, "rates", None) is self:
                del vars(optimizer)["step"]
                vars(optimizer).update(guard.found)
        self._guarded.clear()

    def _guard(self, optimizer: Optimizer) -> None:
        """Take the factor out of a step that raises, too: no hook is called then."""
        if optimizer in self._guarded:
            return
        inner = optimizer.step

        @functools.wraps(inner)
        def step(self_: Optimizer, *args: Any, **kwargs: Any) -> Any:
            try:
                return inner(*args, **kwargs)
            finally:
                self.take_out(self_)

        # A GradScaler asks for the signature of the bound method, which leaves the first out.
        vars(step).update(
            __wrapped__=getattr(inner, "__func__", inner),
            rates=self,
            found={name: vars(optimizer)[name] for name in vars(optimizer).keys() & {"step"}},
        )
        vars(optimizer)["step"] = MethodType(step, optimizer)
        self._guarded.add(optimizer)


@dataclass(frozen=True)
class Turn:
    """A dial that was turned: where from, where to, and the traceback if its setter raised."""

    name: str
    old: float | None
    new: float
    problem: str = ""


class Dials:
    """The dials of a run: turned by anybody, applied where the run says.

    Not locked: `Control` does that.
    """

    def __init__(self) -> None:
        self.rates = Rates()
        self.known: dict[str, Dial] = {}
        self._setters: dict[str, Setter] = {}
        self._asked: dict[str, float] = {}

    def add(self, dial: Dial, setter: Setter | None) -> None:
        """Add a dial, or replace the one of that name."""
        self.known[dial.name] = dial
        self._asked.pop(dial.name, None)
        if setter is None:
            self.rates.watched, self.rates.factor = True, 1.0
        self._setters[dial.name] = setter or self._set_factor

    def ask(self, name: str, value: float) -> None:
        """Note the value that a dial is to have; of several the last counts.

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
        self._asked[name] = self.known[name].accepted(value)

    def asked(self) -> dict[str, float]:
        """Return what was asked for since the last call."""
        asked, self._asked = self._asked, {}
        return asked

    def apply(self, asked: dict[str, float]) -> Iterator[Turn]:
        """Call the setters, in the thread that trains; what one raises is told, not raised."""
        for name, new in asked.items():
            old = self.known[name].value
            try:
                self._setters[name](new)
            except Exception:
                yield Turn(name, old, new, traceback.format_exc())
            else:
                self.known[name] = replace(self.known[name], value=new)
                yield Turn(name, old, new)

    def _set_factor(self, value: float) -> None:
        self.rates.factor = value
