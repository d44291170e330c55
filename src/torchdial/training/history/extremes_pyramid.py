"""Lowest, highest and non-finite points in any part of a long row, without a full scan.

Every 32 neighbours share a node, every two nodes one of the level above, and so on. A node knows
the positions of the points that a plot must keep: the lowest and the highest finite value and the
first NaN, infinity and minus infinity. A part of the row is then a few nodes of each level and less
than 64 single points, whatever its length.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from torchdial.training.history.growable_arrays import with_room

Floats = npt.NDArray[np.float64]
Positions = npt.NDArray[Any]  # whole numbers; NOTHING where there is no such point
Take = Callable[[Positions], Floats]

BLOCK = 32  # points under a node of the lowest level
NOTHING = -1
KINDS = 5  # lowest, highest, NaN, infinity, minus infinity
EXTREMES = slice(0, 2)
AT_ONCE = 512  # blocks looked at together: their points, 128 kB, stay in a processor's cache


class Pyramid:
    """The nodes over a row of numbers that grows at its end.

    The row itself stays with its owner: every method is handed `take`, which returns the numbers
    at some positions.
    """

    def __init__(self) -> None:
        self._levels: list[npt.NDArray[np.int32]] = []  # each (KINDS, capacity)
        self._counts: list[int] = []

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return sum(level.nbytes for level in self._levels)

    def grow(self, take: Take, count: int) -> None:
        """Add the nodes that are complete now that the row has `count` numbers."""
        done = self._counts[0] if self._counts else 0
        for start in range(done, count // BLOCK, AT_ONCE):
            stop = min(start + AT_ONCE, count // BLOCK)
            blocks = np.arange(start * BLOCK, stop * BLOCK).reshape(-1, BLOCK)
            self._write(0, start, _stand_out(take(blocks), blocks))
        level = 0
        while level < len(self._counts) and self._counts[level] > 1:
            self._pair(take, level)
            level += 1

    def truncate(self, count: int) -> None:
        """Drop the nodes over any position from `count` on."""
        for level, nodes in enumerate(self._counts):
            self._counts[level] = min(nodes, count // (BLOCK << level))

    def stand_out(self, take: Take, starts: Positions, stops: Positions) -> Positions:
        """Return the positions of the points that stand out in each of some parts of the row.

        Args:
            take: as above; `grow` has been called for all that it has.
            starts: int64 (m,), the first position of each part.
            stops: int64 (m,), the position after its last one, not below the first.

        Returns:
            int64 (5, m): of the lowest, the highest, the first NaN, infinity, minus infinity.
        """
        first, last = -(-starts // BLOCK), stops // BLOCK  # whole nodes
        within = first > last  # not even the edge of a node
        left = self._single(take, starts, np.where(within, stops, np.minimum(first * BLOCK, stops)))
        right = self._single(take, np.where(within, stops, last * BLOCK), stops)
        for nodes in self._levels:
            if not (first < last).any():
                break
            odd = (first < last) & (first % 2 == 1)
            new = nodes.take(first[odd], axis=1)
            left[:, odd] = _better(take, left.compress(odd, axis=1), new)
            first = first + odd
            odd = (first < last) & (last % 2 == 1)
            last = last - odd
            new = nodes.take(last[odd], axis=1)
            right[:, odd] = _better(take, new, right.compress(odd, axis=1))
            first, last = first // 2, last // 2
        return _better(take, left, right)

    def _single(self, take: Take, starts: Positions, stops: Positions) -> Positions:
        """Return the same for parts shorter than a node, point by point."""
        stand_out = np.full((KINDS, len(starts)), NOTHING)
        widths = stops - starts
        by_width = np.argsort(widths)[np.count_nonzero(widths == 0) :]
        for k in range(0, len(by_width), AT_ONCE):
            parts = by_width[k : k + AT_ONCE]
            places = starts[parts, None] + np.arange(widths[parts[-1]])
            # Shorter ones repeat their last point; of equal points the first stands out.
            places = np.minimum(places, stops[parts, None] - 1)
            stand_out[:, parts] = _stand_out(take(places), places)
        return stand_out

    def _pair(self, take: Take, level: int) -> None:
        """Make the nodes above a level's pairs that have none yet."""
        start = self._counts[level + 1] if level + 1 < len(self._counts) else 0
        stop = self._counts[level] // 2
        lower = self._levels[level]
        pairs = lower[:, 2 * start : 2 * stop : 2], lower[:, 2 * start + 1 : 2 * stop : 2]
        self._write(level + 1, start, _better(take, *pairs))

    def _write(self, level: int, start: int, nodes: Positions) -> None:
        if level == len(self._levels):
            self._levels.append(np.empty((KINDS, 0), np.int32))
            self._counts.append(0)
        stop = start + nodes.shape[1]
        self._levels[level] = with_room(self._levels[level], start, stop)
        self._levels[level][:, start:stop] = nodes
        self._counts[level] = stop


def _stand_out(values: Floats, places: Positions) -> Positions:
    """Return of each row of (m, width) the positions that stand out, (KINDS, m)."""
    stand_out = np.full((KINDS, len(places)), NOTHING)
    rows, finite = np.arange(len(places)), np.isfinite(values)
    least = most = values
    if not finite.all():
        least, most = np.where(finite, values, np.inf), np.where(finite, values, -np.inf)
        kinds = np.isnan(values), values == np.inf, values == -np.inf
        for kind, is_kind in enumerate(kinds, 2):
            column = is_kind.argmax(axis=1)
            found = is_kind[rows, column]
            stand_out[kind, found] = places[rows, column][found]
    for kind, column in enumerate((least.argmin(axis=1), most.argmax(axis=1))):
        found = finite[rows, column]
        stand_out[kind, found] = places[rows, column][found]
    return stand_out


def _better(take: Take, one: Positions, other: Positions) -> Positions:
    """Return of two positions the one that stands out more, or the first of equal ones."""
    better = np.where(one == NOTHING, other, one)
    both = (one[EXTREMES] != NOTHING) & (other[EXTREMES] != NOTHING)
    mine, theirs = (take(np.maximum(each[EXTREMES], 0)) for each in (one, other))
    beaten = both & np.stack([theirs[0] < mine[0], theirs[1] > mine[1]])
    np.copyto(better[EXTREMES], other[EXTREMES], where=beaten)
    return better
