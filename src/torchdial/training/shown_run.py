"""A run among those that a plot shows."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

from torchdial.training.history.history import History


@dataclass(frozen=True)
class ShownRun:
    """A run as it is shown.

    Attributes:
        history: what was recorded.
        name: what it is called here.
        earlier: whether it is shown only once it is chosen.
        id: a number that no other shown run has; pages know the run by it.
    """

    history: History
    name: str
    earlier: bool = False
    id: int = field(default_factory=itertools.count().__next__)
