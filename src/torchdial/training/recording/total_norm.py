"""The norm of all gradients where several optimizers step."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

Point = tuple[int, float, float]


@dataclass
class TotalNorm:
    """Puts the norms of several optimizers' attempts together.

    There is a total for a step if each optimizer attempted it exactly once and no parameter is
    stepped by two. Whether one is complete is known when the next step begins; after a step that
    was, the next is taken to be complete as soon as each optimizer had its turn.

    Args:
        optimizers: how many there are.

    Example:
        >>> total = TotalNorm(2)
        >>> norms = [(0, 1, 3.0), (1, 1, 4.0), (0, 2, 5.0), (1, 2, 12.0)]
        >>> [total.add(i, step, norm, 0.0) for i, step, norm in norms]
        [[], [], [(1, 5.0, 0.0)], [(2, 13.0, 0.0)]]
    """

    optimizers: int
    _step: int | None = None
    _norms: dict[int, float | None] = field(default_factory=dict)
    _time: float = 0.0
    _is_whole: bool = True  # no optimizer attempted this step twice
    _was_whole: bool = False  # the step before was
    _is_given: bool = False

    def add(self, optimizer: int, step: int, norm: float | None, time: float) -> list[Point]:
        """Add an attempt; return the totals known now, as (step, norm, time).

        Args:
            optimizer: which of them.
            step: the step of the run.
            norm: of its gradients; None if they were not read or the step was skipped.
            time: seconds since the run began.
        """
        found = self.end() if step != self._step else []
        if step != self._step:
            self._was_whole = self._is_whole and len(self._norms) == self.optimizers
            self._step, self._norms, self._is_whole, self._is_given = step, {}, True, False
        self._is_whole = self._is_whole and optimizer not in self._norms
        self._norms[optimizer], self._time = norm, time
        return found + (self.end() if self._was_whole else [])

    def end(self) -> list[Point]:
        """Return the total of the step there is, if it has one that was not returned yet."""
        norms = [norm for norm in self._norms.values() if norm is not None]
        if self._is_given or not self._is_whole or len(norms) < self.optimizers:
            return []
        self._is_given = True
        return [(self._step or 0, norm_of_norms(norms), self._time)]


def norm_of_norms(norms: list[float]) -> float:
    """Return the norm of all from the norms of each; NaN or infinite if one is.

    Example:
        >>> norm_of_norms([3.0, 4.0]), norm_of_norms([1.0, math.inf])
        (5.0, inf)
    """
    if any(math.isnan(norm) for norm in norms):
        return math.nan
    return math.hypot(*norms)
