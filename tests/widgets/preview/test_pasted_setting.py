"""A setting as one line of text, copied from one preview and read by another."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import torchdial as td
from tests.e2e import detections, maps
from torchdial.widgets.preview.pasted_setting import detection_traits, segmentation_traits

GOLDEN = json.loads((Path(__file__).parents[2] / "golden/settings.json").read_text("utf-8"))
KINDS = ("segmentation", "scores", "detection")
CASES = [(kind, *case) for kind in KINDS for case in GOLDEN[kind]["cases"]]


@pytest.mark.parametrize(("kind", "text", "expected"), CASES)
def test_text(kind: str, text: str, expected: Any) -> None:
    golden = GOLDEN[kind]

    def read() -> dict[str, Any]:
        if kind == "segmentation":
            return segmentation_traits(text, golden["task"], golden["num_classes"])
        if kind == "scores":
            ends = (golden["stops"][0], golden["stops"][-1])
            return segmentation_traits(text, golden["task"], golden["num_classes"], scores=ends)
        return detection_traits(text, golden["labels"], golden["class_agnostic"])

    if isinstance(expected, dict):
        assert read() == expected
    else:
        with pytest.raises(ValueError, match="Paste what export") as error:
            read()
        assert str(error.value).startswith(expected)


def classes(**options: Any) -> td.SegmentationPreview:
    return td.SegmentationPreview(
        maps.images, maps.logits, task="multiclass", from_logits=True, **options
    )


@pytest.mark.parametrize("as_text", [str, json.dumps, dict])
def test_what_one_preview_exports_another_applies(as_text: Any) -> None:
    first = classes(threshold=0.3, class_thresholds={"class 2": 0.55})
    first.label = 1
    second = classes()
    second.apply(as_text(first.export()))
    assert second.export() == first.export()
    assert all(np.array_equal(first.mask(i), second.mask(i)) for i in range(maps.N))
    second.apply(as_text(classes(threshold=0.7).export()))
    assert (second.threshold, second.class_thresholds, second.label) == (0.7, [], None)

    boxes, others = detections.make(score_threshold=0.4, nms_iou=0.3), detections.make()
    boxes.max_det = 5
    boxes.class_thresholds = [0.1 if c == 3 else None for c in range(10)]
    others.apply(as_text(boxes.export()))
    assert others.export() == boxes.export()
    assert detections.kept(others) == detections.kept(boxes)


def test_a_refused_setting_changes_nothing() -> None:
    preview = classes(threshold=0.3)
    with pytest.raises(ValueError, match="setting: expected"):
        preview.apply('{"threshold": 0.7, "label": 9}')
    assert (preview.threshold, preview.label) == (0.3, None)


@pytest.mark.parametrize(
    "setting",
    [
        {"threshold": 0.7131, "class_thresholds": [0.4]},
        {"threshold": 0.7, "label": False},
    ],
)
def test_a_setting_that_does_not_fit_a_single_class_changes_nothing(setting: Any) -> None:
    preview = td.SegmentationPreview(torch.zeros(1, 1, 4, 4), torch.rand(1, 4, 4), threshold=0.3)
    with pytest.raises(ValueError, match="setting: expected"):
        preview.apply(setting)
    assert (preview.threshold, preview.class_thresholds, preview.label) == (0.3, [], None)


def test_a_value_that_only_the_trait_refuses_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    preview = classes(threshold=0.3)
    traits = {"threshold": 0.7, "class_thresholds": [0.1]}  # of four classes
    monkeypatch.setattr(preview, "_to_traits", lambda _setting: traits)
    with pytest.raises(ValueError, match="class_thresholds: expected"):
        preview.apply({})
    assert (preview.threshold, preview.class_thresholds) == (0.3, [])
