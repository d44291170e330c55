"""Which of many classes are seen where each is painted over those before it."""

from __future__ import annotations

import numpy as np

from torchdial.array_types import Bytes


def top_classes(levels: Bytes) -> Bytes:
    """Return the classes of each pixel that are seen at some stop.

    At stop k the last class of a level above k is seen. So of the classes from the last to the
    first only those are that have a higher level than all classes after them.

    Args:
        levels: of one image, uint8 (C, H, W).

    Returns:
        uint8 (K, 2, H, W): levels, which increase along K, and their classes; 0 where there are no
        more. At stop k the first one of a level above k is seen.

    Example:
        >>> top_classes(np.array([5, 3, 4, 2], np.uint8).reshape(4, 1, 1))[:, :, 0, 0]
        array([[2, 3],
               [4, 2],
               [5, 0]], dtype=uint8)
    """
    num_classes, height, width = levels.shape
    planes = levels.reshape(num_classes, -1)
    tops = np.zeros((num_classes, 2, height * width), np.uint8)  # untouched, it takes no memory
    highest = np.zeros(height * width, np.uint8)
    depth = np.zeros(height * width, np.intp)
    for label in reversed(range(num_classes)):
        pixels = np.flatnonzero(planes[label] > highest)
        values, at = planes[label, pixels], depth[pixels]
        tops[at, 0, pixels], tops[at, 1, pixels] = values, label
        highest[pixels] = values
        depth[pixels] += 1
    seen: Bytes = tops[: max(1, depth.max())].reshape(-1, 2, height, width).copy()
    return seen
