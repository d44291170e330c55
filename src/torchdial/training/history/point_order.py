"""The points of a series in the order of x, also where x goes back."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from torchdial.training.history.downsampling import Row, bisect
from torchdial.training.history.extremes_pyramid import Pyramid
from torchdial.training.history.growable_arrays import with_room

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Xs = npt.NDArray[Any]


class Order:
    """Which point is where along x; equal ones stay in their order of arrival.

    While x only rises this costs nothing: points are where they arrived. From the first picture
    after one went back on, their numbers are kept sorted, in 4 bytes a point and a pyramid.
    """

    def __init__(self) -> None:
        self._rising = True
        self._count = 0  # how many points were looked at, or sorted
        self._sorted: npt.NDArray[np.int32] = np.empty(0, np.int32)
        self._pyramid = Pyramid()

    def watch(self, x: Xs) -> None:
        """Look whether one of the points that are new goes back."""
        if self._rising:
            new = x[max(0, self._count - 1) :]
            self._rising = bool((new[1:] >= new[:-1]).all())
            self._count = len(x) if self._rising else 0

    def row(self, x: Xs, values: Floats, by_arrival: Pyramid) -> Row:
        """Return the points in the order of x; all of them have been watched.

        Args:
            x: (n,), in order of arrival.
            values: float64 (n,), in order of arrival.
            by_arrival: the pyramid over the values in order of arrival.
        """
        if self._rising:
            return Row(len(x), lambda place: place, x.take, values.take, by_arrival)
        if self._count < len(x):
            self._sort(x, values)
        return Row(
            len(x),
            lambda place: self._sorted[place].astype(np.int64),
            lambda place: x[self._sorted[place]],
            lambda place: values[self._sorted[place]],
            self._pyramid,
        )

    def _sort(self, x: Xs, values: Floats) -> None:
        """Put the new points into their places, and what comes after them into new ones."""
        old, new = self._count, np.arange(self._count, len(x), dtype=np.int32)
        least = x[new].min()
        place = int(bisect(lambda place: x[self._sorted[place]] <= least, keys=1, count=old)[0])
        moved = np.concatenate([self._sorted[place:old], new])
        self._sorted = with_room(self._sorted, old, len(x))
        self._sorted[place : len(x)] = moved[np.argsort(x[moved], kind="stable")]
        self._pyramid.truncate(place)
        self._pyramid.grow(lambda places: values[self._sorted[places]], len(x))
        self._count = len(x)
