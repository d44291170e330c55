"""Layers × steps in bounded memory: neighbouring columns merge by powers of two."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from torchdial.training.history.growable_arrays import with_room
from torchdial.training.history.layer_rows import Rows, refuse_other_shape

Floats32 = npt.NDArray[np.float32]
Counts = npt.NDArray[np.int32]
Ints = npt.NDArray[np.int64]

CELLS = 2**19  # of 20 bytes; more only where the fewest columns need it
FEWEST, MOST, FIRST = 128, 1024, 64
# The parts of a cell, and their values before the first sample.
PARTS: dict[str, tuple[str, float]] = {
    "max": ("f4", -np.inf),
    "sum": ("f8", 0),
    "finite": ("i4", 0),
    "count": ("i4", 0),
}
Cells = dict[str, npt.NDArray[Any]]  # each (columns, L)


class LayerMatrix:
    """One number a layer at each of many steps.

    A column stands for `stride` samples, in order of arrival (the last one for fewer). When there
    is no room for another, each two become one and the stride doubles: there are 64 to 1,024
    columns then, the fewer the more layers. NaN and infinity survive in `max`; the mean is that
    of the finite values. A layer has no value in a column (`count` 0, `max` and `mean` NaN) where
    it was not there yet or was left out.

    Args:
        names: the layers, in the order of the network.
        lock: taken by every method; a history passes its own.

    Attributes:
        stride: samples a column. Where it or the names change, all columns do; else only the last
            one and those that are new.
        version: grows with each change.

    Example:
        >>> matrix = LayerMatrix(["conv", "head"])
        >>> matrix.append(1, [0.5, 2.0])
        >>> matrix.append(2, [0.25, float("inf")])
        >>> matrix.max
        array([[0.5 , 0.25],
               [2.  ,  inf]], dtype=float32)
        >>> matrix.mean[1]
        array([ 2., nan], dtype=float32)
    """

    def __init__(self, names: Sequence[str], lock: Any = None) -> None:
        self._rows = Rows(names)
        self.stride = 1
        self.version = 0
        self._lock = lock or threading.RLock()
        self._count = 0  # columns
        self._filled = 0  # samples in the last of them
        self._newest: tuple[int | None, Ints | None] = None, None  # its step and rows; None: all
        self._steps: Ints = np.empty(0, np.int64)
        self._cells = _empty(0, len(self.names))

    def __len__(self) -> int:
        return self._count

    @property
    def names(self) -> list[str]:
        """The layers, in the order of the network."""
        return self._rows.names

    def find(self, names: Sequence[str]) -> Ints | None:
        """Return the rows of some layers, added where they are new; None if all, in order."""
        with self._lock:
            self.add(names)
            return self._rows.find(names)

    def __repr__(self) -> str:
        return f"LayerMatrix({len(self.names):,} layers × {len(self):,} columns)"

    @property
    def steps(self) -> Ints:
        """The first step of each column, int64 (K,)."""
        with self._lock:
            return np.array(self._steps[: self._count])

    def last(self, k: int, until: int | None = None) -> tuple[Ints, Floats32, Floats32, Counts]:
        """Return steps (k,), max, mean and count (L, k) of the newest k columns, or fewer.

        Args:
            k: how many, at most.
            until: the last step at which one may begin; None is any.
        """
        with self._lock:
            stop = self._count
            if until is not None:
                stop = int(np.searchsorted(self._steps[:stop], until, side="right"))
            new = slice(max(stop - k, 0), stop)
            return self._steps[new].copy(), self._max(new), self._mean(new), self._counts(new)

    @property
    def max(self) -> Floats32:
        """The highest value of each layer in each column, float32 (L, K); NaN if one was NaN."""
        with self._lock:
            return self._max(slice(self._count))

    @property
    def mean(self) -> Floats32:
        """The mean of the finite values, float32 (L, K); NaN where there were none."""
        with self._lock:
            return self._mean(slice(self._count))

    @property
    def count(self) -> Counts:
        """The number of values, finite or not, int32 (L, K)."""
        with self._lock:
            return self._counts(slice(self._count))

    def shift(self, by: int) -> None:
        """Add a number to the step of every column."""
        with self._lock:
            self._steps = self._steps + by
            self._newest = None, None
            self.version += 1

    def add(self, names: Sequence[str]) -> None:
        """Add rows for the names that are new, each behind the one it follows here."""
        with self._lock:
            rows = self._rows.add(names)
            if rows is None:
                return
            cells = _empty(len(self._cells["max"]), len(self.names))
            for part, array in cells.items():
                array[:, rows] = self._cells[part]
            self._cells = cells
            self._newest = None, None
            while self._count > self._most:
                self._merge()
            self.version += 1

    def append(self, step: int, values: npt.ArrayLike, rows: Ints | None = None) -> None:
        """Add one sample, or layers that the newest sample lacks if it is of this step.

        Args:
            step: any whole number.
            values: numbers, one a layer, or one for each of `rows`.
            rows: which layers have a value; None is all of them.

        Raises:
            ValueError: there are more or fewer values than layers.
        """
        with self._lock:
            sample = np.asarray(values, np.float32)
            refuse_other_shape(sample.shape, (len(self.names) if rows is None else len(rows),))
            joins = self._joins_newest(step, rows)
            if not joins and (self._filled == self.stride or not self._count):
                self._open(step)
            finite = np.isfinite(sample)
            places = (self._count - 1, slice(None) if rows is None else rows)
            highest = self._cells["max"]
            highest[places] = np.maximum(highest[places], sample)  # NaN if one of them is
            self._cells["sum"][places] += np.where(finite, sample, 0)
            self._cells["finite"][places] += finite
            self._cells["count"][places] += 1
            self._filled += not joins
            known = self._newest[1] if joins else None
            joined = rows if rows is None or known is None else np.concatenate([known, rows])
            self._newest = step, joined
            self.version += 1

    def take(self, mark: Any) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]], Any]:
        """Return a note and the columns that changed since a mark (None: all), and a new mark."""
        with self._lock:
            mine = (len(self.names), self.stride)
            start = mark[1] - 1 if mark and mark[0] == mine else 0
            names = None if start else list(self.names)
            note = {"names": names, "stride": self.stride, "filled": self._filled, "start": start}
            new = slice(start, self._count)
            parts = {part: array[new].copy() for part, array in self._cells.items()}
            return note, parts | {"steps": self._steps[new].copy()}, (mine, self._count)

    def put(self, note: Mapping[str, Any], parts: Mapping[str, npt.NDArray[Any]]) -> None:
        """Write columns that `take` returned.

        Raises:
            ValueError, LookupError, TypeError: they do not go together.
        """
        with self._lock:
            if note["names"] is not None:
                self._rows = Rows([str(name) for name in note["names"]])
                self._count, self._cells = 0, _empty(0, len(self.names))
            start, new = int(note["start"]), len(parts["steps"])
            if not 0 <= start <= self._count or parts["steps"].shape != (new,):
                raise ValueError(f"columns {start} … {start + new} behind {self._count}")
            self._steps = np.concatenate([self._steps[:start], parts["steps"]])
            for part, array in self._cells.items():
                refuse_other_shape(parts[part].shape, (new, len(self.names)))
                self._cells[part] = np.concatenate([array[:start], parts[part]], dtype=array.dtype)
            self._count = start + new
            self.stride, self._filled = int(note["stride"]), int(note["filled"])
            if not 0 <= self._filled <= self.stride:
                raise ValueError(f"{self._filled} samples in a column of {self.stride}")
            self.version += 1

    @property
    def _most(self) -> int:
        """The number of columns that fit, a power of two."""
        return min(max(1 << (CELLS // max(1, len(self.names))).bit_length() - 1, FEWEST), MOST)

    def _joins_newest(self, step: int, rows: Ints | None) -> bool:
        """Return whether a sample of some rows belongs to the newest one, which lacks them."""
        last, known = self._newest
        if last != step or rows is None or known is None:
            return False
        return not bool(np.isin(rows, known).any())

    def _open(self, step: int) -> None:
        """Begin a column."""
        if self._count >= self._most:
            self._merge()
        k = self._count
        self._steps = with_room(self._steps, k, k + 1)
        if k == len(self._cells["max"]):
            self._cells = _joined(
                self._cells, _empty(min(max(k, FIRST), self._most), len(self.names))
            )
        self._steps[k], self._count, self._filled = step, k + 1, 0

    def _merge(self) -> None:
        """Merge columns in pairs; a last one without a neighbour stays, half filled."""
        pairs, alone = divmod(self._count, 2)
        first, second = slice(0, 2 * pairs, 2), slice(1, 2 * pairs, 2)
        last = slice(2 * pairs, self._count)
        self._steps = np.concatenate([self._steps[first], self._steps[last]])
        cells = {
            part: (np.maximum if part == "max" else np.add)(array[first], array[second])
            for part, array in self._cells.items()
        }
        self._cells = _joined(cells, {part: array[last] for part, array in self._cells.items()})
        self._filled += 0 if alone else self.stride
        self._count = pairs + alone
        self.stride *= 2

    def _max(self, columns: slice) -> Floats32:
        highest, count = (self._cells[part][columns].T for part in ("max", "count"))
        return np.asarray(np.where(count > 0, highest, np.float32(np.nan)), order="C")

    def _mean(self, columns: slice) -> Floats32:
        total, finite = (self._cells[part][columns].T for part in ("sum", "finite"))
        with np.errstate(invalid="ignore"):  # 0 / 0 where nothing finite came
            return np.asarray(total / finite, np.float32, order="C")

    def _counts(self, columns: slice) -> Counts:
        return np.array(self._cells["count"][columns].T, np.int32, order="C")


def _empty(columns: int, layers: int) -> Cells:
    """Return cells without a value."""
    return {part: np.full((columns, layers), none, dtype) for part, (dtype, none) in PARTS.items()}


def _joined(one: Cells, other: Cells) -> Cells:
    """Return the columns of one behind those of the other."""
    return {part: np.concatenate([one[part], other[part]]) for part in PARTS}
