"""Pictures reduced to a few hundred pixels, for a first look at many."""

from __future__ import annotations

import math
from functools import reduce

import numpy as np

from torchdial.array_types import Bytes

SMALL_SIDE = 160  # pictures larger than this come reduced first
FITS_16_BITS = 16  # largest factor at which the sum of a block fits: 16² · 255 < 2¹⁶


def reduction_of(pixels: Bytes) -> int:
    """Return by which whole factor a picture comes reduced at first, 1 for not at all."""
    longest: int = max(pixels.shape[:2])
    return max(1, math.ceil(longest / SMALL_SIDE))


def reduced(pixels: Bytes) -> Bytes:
    """Return means of blocks of pixels; the last ones may be of fewer."""
    factor = reduction_of(pixels)
    sums = pixels.astype(np.uint16 if factor <= FITS_16_BITS else np.uint32)
    for axis in range(2):
        missing = [(0, 0)] * 3
        missing[axis] = (0, -pixels.shape[axis] % factor)
        whole = np.moveaxis(np.pad(sums, missing) if missing[axis][1] else sums, axis, 0)
        sums = np.moveaxis(reduce(np.add, (whole[i::factor] for i in range(factor))), 0, axis)
    ends = (np.append(np.arange(0, size, factor), size) for size in pixels.shape[:2])
    mean = sums / np.outer(*map(np.diff, ends))[..., None]
    small: Bytes = np.floor(mean + 0.5).astype(np.uint8)
    return small
