"""One event an episode: what goes on being wrong is said once."""

from __future__ import annotations

from torchdial.training.diagnosis.finding import Finding

REST = 200
"""Steps without a finding after which the same finding is news again, at least."""

SHORT_REST = 20
"""The same for spikes, which are over soon."""

BY_SCALAR = {"nonfinite_loss", "loss_spike", "divergence", "plateau", "zero_lr"}
"""Kinds that are about one scalar each, so that two scalars are two episodes."""


class Episodes:
    """Tells news from what was said before.

    Example:
        >>> episodes = Episodes()
        >>> spike = Finding(812, "loss_spike", "loss", "loss rose")
        >>> episodes.is_news(spike, 812), episodes.is_news(spike, 813)
        (True, False)
    """

    def __init__(self) -> None:
        self._last: dict[tuple[str, str | None], int] = {}

    def is_news(self, finding: Finding, step: int, rest: int = REST) -> bool:
        """Return whether a finding begins an episode, and note that it was seen.

        A layer's findings are one episode whichever layer stands for it at the moment.

        Args:
            finding: what was found.
            step: the step it was seen at: its own, or for a state that lasts the newest one.
            rest: steps without it that end an episode, spikes excepted.
        """
        key = (finding.kind, finding.where if finding.kind in BY_SCALAR else None)
        last = self._last.get(key)
        self._last[key] = step
        rest = SHORT_REST if finding.kind == "loss_spike" else rest
        return last is None or step - last > rest
