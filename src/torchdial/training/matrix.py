"""Layers × steps in bounded memory: neighbouring columns merge by powers of two."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Floats32 = npt.NDArray[np.float32]
Counts = npt.NDArray[np.int32]
Ints = npt.NDArray[np.int64]


class LayerMatrix:
    """One number a layer at each of many steps.

    A column stands for `stride` appended samples (the last one for fewer). When there is no room
    for another, each two become one and the stride doubles. NaN and infinity survive in `max`; the
    mean is that of the finite values. A row has no value in a column (`count` 0, `max` and `mean`
    NaN) where the layer was not there yet or was left out.

    Args:
        names: the layers, in the order of the network.
        lock: taken by every method; a history hands in its own.

    Attributes:
        names: the layers; grows by `add`.
        stride: samples a column; a change means that all columns changed.

    Example:
        >>> matrix = LayerMatrix(["conv", "head"])
        >>> matrix.append(1, [0.5, 2.0])
        >>> matrix.append(2, [0.25, float("inf")])
        >>> matrix.max
        array([[0.5 , 0.25],
               [2.  ,  inf]], dtype=float32)
    """

    def __init__(self, names: Sequence[str], lock: Any = None) -> None:
        self.names = list(names)
        self.stride = 1
        self._lock = lock or threading.RLock()
        self._columns: list[tuple[int, Floats32]] = []

    def __len__(self) -> int:
        return len(self._columns)

    @property
    def version(self) -> int:
        """Grows with each change."""
        return len(self._columns) + len(self.names)

    @property
    def steps(self) -> Ints:
        """The first step of each column, int64 (K,)."""
        return np.array([step for step, _ in self._columns], np.int64)

    @property
    def max(self) -> Floats32:
        """The highest value of each layer in each column, float32 (L, K); NaN if one was NaN."""
        columns = np.full((len(self.names), len(self)), np.nan, np.float32)
        for k, (_, values) in enumerate(self._columns):
            columns[: len(values), k] = values
        return columns

    @property
    def mean(self) -> Floats32:
        """The mean of the finite values, float32 (L, K); NaN where there were none."""
        return np.where(np.isfinite(self.max), self.max, np.float32(np.nan))

    @property
    def count(self) -> Counts:
        """How many values came, finite or not, int32 (L, K)."""
        return (~np.isnan(self.max)).astype(np.int32)

    def add(self, names: Sequence[str]) -> None:
        """Add rows for the names that are new, below the others."""
        with self._lock:
            self.names += [name for name in names if name not in self.names]

    def append(self, step: int, values: npt.ArrayLike, rows: npt.ArrayLike | None = None) -> None:
        """Add one sample.

        Args:
            step: its step.
            values: numbers, one a layer, or one for each of `rows`.
            rows: which layers have a value; None is all of them.
        """
        with self._lock:
            column = np.full(len(self.names), np.nan, np.float32)
            column[slice(None) if rows is None else np.asarray(rows)] = values
            self._columns.append((step, column))
