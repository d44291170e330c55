"""tests/golden/curves.json is up to date, and the package gives what is in it."""

import json
from typing import Any

import numpy as np
import pytest
import torch

from tests.golden.make_curves import PATH, golden
from torchdial import ThresholdCurves, ThresholdSweep, threshold_levels
from torchdial.inputs import to_stops

GOLDEN = json.loads(PATH.read_text(encoding="utf-8"))


def curves_of(case: dict[str, Any]) -> list[ThresholdCurves]:
    probs = torch.tensor(case["probs"]).unsqueeze(2)
    targets = torch.tensor(case["targets"]).unsqueeze(-2)
    sweep = ThresholdSweep(
        task=case["task"],
        num_classes=None if case["task"] == "binary" else probs.shape[1],
        thresholds=case["stops"],
        ignore_index=case["ignore_index"],
        zero_division=case["zero_division"],
    )
    sweep.update(probs, targets)
    curves = sweep.compute()
    return [c for c in (curves, curves.argmax) if c is not None]


def number(value: float | None) -> Any:
    return pytest.approx(float("nan") if value is None else value, rel=1e-14, nan_ok=True)


def test_the_file_is_up_to_date() -> None:
    assert PATH.read_text(encoding="utf-8") == golden(), "run python -m tests.golden.make_curves"


@pytest.mark.parametrize("case", GOLDEN["cases"], ids=lambda case: case["name"])
def test_curves(case: dict[str, Any]) -> None:
    for curves, table in zip(curves_of(case), case["tables"], strict=True):
        for name in ("tp", "fp", "positives", "negatives"):
            assert getattr(curves.counts, name).flatten().tolist() == table[name]
        for metric, average, indices, value in table["values"]:
            at = curves.at([case["stops"][k] for k in indices], average)
            assert at[metric] == number(value), (table["name"], metric, average)
        for metric, average, values, best in table["curves"]:
            assert curves.metric(metric, average).tolist() == [number(v) for v in values]
            if best < 0:
                with pytest.raises(ValueError, match="NaN at every one"):
                    curves.best(metric, average=average)
            else:
                assert curves.best(metric, average=average)[0] == case["stops"][best]


@pytest.mark.parametrize("case", GOLDEN["levels"], ids=lambda case: f"{len(case['stops'])} stops")
def test_levels(case: dict[str, Any]) -> None:
    probabilities, levels = zip(*case["probability_level"], strict=True)
    assert np.float32(probabilities).tolist() == list(probabilities)
    assert threshold_levels(torch.tensor(probabilities), case["stops"]).tolist() == list(levels)
    if len(case["stops"]) in (5, 101):
        by_count = threshold_levels(torch.tensor(probabilities), len(case["stops"]))
        assert by_count.tolist() == list(levels)


@pytest.mark.parametrize("case", GOLDEN["nearest"], ids=lambda case: f"{len(case['stops'])} stops")
def test_nearest(case: dict[str, Any]) -> None:
    stops = to_stops(case["stops"])
    for value, index in case["value_index"]:
        if 0 <= value <= 1:
            assert stops.nearest(value) == index
        else:  # the page moves these to the end
            with pytest.raises(ValueError, match=r"threshold: expected a number in \[0, 1\], got"):
                stops.nearest(value)
