"""References for the pictures of a series: plain loops over all points."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np


def standing_out(values: Sequence[float], points: Sequence[int]) -> set[int]:
    """The points of one bucket that may not be missing, the first of equal ones."""
    finite = [p for p in points if math.isfinite(values[p])]
    wanted = set()
    if finite:
        wanted |= {min(finite, key=lambda p: values[p]), max(finite, key=lambda p: values[p])}
    for is_kind in (math.isnan, lambda v: v == math.inf, lambda v: v == -math.inf):
        wanted |= set([p for p in points if is_kind(values[p])][:1])
    return wanted


def picture(
    x: Sequence[float],
    values: Sequence[float],
    buckets: int,
    start: float | None,
    stop: float | None,
) -> tuple[list[int], bool]:
    """The points of a picture in the order they are drawn, and whether it is complete."""
    order = sorted(range(len(x)), key=lambda p: x[p])  # Python's sort is stable
    if not order:
        return [], True
    low = max(x[order[0]], -math.inf if start is None else start)
    high = min(x[order[-1]], math.inf if stop is None else stop)
    before = [p for p in order if x[p] < low]
    after = [p for p in order if x[p] > high and p not in before]
    window = [p for p in order if p not in before and p not in after]
    if len(window) <= 2 * buckets:
        return before[-1:] + window + after[:1], True
    edges = np.linspace(low, high, buckets + 1)[1:-1]
    parts: list[list[int]] = [[] for _ in range(buckets)]
    for p in window:
        parts[sum(edge <= x[p] for edge in edges)].append(p)
    wanted = set().union(*(standing_out(values, part) for part in parts))
    return before[-1:] + [p for p in window if p in wanted] + after[:1], False
