"""The best stop of a metric; js/src/lib/core/plateau.ts has the same rule."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import NamedTuple, TypeVar

import torch

Name = TypeVar("Name", bound=str)


class LongestRun(NamedTuple):
    """Start and length of the first longest run of True."""

    start: int
    length: int

    @property
    def lower_middle(self) -> int:
        """The position in its middle, of two the lower one."""
        return self.start + (self.length - 1) // 2


def longest_run(chosen: Sequence[bool]) -> LongestRun:
    """Return the longest run of True.

    Example:
        >>> longest_run([True, False, True, True, True]).lower_middle
        3
    """
    best, start = LongestRun(0, 0), 0
    for is_chosen, group in groupby(chosen):
        length = len(list(group))
        if is_chosen and length > best.length:
            best = LongestRun(start, length)
        start += length
    return best


def highest(
    metric: str,
    values: torch.Tensor,
    demands: Mapping[Name, torch.Tensor],
    at_least: Mapping[Name, float],
) -> torch.Tensor:
    """Return where values are highest among the stops that meet the demands, bool as the values.

    Args:
        metric: what the values are.
        values: float64, NaN where the metric is undefined.
        demands: other metrics, of the shape of the values.
        at_least: what they have to reach.

    Raises:
        ValueError: no stop meets the demands, or the metric is undefined at every stop.
    """
    allowed = ~values.isnan()
    for name, least in at_least.items():
        allowed &= demands[name] >= least
    if not bool(allowed.any()):
        raise ValueError(_no_best(metric, demands, at_least))
    return allowed & (values == values[allowed].max())


def _no_best(
    metric: str, demands: Mapping[Name, torch.Tensor], at_least: Mapping[Name, float]
) -> str:
    if not at_least:
        return (
            f"best: expected {metric} to be defined at some stop, got NaN at every one. "
            "Count images that hold the class."
        )
    reachable = [
        f"{name} undefined"
        if bool(values.isnan().all())
        else f"{name} {_rounded_down(float(values[~values.isnan()].max())):.4g}"
        for name, values in demands.items()
    ]
    return (
        f"best: expected a stop with {dict(at_least)}, got none; the best reachable, each by "
        f"itself, is {', '.join(reachable)}. Ask for less."
    )


def _rounded_down(value: float) -> float:
    """Round to four decimals that a value is not below, so that they can be asked for."""
    return math.floor(1e4 * value + 1e-9) / 1e4
