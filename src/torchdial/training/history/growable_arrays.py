"""Arrays that grow: a sixteenth of spare room, and views returned earlier never change."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np

Scalar = TypeVar("Scalar", bound=np.generic)
Array = np.ndarray[Any, np.dtype[Scalar]]

LEAST = 64


def with_room(array: Array[Scalar], used: int, needed: int) -> Array[Scalar]:
    """Return the array if its last axis is long enough, or else a longer copy.

    The old array is left alone, so views of it stay as they are.

    Args:
        array: (…, capacity).
        used: how many entries along the last axis are to be kept.
        needed: how many have to fit.

    Example:
        >>> with_room(np.arange(2), used=2, needed=3).shape
        (64,)
    """
    if needed <= array.shape[-1]:
        return array
    capacity = max(LEAST, needed + needed // 16)
    longer = np.empty((*array.shape[:-1], capacity), dtype=array.dtype)
    longer[..., :used] = array[..., :used]
    return longer


def read_only(array: Array[Scalar]) -> Array[Scalar]:
    """Return a view that cannot be written through."""
    view = array[...]
    view.flags.writeable = False
    return view
