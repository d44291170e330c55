"""Values a person turns while a run goes on: the factor on the learning rates, and others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Setter = Callable[[float], object]


@dataclass(frozen=True)
class Dial:
    """What a panel shows of one dial.

    Attributes:
        name: What stands beside it; `"lr"` without a setter is the factor on the learning rates.
        value: Where it stands; None if nobody has said so yet.
        min: Its lower end.
        max: Its upper end.
        log: Whether equal ways on the dial are equal ratios.
    """

    name: str
    value: float | None
    min: float
    max: float
    log: bool = False
