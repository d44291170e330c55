"""Calibration: how often pixels of a probability are positive."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from torchdial.inputs.errors import refusal
from torchdial.inputs.stops import Stops
from torchdial.sweeps.pixels.pixel_counts import Counts


@dataclass(frozen=True)
class Calibration:
    """A reliability diagram: how often pixels whose p lies in a bin are positive.

    Attributes:
        lower: lower edges of the B = T + 1 bins, each p in (lower, upper], float64 (B,); the
            first bin is p ≤ the first stop.
        upper: upper edges, float64 (B,).
        count: pixels in each bin, int64 (C, B).
        positives: of these, pixels of the class, int64 (C, B).

    Example:
        >>> from torchdial import ThresholdSweep
        >>> sweep = ThresholdSweep(thresholds=3)
        >>> sweep.update(torch.tensor([[0.2, 0.4, 0.9]]), torch.tensor([[0, 1, 1]]))
        >>> sweep.compute().calibration().frequency
        tensor([[   nan, 0.5000, 1.0000,    nan]], dtype=torch.float64)
    """

    lower: torch.Tensor
    upper: torch.Tensor
    count: torch.Tensor
    positives: torch.Tensor

    @property
    def frequency(self) -> torch.Tensor:
        """Share of positives in each bin, float64 (C, B); NaN where a bin is empty."""
        return self.positives.to(torch.float64) / self.count

    @property
    def error(self) -> torch.Tensor:
        """Expected calibration error of each class, float64 (C,), p taken as its bin's middle.

        Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, equation 3.
        """
        gap = (self.frequency - (self.lower + self.upper) / 2).abs()
        return (gap.nan_to_num() * self.count).sum(1) / self.count.sum(1)


def calibrate(counts: Counts, stops: Stops) -> Calibration:
    """Return the reliability diagram of each class, from counts at the stops.

    Raises:
        ValueError: the stops are of scores, which are no probabilities.
    """
    if stops.of_scores:
        raise refusal(
            "calibration",
            expected="curves of probabilities",
            got="curves of scores",
            remedy="Turn scores into probabilities first, such as by "
            "sklearn.linear_model.LogisticRegression.",
        )
    edges = torch.tensor((0.0, *stops.values, 1.0), dtype=torch.float64)
    pooled = counts.pooled(0)
    positives = _between(pooled.tp[0], pooled.positives[0])
    negatives = _between(pooled.fp[0], pooled.negatives[0])
    return Calibration(edges[:-1], edges[1:], positives + negatives, positives)


def _between(above: torch.Tensor, total: torch.Tensor) -> torch.Tensor:
    """Return how many lie between neighbouring stops: from (C, T) above each to (C, T + 1)."""
    edges = torch.cat([total[:, None], above, torch.zeros_like(total[:, None])], dim=1)
    return edges[:, :-1] - edges[:, 1:]
