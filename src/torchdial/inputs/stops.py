"""The stops of a dial: the thresholds that are computed once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from numbers import Integral

import numpy as np
import torch

from torchdial.inputs.arguments import is_dense
from torchdial.inputs.errors import describe, refusal
from torchdial.inputs.numbers import to_fraction

MAX_STOPS = 255  # a level, 0 … T, has to fit in one byte


@dataclass(frozen=True)
class Stops:
    """Increasing positions of a dial over [0, 1].

    Attributes:
        values: the T positions as float64, for reading: 0.37, not 0.3700000047683716.
        even: whether they are k / (T - 1), which has a faster rule.
    """

    values: tuple[float, ...]
    even: bool = False

    def __len__(self) -> int:
        """Return T."""
        return len(self.values)

    def tensor(self, device: torch.device | str | None = None) -> torch.Tensor:
        """Return the positions that count, each rounded once to float32, of shape (T,)."""
        return _table(self.values, torch.device("cpu" if device is None else device))

    def nearest(self, value: float, name: str = "threshold") -> int:
        """Return the index of the nearest stop, the lower one of two as near.

        Raises:
            ValueError: the value is not a number in [0, 1]; `name` says which.
        """
        number = to_fraction(name, value, "Percent are divided by 100.")
        return int(np.abs(np.asarray(self.values) - number).argmin())


@lru_cache
def _table(values: tuple[float, ...], device: torch.device) -> torch.Tensor:
    """Return numbers as float32, copied to a device once: a copy waits for a GPU."""
    return torch.tensor(values, dtype=torch.float64).to(torch.float32).to(device)


def to_stops(thresholds: int | Sequence[float] | np.ndarray | torch.Tensor | Stops) -> Stops:
    """Return the stops of a dial.

    Args:
        thresholds: a count T from 2 to 255 of evenly spaced stops k / (T - 1), or 1 to 255
            increasing numbers in [0, 1].

    Raises:
        ValueError: it is neither.

    Example:
        >>> to_stops(5).values
        (0.0, 0.25, 0.5, 0.75, 1.0)
    """
    if isinstance(thresholds, Stops):
        return thresholds
    if isinstance(thresholds, Integral) and not isinstance(thresholds, bool):
        return _even_stops(int(thresholds))
    return _given_stops(thresholds)


def _even_stops(count: int) -> Stops:
    if not 2 <= count <= MAX_STOPS:
        raise refusal(
            "thresholds",
            expected=f"a count from 2 to {MAX_STOPS}",
            got=str(count),
            remedy="101 gives the stops 0.00, 0.01 … 1.00.",
        )
    return Stops(tuple((np.arange(count) / (count - 1)).tolist()), even=True)


def _given_stops(thresholds: object) -> Stops:
    try:
        if isinstance(thresholds, np.ndarray):
            thresholds = thresholds.copy()  # torch takes no reversed array
        values = torch.as_tensor(thresholds, dtype=torch.float64).detach().cpu()
    except Exception:  # not a list of numbers
        values = torch.empty(0)
    if not is_dense(values) or values.ndim != 1:
        values = torch.empty(0)
    rounded = values.to(torch.float32)
    increasing = bool((rounded[1:] > rounded[:-1]).all())
    in_range = values.numel() > 0 and bool(((values >= 0) & (values <= 1)).all())
    if not (increasing and in_range and len(values) <= MAX_STOPS):
        raise refusal(
            "thresholds",
            expected=f"a count, or 1 to {MAX_STOPS} increasing numbers in [0, 1]",
            got=describe(thresholds),
            remedy="Sort them and drop those that are equal in float32.",
        )
    return Stops(tuple(values.tolist()))
