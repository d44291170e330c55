"""Events of a run: a kind, a place, a message and the numbers behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Event:
    """Something that happened at a step.

    Attributes:
        step: the step it happened at.
        kind: one word for programs, such as "nonfinite_loss" or "dial".
        where: the scalar, parameter or dial it happened to, or None.
        message: one sentence to show.
        evidence: the numbers behind it, by name.
        time: seconds since the run began.

    Example:
        >>> Event(812, "loss_spike", "loss", "loss rose 9× its recent spread", {"ratio": 9.0}).kind
        'loss_spike'
    """

    step: int
    kind: str
    where: str | None
    message: str
    evidence: Mapping[str, float] = field(default_factory=dict)
    time: float = 0.0
