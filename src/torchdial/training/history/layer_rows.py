"""Names of the rows of layer tables, in the order of the network even when some come later."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from torchdial.inputs.errors import refusal

Ints = npt.NDArray[np.int64]


def with_names(old: Sequence[str], new: Sequence[str]) -> list[str]:
    """Return the old names and, each behind the one it follows in `new`, those that are new.

    Example:
        >>> with_names(["conv", "head"], ["conv", "norm", "head", "scale"])
        ['conv', 'norm', 'head', 'scale']
    """
    known, followers = set(old), dict[str | None, list[str]]()
    last = None
    for name in dict.fromkeys(new):
        if name in known:
            last = name
        else:
            followers.setdefault(last, []).append(name)
    rest = [name for one in old for name in (one, *followers.get(one, ()))]
    return followers.get(None, []) + rest


class Rows:
    """Unique names and their positions.

    Args:
        names: in the order of the network.

    Attributes:
        names: all of them; a new list after `add`.

    Example:
        >>> rows = Rows(["conv", "head"])
        >>> rows.add(["norm", "head"])
        array([1, 2])
        >>> rows.names, rows.find(["head", "conv"])
        (['norm', 'conv', 'head'], array([2, 1]))
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names: list[str] = []
        self._row: dict[str, int] = {}
        self.add(names)

    def __len__(self) -> int:
        return len(self.names)

    def add(self, names: Sequence[str]) -> Ints | None:
        """Add new names; return the rows of the old ones, or None if nothing was added."""
        if list(names) == self.names or self._row.keys() >= set(names):
            return None
        old, self.names = self.names, with_names(self.names, names)
        self._row = {name: row for row, name in enumerate(self.names)}
        return self._find(old)

    def find(self, names: Sequence[str]) -> Ints | None:
        """Return the rows of some names, int64 (n,), or None if it is all of them, in order.

        Raises:
            KeyError: there is no such name.
        """
        if list(names) == self.names:
            return None
        return self._find(names)

    def _find(self, names: Sequence[str]) -> Ints:
        return np.array([self._row[name] for name in names], np.int64)


def spread_rows(array: npt.NDArray[Any], rows: Ints, count: int, fill: Any) -> npt.NDArray[Any]:
    """Return (count, …) with the array's rows at `rows` and `fill` elsewhere.

    Example:
        >>> spread_rows(np.array([5, 7]), rows=np.array([2, 0]), count=3, fill=-1)
        array([ 7, -1,  5])
    """
    spread = np.full((count, *array.shape[1:]), fill, dtype=array.dtype)
    spread[rows] = array
    return spread


def refuse_other_shape(found: tuple[int, ...], expected: tuple[int, ...]) -> None:
    """Raise if the values of some layers have another shape than (layers,) or (layers, bins)."""
    if found != expected:
        raise refusal(
            "values",
            expected=f"shape {expected}, layers first",
            got=str(found),
            remedy="Pass the names of the layers there are values of.",
        )
