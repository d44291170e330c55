"""Classification metrics as formulas of counts; the names and values are scikit-learn's.

js/src/lib/classification/classification_metrics.ts computes the same. Whatever has nothing in its
denominator is NaN.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import torch

from torchdial.inputs.arguments import to_dict
from torchdial.inputs.errors import refusal
from torchdial.inputs.numbers import to_number
from torchdial.inputs.probability_maps import Task
from torchdial.sweeps.metric_formulas import evaluate, mean_of_defined
from torchdial.sweeps.pixels.pixel_counts import Counts

ClassificationMetric = Literal[
    "f1",
    "precision",
    "recall",
    "specificity",
    "balanced_accuracy",
    "accuracy",
    "selective_accuracy",
    "coverage",
    "cost",
]
ONE_LABEL: tuple[ClassificationMetric, ...] = (
    "f1",
    "precision",
    "recall",
    "specificity",
    "balanced_accuracy",
    "accuracy",
)
ABSTAINING: tuple[ClassificationMetric, ...] = (
    "accuracy",
    "selective_accuracy",
    "coverage",
    "balanced_accuracy",
    "f1",
)

Costs = Mapping[str, float]


def to_costs(costs: Any, task: Task) -> dict[str, float]:
    """Return what mistakes cost, empty for None.

    Args:
        costs: of a false positive and a false negative, {"fp": 1, "fn": 20}; for multiclass of a
            wrong class and of no answer, {"error": 1, "abstain": 0.2}.
        task: "binary", "multilabel" or "multiclass".

    Raises:
        ValueError: other names, or numbers below 0.
    """
    example = {"error": 1, "abstain": 0.2} if task == "multiclass" else {"fp": 1, "fn": 20}
    names = tuple(example)
    expected = f"costs of {names[0]!r} and {names[1]!r} for task={task!r}, 0 or more"
    remedy = f"Pass for example {example}."
    given = to_dict("costs", costs, expected=expected, remedy=remedy)
    if costs is None:
        return {}
    numbers = {name: to_number(f"costs[{name!r}]", c, remedy=remedy) for name, c in given.items()}
    if set(numbers) != set(names) or min(numbers.values()) < 0:
        raise refusal("costs", expected=expected, got=repr(costs), remedy=remedy)
    return {name: numbers[name] for name in names}


def of_one_label(metric: str, counts: Counts, costs: Costs) -> torch.Tensor:
    """Return a metric of counts against the rest, float64 of the shape of `counts.tp`.

    The cost is that of a sample on average: (fp · costs["fp"] + fn · costs["fn"]) / all.
    """
    tp, fp, fn, tn = counts.tp, counts.fp, counts.fn, counts.tn
    if metric == "cost":
        return (costs["fp"] * fp.double() + costs["fn"] * fn.double()) / (tp + fp + fn + tn)
    if metric == "balanced_accuracy":
        recall, specificity = (of_one_label(m, counts, {}) for m in ("recall", "specificity"))
        return (recall + specificity) / 2
    ratio = "dice" if metric == "f1" else metric
    return evaluate(ratio, tp, fp, fn, tn, float("nan"))  # type: ignore[arg-type]


def of_abstaining(metric: str, counts: Counts, costs: Costs) -> torch.Tensor:
    """Return a metric of answers of which some are withheld, float64 (T,).

    accuracy counts a withheld answer as wrong, selective_accuracy only those that are given, and
    coverage is their share (El-Yaniv and Wiener, JMLR 2010). balanced_accuracy and f1 are means
    over the classes that occur. The cost of a sample is costs["error"] for a wrong answer and
    costs["abstain"] for none (Chow, 1970).

    Args:
        metric: one of `ABSTAINING`, or "cost".
        counts: of each class by argmax, one row, (1, C, T).
        costs: see `to_costs`.
    """
    tp, fp, fn, positives = counts.tp[0], counts.fp[0], counts.fn[0], counts.positives[0]
    total, right, wrong = positives.sum(), tp.sum(0), fp.sum(0)
    if metric == "cost":
        abstained = total - right - wrong
        return (costs["error"] * wrong.double() + costs["abstain"] * abstained.double()) / total
    occurs = positives > 0
    ratios = {
        "accuracy": (right, total),
        "selective_accuracy": (right, right + wrong),
        "coverage": (right + wrong, total),
        "balanced_accuracy": (tp[occurs], positives[occurs, None]),
        "f1": (2 * tp[occurs], (2 * tp + fp + fn)[occurs]),
    }
    part, whole = ratios[metric]
    ratio = part.double() / whole
    return mean_of_defined(ratio) if ratio.ndim > 1 else ratio
