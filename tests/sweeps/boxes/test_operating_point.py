"""Where the dials stand as the arguments of others: their names, and the same decisions."""

from __future__ import annotations

from typing import Any

import pytest

from torchdial.inputs import to_stops
from torchdial.sweeps.boxes.operating_point import OperatingPoint

PLAIN = OperatingPoint(0.25, 0.5, 300, {}, class_agnostic=False)


@pytest.mark.parametrize(
    ("to", "arguments"),
    [
        pytest.param(
            "torchdial",
            {"score_threshold": 0.25, "nms_iou": 0.5, "class_agnostic": False, "max_det": 300},
            id="torchdial.detect",
        ),
        pytest.param(
            "faster_rcnn",
            {"box_score_thresh": 0.25, "box_nms_thresh": 0.5, "box_detections_per_img": 300},
            id="torchvision's R-CNNs",
        ),
        pytest.param(
            "retinanet",
            {"score_thresh": 0.25, "nms_thresh": 0.5, "detections_per_img": 300},
            id="torchvision's detectors of one stage",
        ),
        pytest.param(
            "ultralytics",
            {"conf": 0.25, "iou": 0.5, "max_det": 300, "agnostic_nms": False},
            id="Ultralytics' predict",
        ),
    ],
)
def test_speaks_as_each_of_them(to: Any, arguments: dict[str, Any]) -> None:
    assert PLAIN.export(to) == arguments


def test_torchdial_knows_thresholds_of_classes() -> None:
    point = OperatingPoint(0.25, 0.5, 300, {17: 0.4}, class_agnostic=True)
    assert point.export()["class_thresholds"] == {17: 0.4}
    assert point.export()["class_agnostic"] is True


@pytest.mark.parametrize(
    ("own", "agnostic", "to", "message"),
    [
        pytest.param({1: 0.4}, False, "ultralytics", r"class_thresholds: .*\{1: 0.4\}", id="own"),
        pytest.param({}, True, "retinanet", r"class_agnostic: .*each class, got True", id="across"),
        pytest.param({}, False, "yolo", r"torchdial \| .* got 'yolo'", id="unknown"),
    ],
)
def test_what_cannot_be_said_is_refused(own: Any, agnostic: bool, to: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        OperatingPoint(0.25, 0.5, 300, own, agnostic).export(to)


@pytest.mark.parametrize("to", ["faster_rcnn", "retinanet", "ultralytics"])
def test_a_stop_is_exported_as_the_float64_that_nms_compares_with(to: Any) -> None:
    """torchvision's CPU kernel compares a float32 IoU with the double that it is given."""
    for stop in to_stops(101).values:
        values = OperatingPoint(0.25, stop, 300, {}, class_agnostic=False).export(to).values()
        assert list(values)[1] == stop
