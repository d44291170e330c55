"""Arrays in a message: a head of plain values, and one block of bytes with the numbers."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Dtype = Literal["f8", "f4", "i4"]


class Packer:
    """Collects arrays, little-endian, and returns for each where it lies in the block.

    js/src/lib/live/packed_arrays.ts reads them.
    """

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0

    def add(self, values: npt.ArrayLike, dtype: Dtype) -> dict[str, Any]:
        """Add an array; it is sent flat, row by row."""
        array = np.ascontiguousarray(values, dtype=f"<{dtype}")
        entry = {"at": self._size, "dtype": dtype, "length": array.size}
        self._parts.append(array.tobytes())
        self._size += array.nbytes
        return entry

    def __len__(self) -> int:
        """Bytes so far."""
        return self._size

    def data(self) -> bytes:
        """Return the bytes."""
        return b"".join(self._parts)
