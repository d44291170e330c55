"""Layers × steps in bounded memory: neighbouring columns merge by powers of two."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from torchdial.training.growing import with_room
from torchdial.training.rows import refuse_other_shape, rows_of, spread_rows, with_names

Floats32 = npt.NDArray[np.float32]
Counts = npt.NDArray[np.int32]
Ints = npt.NDArray[np.int64]

CELLS = 2**19  # of 20 bytes; more only where the fewest columns need it
FEWEST, MOST = 128, 1024
CELL = np.dtype([("max", "f4"), ("sum", "f8"), ("finite", "i4"), ("count", "i4")])
EMPTY = np.array((np.nan, 0, 0, 0), dtype=CELL)


class LayerMatrix:
    """One number a layer at each of many steps.

    A column stands for `stride` samples, in order of arrival (the last one for fewer). When there
    is no room for another, each two become one and the stride doubles: there are 64 to 1,024
    columns then, the fewer the more layers. NaN and infinity survive in `max`; the mean is that
    of the finite values. A layer has no value in a column (`count` 0, `max` and `mean` NaN) where
    it was not there yet or was left out.

    Args:
        names: the layers, in the order of the network.
        lock: taken by every method; a history hands in its own.

    Attributes:
        names: the layers; grows by `add`.
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
        self.names = with_names([], names)
        self.stride = 1
        self.version = 0
        self._lock = lock or threading.RLock()
        self._count = 0  # columns
        self._filled = 0  # samples in the last of them
        self._steps: Ints = np.empty(0, np.int64)
        self._cells = np.empty((len(self.names), 0), CELL)

    def __len__(self) -> int:
        return self._count

    def __repr__(self) -> str:
        return f"LayerMatrix({len(self.names):,} layers × {len(self):,} columns)"

    @property
    def steps(self) -> Ints:
        """The first step of each column, int64 (K,)."""
        with self._lock:
            return np.array(self._steps[: self._count])

    def last(self, k: int) -> tuple[Ints, Floats32, Floats32, Counts]:
        """Return steps (k,), max, mean and count (L, k) of the newest k columns, or fewer."""
        with self._lock:
            start = max(self._count - k, 0)
            new = self._columns[:, start:]
            return self.steps[start:], np.array(new["max"]), _mean(new), np.array(new["count"])

    @property
    def max(self) -> Floats32:
        """The highest value of each layer in each column, float32 (L, K); NaN if one was NaN."""
        with self._lock:
            return np.array(self._columns["max"])

    @property
    def mean(self) -> Floats32:
        """The mean of the finite values, float32 (L, K); NaN where there were none."""
        with self._lock:
            return _mean(self._columns)

    @property
    def count(self) -> Counts:
        """How many values came, finite or not, int32 (L, K)."""
        with self._lock:
            return np.array(self._columns["count"])

    def add(self, names: Sequence[str]) -> None:
        """Add rows for the names that are new, each behind the one it follows here."""
        with self._lock:
            old, self.names = self.names, with_names(self.names, names)
            if len(self.names) == len(old):
                return
            self._cells = spread_rows(self._cells, rows_of(self.names, old), len(self.names), EMPTY)
            while self._count > self._most:
                self._merge()
            self.version += 1

    def append(self, step: int, values: npt.ArrayLike, rows: Ints | None = None) -> None:
        """Add one sample.

        Args:
            step: any whole number.
            values: numbers, one a layer, or one for each of `rows`.
            rows: which layers have a value; None is all of them.

        Raises:
            ValueError: there are more or fewer values than layers.
        """
        with self._lock:
            sample = _sample(values)
            refuse_other_shape(sample.shape, (len(self.names) if rows is None else len(rows),))
            if rows is not None:
                sample = spread_rows(sample, rows, len(self.names), EMPTY)
            if self._filled == self.stride or not self._count:
                self._open(step)
            last = self._cells[:, self._count - 1]
            last[...] = _joined(last, sample) if self._filled else sample
            self._filled += 1
            self.version += 1

    def take(self, mark: Any) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]], Any]:
        """Return a note and the columns that changed since a mark (None: all), and a new mark."""
        with self._lock:
            mine = (len(self.names), self.stride)
            start = mark[1] - 1 if mark and mark[0] == mine else 0
            names = None if start else list(self.names)
            note = {"names": names, "stride": self.stride, "filled": self._filled, "start": start}
            parts = {"steps": self._steps[start : self._count].copy()}
            for part in CELL.names or ():
                parts[part] = self._columns[part][:, start:].copy()
            return note, parts, (mine, self._count)

    def put(self, note: Mapping[str, Any], parts: Mapping[str, npt.NDArray[Any]]) -> None:
        """Write the columns that `take` took.

        Raises:
            ValueError, LookupError, TypeError: they do not go together.
        """
        with self._lock:
            if note["names"] is not None:
                self.names = [str(name) for name in note["names"]]
                self._count, self._cells = 0, np.empty((len(self.names), 0), CELL)
            start, new = int(note["start"]), len(parts["steps"])
            cells = np.empty((len(self.names), new), CELL)
            for part in CELL.names or ():
                refuse_other_shape(parts[part].shape, cells.shape)
                cells[part] = parts[part]
            if not 0 <= start <= self._count or parts["steps"].shape != (new,):
                raise ValueError(f"columns {start} … {start + new} behind {self._count}")
            self._cells = np.concatenate([self._cells[:, :start], cells], axis=1)
            self._steps = np.concatenate([self._steps[:start], parts["steps"]])
            self._count = start + new
            self.stride, self._filled = int(note["stride"]), int(note["filled"])
            if not 0 <= self._filled <= self.stride or len(set(self.names)) < len(self.names):
                raise ValueError(f"{self._filled} samples in a column of {self.stride}")
            self.version += 1

    @property
    def _columns(self) -> npt.NDArray[Any]:
        return self._cells[:, : self._count]

    @property
    def _most(self) -> int:
        """How many columns there is room for: a power of two."""
        return min(max(1 << (CELLS // max(1, len(self.names))).bit_length() - 1, FEWEST), MOST)

    def _open(self, step: int) -> None:
        """Begin a column."""
        if self._count >= self._most:
            self._merge()
        k = self._count
        self._cells = with_room(self._cells, k, k + 1)
        self._steps = with_room(self._steps, k, k + 1)
        self._cells[:, k], self._steps[k] = EMPTY, step
        self._count, self._filled = k + 1, 0

    def _merge(self) -> None:
        """Make one column of each two; a last one without a neighbour stays, half filled."""
        pairs, alone = divmod(self._count, 2)
        cells = self._cells
        joined = _joined(cells[:, 0 : 2 * pairs : 2], cells[:, 1 : 2 * pairs : 2])
        kept = slice(2 * pairs, self._count)
        self._cells = np.concatenate([joined, cells[:, kept]], axis=1)
        self._steps = np.concatenate([self._steps[0 : 2 * pairs : 2], self._steps[kept]])
        self._filled += 0 if alone else self.stride
        self._count = pairs + alone
        self.stride *= 2


def _sample(values: npt.ArrayLike) -> npt.NDArray[Any]:
    """Return the cells of a column of one sample."""
    numbers = np.asarray(values, np.float32)
    finite = np.isfinite(numbers)
    cells = np.empty(numbers.shape, CELL)
    cells["max"], cells["finite"], cells["count"] = numbers, finite, 1
    cells["sum"] = np.where(finite, numbers, 0)
    return cells


def _mean(cells: npt.NDArray[Any]) -> Floats32:
    with np.errstate(invalid="ignore"):  # 0 / 0 where nothing finite came
        return np.asarray(cells["sum"] / cells["finite"], np.float32)


def _joined(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the cells of two columns in one."""
    cells = np.empty(one.shape, CELL)
    for part in ("sum", "finite", "count"):
        cells[part] = one[part] + other[part]
    highest = np.maximum(one["max"], other["max"])  # NaN if one of them is
    highest = np.where(one["count"] == 0, other["max"], highest)
    cells["max"] = np.where(other["count"] == 0, one["max"], highest)
    return cells
