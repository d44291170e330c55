"""Thresholds for libraries that keep p ≥ t, where the dial keeps p > t."""

from __future__ import annotations

import numpy as np


def above(k: int) -> float:
    """Return the least float32 above k / 100: p ≥ it where p > k / 100."""
    return float(np.nextafter(np.float32(k / 100), np.float32(2)))
