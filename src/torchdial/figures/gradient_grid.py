"""Recorded gradients' norms as a grid of layers × steps with a cell for each few pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from torchdial.training.history.history import History

Norms = npt.NDArray[np.float32]

MISSING = np.float32(-1)  # a norm is never negative


def to_grid(norms: Norms, steps: npt.NDArray[np.int64], width: int, height: int) -> Norms:
    """Return the highest norms over even parts of the steps and of the layers.

    Args:
        norms: float32 (L, K), at least 0, NaN or infinite; `MISSING` where there is none.
        steps: int64 (K,), in any order.
        width: how many parts the steps are cut into; one a step if there are fewer.
        height: how many parts the layers are cut into; one a layer if there are fewer.

    Returns:
        float32 (at most height, at most width). A part of the steps without any has the norms of
        the part before it.

    Example:
        >>> to_grid(np.float32([[1, 2, 3], [0, 9, 0]]), np.array([0, 1, 9]), width=5, height=2)
        array([[2., 2., 2., 2., 3.],
               [9., 9., 9., 9., 0.]], dtype=float32)
    """
    first, span = steps.min(), np.ptp(steps) + 1
    width = int(min(width, span))
    part = (steps - first) * width // span
    order = np.argsort(part, kind="stable")
    parts, starts = np.unique(part[order], return_index=True)
    columns = np.maximum.reduceat(norms[:, order], starts, axis=1)  # NaN if one of them is
    columns = columns[:, np.searchsorted(parts, np.arange(width), "right") - 1]
    rows = np.unique(np.arange(min(height, len(norms))) * len(norms) // min(height, len(norms)))
    return np.asarray(np.maximum.reduceat(columns, rows, axis=0))


def gradient_norms(history: History) -> tuple[Norms, npt.NDArray[np.int64], list[str]]:
    """Return the recorded norms (L, K), their steps (K,) and the names of the layers."""
    with history.lock:
        matrix = history.layers.get("grad_norm")
        if matrix is None:
            return np.empty((0, 0), np.float32), np.empty(0, np.int64), []
        return np.where(matrix.count > 0, matrix.max, MISSING), matrix.steps, list(matrix.names)
