"""The metrics as formulas of counts; js/src/lib/core/metrics.ts computes the same.

Dice is 2TP / (2TP + FP + FN), the F1 score of the pixels, and IoU (Jaccard) TP / (TP + FP + FN).
Dice and IoU of empty against empty are `zero_division`; any other metric with nothing in its
denominator is NaN.
"""

from __future__ import annotations

from typing import Any, Literal, get_args

import torch

from torchdial.inputs.arguments import one_of, to_dict
from torchdial.inputs.numbers import to_number

Metric = Literal["dice", "iou", "precision", "recall", "specificity", "accuracy"]
Average = Literal["micro", "macro", "image"]
METRICS: tuple[Metric, ...] = get_args(Metric)
AVERAGES: tuple[Average, ...] = get_args(Average)


def check_metric(metric: str) -> None:
    """Raise ValueError for an unknown metric."""
    one_of("metric", metric, METRICS)


def check_average(average: str) -> None:
    """Raise ValueError for an unknown average."""
    one_of("average", average, AVERAGES)


def to_demands(at_least: Any) -> dict[Any, float]:
    """Return what other metrics have to reach, by name.

    Raises:
        ValueError: it is no dict of numbers.
    """
    expected, remedy = "numbers by the name of a metric", 'Pass for example {"recall": 0.9}.'
    demands = to_dict("at_least", at_least, expected=expected, remedy=remedy)
    return {
        name: to_number(f"at_least[{name!r}]", least, remedy=remedy)
        for name, least in demands.items()
    }


def evaluate(
    metric: Metric,
    tp: torch.Tensor,
    fp: torch.Tensor,
    fn: torch.Tensor,
    tn: torch.Tensor,
    zero_division: float,
) -> torch.Tensor:
    """Return a metric of integer counts of any one shape, as float64 of that shape."""
    ratios = {
        "dice": (2 * tp, 2 * tp + fp + fn),
        "iou": (tp, tp + fp + fn),
        "precision": (tp, tp + fp),
        "recall": (tp, tp + fn),
        "specificity": (tn, tn + fp),
        "accuracy": (tp + tn, tp + fp + fn + tn),
    }
    numerator, denominator = ratios[metric]
    empty = zero_division if metric in ("dice", "iou") else float("nan")
    ratio = numerator.to(torch.float64) / denominator
    return ratio.masked_fill(denominator == 0, empty)


def mean_of_defined(values: torch.Tensor) -> torch.Tensor:
    """Return the mean over the first dimension, of what is not NaN.

    Summed in order, as metrics.ts does: `nanmean` may round equal columns differently, and that
    would break a plateau in two.
    """
    defined = ~values.isnan()
    nothing = values.new_zeros(1, *values.shape[1:])
    sums = torch.cat([nothing, torch.where(defined, values, 0.0)]).cumsum(0)
    return sums[-1] / defined.sum(0)
