"""Where a loss began, and the best it has been."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from torchdial.training.diagnosis.robust_statistics import Floats, finite, spread

FIRST = 3
"""Points that say where a loss began: few, for too high a rate ruins it within two or three."""

BLOCK = 20
"""Points whose median is a level: a person would look at as many."""


@dataclass(frozen=True)
class Level:
    """A loss so far.

    Attributes:
        start: median of its first points, or the very first if that is lower.
        best: its lowest median over a block of points.
        noise: spread within that block.
    """

    start: float
    best: float
    noise: float

    @property
    def won(self) -> float:
        """How far the loss has come down; at least 0."""
        return max(0.0, self.start - self.best)


def begun(values: Floats) -> Level | None:
    """Return the level of a loss that has just begun, or None if it has not.

    Args:
        values: its first points.

    Example:
        >>> begun(np.array([2.4, 2.2, 2.3, 0.5]))
        Level(start=2.3, best=2.3, noise=inf)
    """
    first = finite(values)[:FIRST]
    if len(first) < FIRST:
        return None
    start = float(min(first[0], np.median(first)))
    return Level(start, start, float("inf"))


def continued(level: Level, values: Floats) -> Level:
    """Return the level with one more block of points taken in.

    Example:
        >>> continued(Level(2.3, 2.3, float("inf")), np.tile([1.0, 1.2], 10)).best
        1.1
    """
    block = finite(values)[-BLOCK:]
    if len(block) < BLOCK or np.median(block) >= level.best:
        return level
    return Level(level.start, float(np.median(block)), spread(block))
