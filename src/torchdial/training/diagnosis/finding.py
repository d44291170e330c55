"""What a rule found: an event that does not know its time yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, as a rule sees it.

    Attributes:
        step: the step it began at, or was first seen at.
        kind: one word for programs, as in `Event`.
        where: the scalar or parameter it is about, or None.
        message: what is wrong, with numbers, and what to try; without the step.
        evidence: the numbers behind it.
    """

    step: int
    kind: str
    where: str | None
    message: str
    evidence: Mapping[str, float] = field(default_factory=dict)
