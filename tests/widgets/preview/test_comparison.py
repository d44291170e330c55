"""Two models under one dial."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import torchdial as td
from tests.widgets.preview.test_segmentation_preview import scene


def pair() -> tuple[td.SegmentationPreview, td.SegmentationPreview, torch.Tensor]:
    images, probs, targets = scene()
    first = td.SegmentationPreview(images, probs, targets)
    return first, td.SegmentationPreview(images, 1 - probs, targets), probs


def test_shows_both_at_one_threshold() -> None:
    first, second, probs = pair()
    both = td.compare(first, second, names=["small", "large"])
    both.threshold = 0.7
    np.testing.assert_array_equal(both.mask(0, model=0) > 0, (probs[0, 0] > 0.7).numpy())
    np.testing.assert_array_equal(both.mask(0, model=1) > 0, (1 - probs[0, 0] > 0.7).numpy())
    first.threshold = second.threshold = 0.7
    assert both.metrics == (first.metrics, second.metrics)


def test_follows_a_refresh_until_closed() -> None:
    first, second, probs = pair()
    both = td.compare(first, second)
    second.refresh(probs)
    np.testing.assert_array_equal(both.mask(1, model=1), both.mask(1, model=0))
    before = both.mask(1, model=1)
    both.close()
    second.refresh(1 - probs)
    np.testing.assert_array_equal(both.mask(1, model=1), before)


def test_reports_what_is_wrong_with_either() -> None:
    first, second, probs = pair()
    both = td.compare(first, second)
    second.refresh(probs * 2)
    assert "Scores of any range" in both.notice
    second.refresh(probs)
    assert both.notice == ""


def test_of_a_preview_with_itself_closes() -> None:
    first, _, _ = pair()
    both = td.compare(first, first)
    both.close()


@pytest.mark.parametrize("names", [["x"], "ab", ["a", "b", "c"]])
def test_refuses_other_than_two_names(names: list[str]) -> None:
    first, second, _ = pair()
    with pytest.raises(ValueError, match=r"names: expected a name for each of two previews"):
        td.compare(first, second, names=names)


def test_refuses_previews_of_different_images() -> None:
    first, _, _ = pair()
    images, probs, targets = scene(seed=5)
    other = td.SegmentationPreview(images, probs, targets)
    with pytest.raises(ValueError, match=r"got different images and targets. Make both"):
        td.compare(first, other)
