"""The formulas: as scikit-learn has them, and where nothing is in the denominator."""

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st
from sklearn.metrics import (
    accuracy_score,
    f1_score,
    jaccard_score,
    precision_score,
    recall_score,
)

from tests.inputs.error_messages import says
from tests.sweeps.pixels import slow_counts as slow
from torchdial.sweeps.metric_formulas import METRICS, check_average, check_metric, evaluate

NAN = float("nan")


def sklearn_metrics(truth: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    pair = (truth, predicted)
    return {
        "dice": f1_score(*pair, zero_division=1.0),
        "iou": jaccard_score(*pair, zero_division=1),
        "precision": precision_score(*pair, zero_division=NAN),
        "recall": recall_score(*pair, zero_division=NAN),
        "specificity": recall_score(*pair, pos_label=0, zero_division=NAN),
        "accuracy": accuracy_score(*pair),
    }


def of(metric: Any, tp: int, fp: int, fn: int, tn: int, zero_division: float = 1.0) -> float:
    counts = (torch.tensor([n]) for n in (tp, fp, fn, tn))
    result = evaluate(metric, *counts, zero_division)
    assert result.dtype == torch.float64
    return result.item()


@given(st.lists(st.integers(0, 4), min_size=4, max_size=4).filter(any))
@settings(max_examples=40)
def test_as_scikit_learn_has_them(counts: list[int]) -> None:
    truth = np.repeat([1, 0, 1, 0], counts)
    predicted = np.repeat([1, 1, 0, 0], counts)
    expected = sklearn_metrics(truth, predicted)
    assert set(expected) == set(METRICS)
    for metric, value in expected.items():
        assert of(metric, *counts) == pytest.approx(value, nan_ok=True), metric


@pytest.mark.parametrize(
    ("counts", "undefined"),
    [
        pytest.param((0, 0, 0, 5), {"precision", "recall"}, id="empty against empty"),
        pytest.param((0, 0, 3, 5), {"precision"}, id="nothing predicted"),
        pytest.param((0, 3, 0, 5), {"recall"}, id="nothing there"),
        pytest.param((3, 0, 2, 0), {"specificity"}, id="everything there"),
        pytest.param(
            (0, 0, 0, 0),
            {"precision", "recall", "specificity", "accuracy"},
            id="every pixel is ignored",
        ),
    ],
)
def test_what_is_undefined_is_nan(counts: tuple[int, ...], undefined: set[str]) -> None:
    assert {m for m in METRICS if math.isnan(of(m, *counts))} == undefined


@pytest.mark.parametrize("zero_division", [0.0, 0.5, 1.0, NAN])
def test_zero_division_sets_dice_and_iou_of_empty_against_empty(zero_division: float) -> None:
    for metric in ("dice", "iou"):
        empty = of(metric, 0, 0, 0, 5, zero_division)
        assert empty == pytest.approx(zero_division, nan_ok=True)
        assert of(metric, 0, 1, 0, 5, zero_division) == 0.0
    assert math.isnan(of("precision", 0, 0, 0, 5, zero_division))


@pytest.mark.parametrize("metric", METRICS)
def test_counts_of_many_thousand_millions_divide_exactly(metric: Any) -> None:
    tp, fp, fn, tn = 3 * 10**12 + 1, 7 * 10**11 + 3, 10**12 + 9, 9 * 10**12 + 7
    exact = slow.evaluate(metric, [tp, fp, tp + fn, fp + tn])
    assert isinstance(exact, Fraction)
    assert of(metric, tp, fp, fn, tn) == float(exact)


def test_any_shape_at_once() -> None:
    counts = torch.arange(24).view(4, 2, 3)
    values = evaluate("iou", *counts, 1.0)
    assert values.shape == (2, 3)
    assert values[1, 2].item() == of("iou", *counts[:, 1, 2].tolist())


def test_unknown_names_are_refused() -> None:
    with pytest.raises(ValueError, match=says("metric", "'dice' | 'iou'", "'f1'", "Choose")):
        check_metric("f1")
    with pytest.raises(ValueError, match=says("average", "'micro' | 'macro'", "'mean'", "Choose")):
        check_average("mean")
