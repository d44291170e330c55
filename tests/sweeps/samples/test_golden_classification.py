"""The metrics at every stop against those that scikit-learn computed."""

import json
from typing import Any

import numpy as np
import pytest

from tests.golden.make_classification import CASES, PATH, draw, golden
from torchdial import ThresholdSweep
from torchdial.sweeps.samples.classification_curves import ClassificationCurves

GOLDEN = json.loads(PATH.read_text(encoding="utf-8"))


def curves_of(case: dict[str, Any], average: str = "micro") -> ClassificationCurves:
    task, _, classes, _ = CASES[case["name"]]
    sweep = ThresholdSweep(
        task=task, num_classes=None if task == "binary" else classes, thresholds=case["stops"]
    )
    sweep.update(*draw(case["name"]))
    return ClassificationCurves(sweep.compute(), average, case["costs"])


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_the_file_is_up_to_date() -> None:
    text = PATH.read_text(encoding="utf-8")
    assert text == golden(), "run python -m tests.golden.make_classification"


@pytest.mark.parametrize("case", GOLDEN, ids=[case["name"] for case in GOLDEN])
def test_metrics_are_scikit_learns(case: dict[str, Any]) -> None:
    curves = curves_of(case)
    for label, metrics in case["metrics"].items():
        index = None if label == "all" else int(label)
        assert set(curves.metrics(index)) == set(metrics)
        for name, values in metrics.items():
            np.testing.assert_allclose(
                curves.metric(name, index),
                np.array(values, float),
                rtol=1e-12,
                atol=1e-14,
                err_msg=f"{label} {name}",
            )


@pytest.mark.parametrize("case", GOLDEN, ids=[case["name"] for case in GOLDEN])
def test_the_values_at_a_stop_are_those_of_the_curve(case: dict[str, Any]) -> None:
    curves = curves_of(case)
    for k, stop in enumerate(case["stops"]):
        at = curves.at([stop] * curves.counts.num_classes)
        for name in curves.metrics():
            np.testing.assert_equal(at[name], float(curves.metric(name)[k]))


def test_macro_is_the_mean_over_labels_that_occur() -> None:
    case = next(case for case in GOLDEN if case["task"] == "multilabel")
    curves = curves_of(case, "macro")
    each = [curves.metric("recall", label).numpy() for label in range(3)]
    np.testing.assert_allclose(curves.metric("recall"), np.mean(each, 0), rtol=1e-12)
