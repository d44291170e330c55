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
from torchdial.inputs.numbers import to_float, to_fraction

MAX_STOPS = 255  # a level, 0 … T, has to fit in one byte


@dataclass(frozen=True)
class Stops:
    """Increasing positions of a dial over [0, 1], or of scores over the range that they span.

    Attributes:
        values: the T positions as float64, for reading: 0.37, not 0.3700000047683716.
        even: whether they are k / (T - 1), which has a faster rule.
        of_scores: whether they are of scores of any range; see `torchdial.quantile_stops`.
    """

    values: tuple[float, ...]
    even: bool = False
    of_scores: bool = False

    def __len__(self) -> int:
        """Return T."""
        return len(self.values)

    @property
    def range(self) -> tuple[float, float]:
        """The lowest and the highest threshold."""
        return (self.values[0], self.values[-1]) if self.of_scores else (0.0, 1.0)

    @property
    def start(self) -> float:
        """Where a dial begins: 0.5, or at the middle one of the stops of scores."""
        return self.values[len(self) // 2] if self.of_scores else 0.5

    @property
    def word(self) -> str:
        """What is compared with a threshold: "score", or "p" for probability."""
        return "score" if self.of_scores else "p"

    def tensor(self, device: torch.device | str | None = None) -> torch.Tensor:
        """Return the positions that count, each rounded once to float32, of shape (T,)."""
        return _table(self.values, torch.device("cpu" if device is None else device))

    def in_range(self, value: float, name: str = "threshold") -> float:
        """Return a threshold as float.

        Raises:
            ValueError: the value is not a number in the range; `name` says which.
        """
        if not self.of_scores:
            return to_fraction(name, value, "Percent are divided by 100.")
        number, (low, high) = to_float(value), self.range
        if low <= number <= high:
            return number
        raise refusal(
            name,
            expected=f"a score in [{low:.6g}, {high:.6g}]",
            got=describe(value),
            remedy=f"Pass for example {self.start!r}.",
        )

    def nearest(self, value: float, name: str = "threshold") -> int:
        """Return the index of the nearest stop, the lower one of two as near.

        Raises:
            ValueError: the value is not a number in the range; `name` says which.
        """
        number = self.in_range(value, name)
        return int(np.abs(np.asarray(self.values) - number).argmin())


@lru_cache
def _table(values: tuple[float, ...], device: torch.device) -> torch.Tensor:
    """Return numbers as float32, copied to a device once: a copy waits for a GPU."""
    return torch.tensor(values, dtype=torch.float64).to(torch.float32).to(device)


def to_stops(
    thresholds: int | Sequence[float] | np.ndarray | torch.Tensor | Stops,
    *,
    may_be_scores: bool = False,
    name: str = "thresholds",
) -> Stops:
    """Return the stops of a dial.

    Args:
        thresholds: a count T from 2 to 255 of evenly spaced stops k / (T - 1), or 1 to 255
            increasing numbers in [0, 1].
        may_be_scores: whether stops of scores are taken too.
        name: what to call the argument in an error.

    Raises:
        ValueError: it is neither.

    Example:
        >>> to_stops(5).values
        (0.0, 0.25, 0.5, 0.75, 1.0)
    """
    if isinstance(thresholds, Stops):
        if thresholds.of_scores and not may_be_scores:
            raise refusal(
                name,
                expected="stops of probabilities, in [0, 1]",
                got="stops of scores",
                remedy="Pass for example 101. Stops of scores are for SegmentationPreview, "
                "ThresholdSweep and threshold_levels.",
            )
        return thresholds
    if isinstance(thresholds, Integral) and not isinstance(thresholds, bool):
        return _even_stops(int(thresholds), name)
    return _given_stops(thresholds, name)


def score_stops(values: Sequence[float]) -> Stops:
    """Return stops of scores.

    Raises:
        ValueError: they are not 2 to 255 increasing finite numbers of float32.
    """
    given = torch.as_tensor(values, dtype=torch.float64)
    rounded = given.to(torch.float32)
    increasing = given.ndim == 1 and bool((rounded[1:] > rounded[:-1]).all())
    if not (increasing and bool(rounded.isfinite().all()) and 2 <= len(given) <= MAX_STOPS):
        raise refusal(
            "thresholds",
            expected=f"2 to {MAX_STOPS} increasing finite scores",
            got=describe(given),
            remedy="Pass what torchdial.quantile_stops returns.",
        )
    return Stops(tuple(rounded.to(torch.float64).tolist()), of_scores=True)


def _even_stops(count: int, name: str) -> Stops:
    if not 2 <= count <= MAX_STOPS:
        raise refusal(
            name,
            expected=f"a count from 2 to {MAX_STOPS}",
            got=str(count),
            remedy="101 gives the stops 0.00, 0.01 … 1.00.",
        )
    return Stops(tuple((np.arange(count) / (count - 1)).tolist()), even=True)


def _given_stops(thresholds: object, name: str) -> Stops:
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
            name,
            expected=f"a count, or 1 to {MAX_STOPS} increasing numbers in [0, 1]",
            got=describe(thresholds),
            remedy="Sort them and drop those that are equal in float32."
            if in_range and not increasing
            else "Pass for example 101, or [0.25, 0.5, 0.75].",
        )
    return Stops(tuple(values.tolist()))
