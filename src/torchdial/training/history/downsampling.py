"""Down-sampling for plots: of each bucket the lowest, the highest and the non-finite points."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from torchdial.training.history.extremes_pyramid import NOTHING, Pyramid, Take

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class DownsampledSeries:
    """The points that are drawn of a window of a series.

    Attributes:
        x: float64 (m,), steps, seconds or numbers of arrival, never falling.
        y: float64 (m,), NaN and infinity as they were recorded.
        index: int64 (m,), which points of the series these are, in order of arrival.
        complete: whether no point of the window was left out.
    """

    x: Floats
    y: Floats
    index: Ints
    complete: bool


@dataclass(frozen=True)
class Row:
    """The points of a series in the order of x: what is at each of the places 0 … count − 1.

    Attributes:
        count: how many points there are.
        points: places → numbers of the points, in order of arrival.
        x: places → x, never falling.
        y: places → values.
        pyramid: over the values in this order, grown up to `count`.
    """

    count: int
    points: Callable[[Ints], Ints]
    x: Callable[[Ints], npt.NDArray[Any]]
    y: Take
    pyramid: Pyramid


def draw(row: Row, buckets: int, start: float | None, stop: float | None) -> DownsampledSeries:
    """Return the points to draw of a window; see `Series.picture`.

    It looks at some 100 points and some 20 nodes a bucket, whatever the number of points.
    """
    if not row.count:
        return DownsampledSeries(np.empty(0), np.empty(0), np.empty(0, np.int64), complete=True)
    lowest, highest = row.x(np.array([0, row.count - 1])).astype(np.float64)
    low = lowest if start is None else max(start, lowest)
    high = highest if stop is None else min(stop, highest)
    first = 0 if start is None else _places(row, np.array([low]))[0]
    after = row.count if stop is None else _places(row, np.array([high]), after=True)[0]
    after = max(first, after)
    around = max(first - 1, 0), min(after + 1, row.count)
    if after - first <= 2 * buckets:
        return _picture(row, np.arange(*around), complete=True)
    cuts = np.empty(buckets + 1, np.int64)
    cuts[0], cuts[-1] = first, after
    cuts[1:-1] = _places(row, np.linspace(low, high, buckets + 1)[1:-1]).clip(first, after)
    found = row.pyramid.stand_out(row.y, cuts[:-1], cuts[1:])
    neighbours = {around[0], around[1] - 1} - {first, after - 1}
    places = np.unique(np.append(found[found != NOTHING], sorted(neighbours)).astype(np.int64))
    return _picture(row, places, complete=False)


def _picture(row: Row, places: Ints, complete: bool) -> DownsampledSeries:
    x = row.x(places).astype(np.float64)
    return DownsampledSeries(x, row.y(places), row.points(places), complete)


def _places(row: Row, keys: Floats, after: bool = False) -> Ints:
    """Return the first places with x not below the keys, or, if `after`, above them."""

    def is_before(places: Ints) -> Any:
        x = row.x(places)
        return x <= keys if after else x < keys

    return bisect(is_before, len(keys), row.count)


def bisect(is_before: Callable[[Ints], Any], keys: int, count: int) -> Ints:
    """Return for each of some keys the first place 0 … count that is not before it.

    Args:
        is_before: whether the numbers at places, int64 (keys,), are before their keys; True at
            all places up to some, False from there on.
        keys: how many.
        count: how many places there are.

    Example:
        >>> bisect(lambda place: place * place < np.array([0, 10, 50]), keys=3, count=6)
        array([0, 4, 6])
    """
    places = np.zeros(keys, np.int64)
    for step in (1 << bit for bit in reversed(range(count.bit_length()))):
        beyond = places + step
        before = (beyond <= count) & is_before(np.minimum(beyond, count) - 1)
        places = np.where(before, beyond, places)
    return places
