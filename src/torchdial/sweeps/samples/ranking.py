"""What follows from the order of the scores alone: ROC and precision-recall curves, their areas."""

from __future__ import annotations

from dataclasses import dataclass

import torch

NUM_POINTS = 256  # of a curve that is drawn


@dataclass(frozen=True)
class Ranking:
    """How well scores tell positives from negatives, over every distinct score as a threshold.

    Attributes:
        order: indices of the samples by increasing score, int64 (N,).
        tp: positives above a threshold, at points along the ROC curve, int64 (P,), rising.
        fp: negatives above it, int64 (P,).
        roc_auc: area under the ROC curve, by trapezoids; NaN without positives or negatives.
        average_precision: sum over thresholds of the step in recall times the precision; NaN
            without positives.
    """

    order: torch.Tensor
    tp: torch.Tensor
    fp: torch.Tensor
    roc_auc: float
    average_precision: float


def rank(scores: torch.Tensor, truth: torch.Tensor) -> Ranking:
    """Rank samples by their score.

    Args:
        scores: float32 (N,).
        truth: 0 and 1, uint8 (N,); anything else is left out.

    Example:
        >>> rank(torch.tensor([0.1, 0.4, 0.35, 0.8]), torch.tensor([0, 0, 1, 1])).roc_auc
        0.75
    """
    values, order = scores.sort(stable=True)
    ranked = truth[order]
    known = ranked <= 1
    values, positive = values[known].flip(0), ranked[known].flip(0).to(torch.int64)
    last = torch.ones(len(values), dtype=torch.bool)  # of those with an equal score
    last[:-1] = values[1:] != values[:-1]
    tp = positive.cumsum(0)[last]
    fp = torch.arange(1, len(values) + 1)[last] - tp
    tp, fp = (torch.cat([torch.zeros(1, dtype=torch.int64), count]) for count in (tp, fp))
    recall, false_rate = tp / tp[-1].double(), fp / fp[-1].double()
    precision = tp[1:] / (tp[1:] + fp[1:]).double()
    chosen = _along(recall.nan_to_num() + false_rate.nan_to_num())
    return Ranking(
        order,
        tp[chosen],
        fp[chosen],
        float(torch.trapezoid(recall, false_rate)),
        float((recall.diff() * precision).sum()) if bool(tp[-1] > 0) else float("nan"),
    )


def _along(length: torch.Tensor) -> torch.Tensor:
    """Return the indices of at most `NUM_POINTS` points, evenly spread along a curve."""
    if len(length) <= NUM_POINTS:
        return torch.arange(len(length))
    wanted = torch.linspace(0, float(length[-1]), NUM_POINTS, dtype=length.dtype)
    return torch.searchsorted(length, wanted).clamp(max=len(length) - 1)
