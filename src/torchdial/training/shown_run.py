"""A run among those that a plot shows."""

from __future__ import annotations

from dataclasses import dataclass

from torchdial.training.history.history import History


@dataclass(frozen=True)
class ShownRun:
    """A run as it is shown.

    Attributes:
        history: what was recorded.
        name: what it is called here.
        earlier: whether it is shown only once it is chosen.
    """

    history: History
    name: str
    earlier: bool = False
