"""Scores of any range, against comparing each score with each stop in float32."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import f1_score

import torchdial as td

rng = np.random.default_rng(3)
SCORES = (rng.normal(size=(3, 12, 16)) * 4 + 5).astype(np.float32)
TARGETS = (SCORES + rng.normal(size=SCORES.shape) > 9).astype(np.uint8)
STOPS = td.quantile_stops(SCORES, 41)


def counted() -> td.ThresholdSweep:
    sweep = td.ThresholdSweep(thresholds=STOPS)
    sweep.update(SCORES[:1], TARGETS[:1])
    sweep.update(torch.from_numpy(SCORES[1:]), torch.from_numpy(TARGETS[1:]))
    return sweep


def test_counts_are_those_of_comparing_every_score() -> None:
    curves = counted().compute()
    on = np.array(STOPS.values, np.float32)[:, None, None, None] < SCORES
    assert on[0].all()
    assert not on[-1].any()
    assert curves.tp[0].tolist() == (on & (TARGETS == 1)).sum((1, 2, 3)).tolist()
    assert curves.fp[0].tolist() == (on & (TARGETS == 0)).sum((1, 2, 3)).tolist()
    f1 = [f1_score(TARGETS.ravel(), mask.ravel(), zero_division=1.0) for mask in on]
    assert curves.dice().tolist() == pytest.approx(f1)
    assert curves.best("dice") == (STOPS.values[int(np.argmax(f1))], pytest.approx(max(f1)))


def test_scores_beyond_the_stops_count_as_well() -> None:
    sweep = td.ThresholdSweep(thresholds=STOPS)
    sweep.update(torch.tensor([[-1e30, 1e30]]), torch.tensor([[0, 1]]))
    assert sweep.compute().tp[0].tolist() == [1] * len(STOPS)
    assert sweep.compute().fp[0].tolist() == [0] * len(STOPS)


def test_levels_are_how_many_stops_lie_below() -> None:
    levels = td.threshold_levels(torch.from_numpy(SCORES), STOPS)
    slow = (SCORES[..., None] > np.array(STOPS.values, np.float32)).sum(-1)
    assert np.array_equal(levels.numpy(), slow)


def test_a_file_keeps_that_they_are_scores(tmp_path: Path) -> None:
    curves = counted().compute()
    curves.save(tmp_path / "scores.npz")
    loaded = td.ThresholdCurves.load(tmp_path / "scores.npz")
    assert loaded.stops == curves.stops
    assert loaded.at(8.0) == curves.at(8.0)


@pytest.mark.parametrize("threshold", [-30.0, STOPS.values[7], 8.25, 1e6])
def test_segment_compares_scores(threshold: float) -> None:
    masks = td.segment(SCORES, threshold, of_scores=True)
    assert np.array_equal(masks.numpy(), np.where(np.float32(threshold) < SCORES, 255, 0))


def refused(**options: Any) -> td.ThresholdSweep:
    return td.ThresholdSweep(thresholds=STOPS, **options)


PREVIEW = (torch.rand(2, 3, 8, 8), torch.rand(2, 2, 8, 8))
BOXES = [{"boxes": torch.rand(0, 4), "scores": torch.rand(0), "labels": torch.zeros(0).long()}]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        pytest.param(lambda: refused(from_logits=True), "from_logits=True", id="logits"),
        pytest.param(
            lambda: refused(task="multiclass", num_classes=3), "task='multiclass'", id="classes"
        ),
        pytest.param(
            lambda: td.SegmentationPreview(*PREVIEW, task="multilabel", thresholds=STOPS),
            "task='multilabel'",
            id="a preview of classes",
        ),
        pytest.param(
            lambda: td.ClassificationPreview(torch.rand(9), torch.ones(9).long(), thresholds=STOPS),
            "in [0, 1], got stops of scores",
            id="classification",
        ),
        pytest.param(
            lambda: td.DetectionSweep(score_thresholds=STOPS),
            "in [0, 1], got stops of scores",
            id="detection",
        ),
        pytest.param(
            lambda: counted().update(SCORES * np.nan, TARGETS), "finite", id="NaN in a sweep"
        ),
        pytest.param(
            lambda: td.threshold_levels(torch.tensor([np.inf]), STOPS), "finite", id="infinity"
        ),
        pytest.param(lambda: counted().compute().at(1e6), "a score in [", id="beyond the dial"),
        pytest.param(lambda: counted().compute().calibration(), "of scores", id="calibration"),
        pytest.param(
            lambda: counted().merge(td.ThresholdSweep()), "with thresholds=", id="another sweep"
        ),
        pytest.param(
            lambda: td.segment(SCORES, 3.0, label=0, of_scores=True), "for several", id="a label"
        ),
        pytest.param(
            lambda: td.segment(SCORES, float("nan"), of_scores=True), "finite", id="no number"
        ),
    ],
)
def test_what_is_refused(call: Any, words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        call()
