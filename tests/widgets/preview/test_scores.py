"""A segmentation preview of scores of any range, against comparing each score in float32."""

from __future__ import annotations

import io
import warnings
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import torchdial as td

rng = np.random.default_rng(5)
SCORES = (rng.normal(size=(3, 12, 16)) * 4 + 5).astype(np.float32)
TARGETS = (SCORES + rng.normal(size=SCORES.shape) > 9).astype(np.uint8)
IMAGES = rng.integers(0, 256, (3, 12, 16, 3), dtype=np.uint8)
STOPS = td.quantile_stops(SCORES, 41)
LOW, HIGH = STOPS.range


def make(**options: Any) -> td.SegmentationPreview:
    return td.SegmentationPreview(IMAGES, SCORES, TARGETS, thresholds=STOPS, **options)


def test_masks_are_those_of_comparing_every_score() -> None:
    preview = make()
    assert preview.threshold == STOPS.values[20]
    for stop in STOPS.values:
        preview.threshold = stop
        masks = np.where(np.float32(stop) < SCORES, 255, 0)
        assert all(np.array_equal(preview.mask(i), masks[i]) for i in range(3))
        assert np.array_equal(td.segment(SCORES, **preview.export()).numpy(), masks)


def test_a_model_is_run_and_evaluated_on_other_scores() -> None:
    preview = td.SegmentationPreview.from_model(
        lambda x: x[:, :1] * 10, torch.rand(2, 3, 8, 8), from_logits=False, thresholds=STOPS
    )
    assert preview.refresh()
    scores = torch.rand(2, 1, 8, 8)
    threshold = preview.threshold = STOPS.values[15]
    counts = preview.evaluate([(scores, scores[:, 0] > 0.5)])
    assert counts["tp"] == int(((scores * 10 > threshold) & (scores > 0.5)).sum())


def test_a_frame_that_is_not_finite_keeps_the_last_one() -> None:
    preview = make()
    assert not preview.refresh(SCORES * np.nan)
    assert "finite" in preview.notice
    assert preview.refresh(SCORES + 100)  # beyond the stops: all on
    assert (preview.mask(0) == 255).all()


@pytest.mark.parametrize(("given", "moved"), [(1e9, HIGH), (-1e9, LOW), (HIGH, HIGH)])
def test_a_page_moves_to_the_ends_of_the_range(given: float, moved: float) -> None:
    preview = make()
    preview.set_state({"threshold": given})
    assert preview.threshold == moved


@pytest.mark.parametrize("given", [HIGH + 1, LOW - 1, "high", float("nan"), True])
def test_other_thresholds_are_refused(given: Any) -> None:
    preview = make(threshold=LOW)
    with pytest.raises(ValueError, match=r"threshold: expected a score in \["):
        preview.threshold = given
    with pytest.raises(ValueError, match=r"threshold: expected a score in \["):
        make(threshold=given)
    assert preview.threshold == LOW


def test_given_curves_have_to_be_of_scores_at_the_same_stops() -> None:
    sweep = td.ThresholdSweep(thresholds=STOPS)
    sweep.update(SCORES[:1], TARGETS[:1])
    assert make(curves=sweep.compute()).best() == sweep.compute().best()
    with pytest.raises(ValueError, match="41 stops of scores"):
        make(curves=_probabilities())


def _probabilities() -> td.ThresholdCurves:
    sweep = td.ThresholdSweep(thresholds=41)
    sweep.update(torch.rand(8, 8), torch.ones(8, 8).long())
    return sweep.compute()


def test_two_models_of_the_same_stops_are_compared() -> None:
    other = td.SegmentationPreview(IMAGES, SCORES * 2, TARGETS, thresholds=STOPS)
    both = td.compare(make(), other)
    both.threshold = STOPS.values[9]
    on = np.float32(both.threshold) < SCORES[1] * 2
    assert np.array_equal(both.mask(1, model=1), np.where(on, 255, 0))


def test_figures_have_the_axis_of_the_scores() -> None:
    preview = make()
    scale = td.figures.threshold_curve_figure(preview).marks[0].scales["x"]
    assert (scale.min, scale.max) == (LOW, HIGH)
    figure = preview.to_matplotlib()
    assert figure.axes[1].get_xlim() == (LOW, HIGH)
    assert figure.texts[0].get_text() == f"score > {preview.threshold:.4g}"
    pictures = []
    for stop in (STOPS.values[5], STOPS.values[35]):
        preview.threshold = stop
        pictures.append(np.asarray(Image.open(io.BytesIO(preview._static_picture())).convert("L")))
    below = slice(-100, -40)
    dark = [np.flatnonzero((picture[below] < 30).sum(0) > 50) for picture in pictures]
    assert dark[0].max() < dark[1].min(), "the line of the dial moves along the axis"


def test_a_constant_map_is_shown() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        stops = td.quantile_stops(np.full((1, 4, 4), 2.5, np.float32))
    preview = td.SegmentationPreview(
        torch.zeros(1, 1, 4, 4), torch.full((1, 4, 4), 2.5), thresholds=stops
    )
    preview.threshold = stops.values[0]
    assert (preview.mask(0) == 255).all()
    preview.threshold = stops.values[1]
    assert (preview.mask(0) == 0).all()
