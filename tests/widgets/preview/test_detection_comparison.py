"""Two detectors under the same dials."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import torchdial as td
from tests.widgets.preview.boxes import read_source, scene
from tests.widgets.preview.test_segmentation_preview import scene as maps


def pair(**change: Any) -> tuple[td.DetectionPreview, td.DetectionPreview]:
    images, found, targets = scene()
    other = [one | {"scores": 1 - one["scores"]} for one in found]
    second = {"images": images, "detections": other, "targets": targets} | change
    return td.DetectionPreview(images, found, targets), td.DetectionPreview(**second)


def test_shows_both_at_the_same_setting() -> None:
    first, second = pair()
    both = td.compare(first, second, names=["small", "large"])
    both.score_threshold, both.nms_iou, both.max_det = 0.6, 0.3, 3
    metrics = both.metrics
    for preview in (first, second):
        preview.score_threshold, preview.nms_iou, preview.max_det = 0.6, 0.3, 3
    for i in range(5):
        for model, preview in enumerate((first, second)):
            expected = preview.kept(i)["indices"]
            assert torch.equal(both.kept(i, model=model)["indices"], expected)
    assert metrics == (first.metrics, second.metrics)
    assert both._config["sources"] == ["small", "large"]
    for model, preview in enumerate((first, second)):
        ours, theirs = read_source(both, model), read_source(preview)
        for name, parts in ours.items():
            np.testing.assert_array_equal(np.concatenate(parts), np.concatenate(theirs[name]))


def test_has_the_given_curves_of_both() -> None:
    sweeps = td.DetectionSweep(num_classes=4), td.DetectionSweep(num_classes=4)
    for seed, sweep in enumerate(sweeps):
        sweep.update(*scene(seed + 3)[1:])
    previews = [td.DetectionPreview(*scene(), curves=sweep.compute()) for sweep in sweeps]
    both = td.compare(*previews)
    assert both._curves == [preview._curves[0] for preview in previews]
    assert both._curves[0] != both._curves[1]
    both.max_det = 1
    previews[1].max_det = 1
    assert both._curves[1] == previews[1]._curves[0]


def test_begins_where_the_first_stands() -> None:
    first, second = pair()
    first.score_threshold, first.nms_iou, first.max_det = 0.7, 0.2, 3
    both = td.compare(first, second)
    assert (both.score_threshold, both.nms_iou, both.max_det) == (0.7, 0.2, 3)
    assert both._config["initial"]["max_det"] == 3


def test_follows_a_refresh_until_closed() -> None:
    first, second = pair()
    both = td.compare(first, second)
    found = scene()[1]
    second.refresh(found)
    assert torch.equal(both.kept(0, model=1)["indices"], first.kept(0)["indices"])
    second.refresh([one | {"scores": one["scores"] * 2} for one in found])
    assert "expected scores in [0, 1]" in both.notice
    both.close()
    second.refresh([one | {"scores": one["scores"] * 0} for one in found])
    assert torch.equal(both.kept(0, model=1)["indices"], first.kept(0)["indices"])


@pytest.mark.parametrize(
    ("change", "different"),
    [
        pytest.param({"images": scene(5)[0]}, "images", id="images"),
        pytest.param({"targets": scene(5)[2]}, "targets", id="targets"),
        pytest.param(
            {"targets": [one | {"iscrowd": one["iscrowd"] * 0} for one in scene()[2]]},
            "targets",
            id="crowds",
        ),
        pytest.param({"targets": None}, "targets", id="no targets"),
        pytest.param({"nms_ious": 11}, "nms_ious", id="stops"),
        pytest.param({"match_iou": 0.6}, "match_iou", id="match IoU"),
        pytest.param({"class_agnostic": True}, "class_agnostic", id="across classes"),
        pytest.param({"average": "macro"}, "average", id="average"),
        pytest.param({"class_names": list("abcd")}, "class_names", id="class names"),
    ],
)
def test_refuses_previews_that_differ(change: Any, different: str) -> None:
    with pytest.raises(ValueError, match=rf"got different {different}\. Make both"):
        td.compare(*pair(**change))


def test_refuses_two_of_different_kinds() -> None:
    first, _ = pair()
    with pytest.raises(ValueError, match=r"got DetectionPreview and SegmentationPreview"):
        td.compare(first, td.SegmentationPreview(*maps()))  # type: ignore[call-overload]


def test_with_targets_can_show_errors() -> None:
    both = td.compare(*pair())
    both.view = "errors"
    assert both.errors(0, model=1).keys() == {"true", "ignored", "missed"}
