"""What rules find, and which findings are news."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

EPISODE_REST = 200
"""Steps without a finding after which the same finding is news again, at least."""

SPIKE_REST = 20
"""The same for spikes, which are short."""

KINDS_OF_ONE_SCALAR = {"nonfinite_loss", "loss_spike", "divergence", "plateau", "zero_lr"}
"""Kinds that are about one scalar each, so that two scalars are two episodes."""


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, as a rule sees it: an event without its time.

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


class Episodes:
    """Which findings are news: one that lasts is reported once.

    Example:
        >>> episodes = Episodes()
        >>> spike = Finding(812, "loss_spike", "loss", "loss rose")
        >>> episodes.is_news(spike, 812), episodes.is_news(spike, 813)
        (True, False)
    """

    def __init__(self) -> None:
        self._last: dict[tuple[str, str | None], int] = {}

    def is_news(self, finding: Finding, step: int, rest: int = EPISODE_REST) -> bool:
        """Return whether a finding begins an episode, and remember when it was seen.

        Findings about layers are one episode, whichever layer they name.

        Args:
            finding: what was found.
            step: the step it was seen at: its own, or for a lasting state the newest one.
            rest: steps without it that end an episode, spikes excepted.
        """
        key = (finding.kind, finding.where if finding.kind in KINDS_OF_ONE_SCALAR else None)
        last = self._last.get(key)
        self._last[key] = step
        rest = SPIKE_REST if finding.kind == "loss_spike" else rest
        return last is None or step - last > rest
