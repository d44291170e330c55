"""The torchmetrics metric of detection: what DetectionSweep gives, wherever it is taken."""

from typing import Any

import pytest
from torchmetrics import MetricCollection

from tests.inputs.error_messages import says
from tests.sweeps.boxes import coco
from tests.sweeps.boxes.test_detection_sweep import same
from tests.sweeps.processes import detections_of
from tests.sweeps.test_torchmetrics import COPIES, DEVICES, OTHER_SETTINGS, detection_curves
from torchdial.sweeps.torchmetrics import DetectionSweepMetric


def detected(images: slice = slice(None), **how: Any) -> DetectionSweepMetric:
    metric = DetectionSweepMetric(num_classes=coco.CLASSES, **how)
    found, true = detections_of()
    metric.update(found[images], true[images])
    return metric


@pytest.mark.parametrize("device", DEVICES)
def test_in_any_batches(device: str) -> None:
    metric = DetectionSweepMetric(num_classes=coco.CLASSES).to(device)
    found, true = detections_of()
    assert metric(found[:1], true[:1]).num_images == 1
    assert metric(found[1:], true[1:]).num_images == 3
    metric.update([], [])
    assert same(metric.compute(), detection_curves())
    assert metric.compute() is metric.compute()
    assert {part.device.type for part in metric.kept} == {device}


def test_a_refused_batch_leaves_the_counts() -> None:
    metric = detected()
    found, true = detections_of()
    with pytest.raises(ValueError, match=says("targets", "4 images", "3", "no boxes")):
        metric.update(found, true[:3])
    assert same(metric.compute(), detection_curves())
    metric.reset()
    message = says("compute", "one update", "none", "Call update")
    with pytest.warns(UserWarning, match="before"), pytest.raises(ValueError, match=message):
        metric.compute()


def test_in_a_collection() -> None:
    """What differs only in what is done with the counts shares them; all else keeps apart."""
    metrics = MetricCollection(
        {
            name: DetectionSweepMetric(**{"num_classes": coco.CLASSES} | how)
            for name, how in {
                "plain": {},
                "few": {"max_det": 2, "score_thresholds": 3, "zero_division": 0.0},
                "strict": {"match_iou": 0.9},
                "agnostic": {"class_agnostic": True},
                "stops": {"nms_ious": 99},
                "any class": {"num_classes": 9},
            }.items()
        }
    )
    found, true = detections_of()
    empty = [{name: t[:0] for name, t in side.items()} for side in (found[0], true[0])]
    metrics.update(*([side] for side in empty))
    metrics.update(found, true)
    groups = sorted(map(sorted, metrics.compute_groups.values()))
    assert groups == [["agnostic"], ["any class"], ["few", "plain"], ["stops"], ["strict"]]
    assert metrics.compute()["few"].tp.shape == (coco.CLASSES, 101, 3)


def test_in_checkpoints_and_merged() -> None:
    first, second = detected(slice(0, 1)), detected(slice(1, 4))
    first.persistent(True)
    restored = DetectionSweepMetric(num_classes=coco.CLASSES)
    restored.load_state_dict(first.state_dict())
    second.merge_state(restored)
    assert same(second.compute(), detection_curves())
    with pytest.raises(ValueError, match=OTHER_SETTINGS):
        second.merge_state(detected(match_iou=0.6))


@pytest.mark.parametrize("copied", COPIES)
def test_copies_count_on_by_themselves(copied: Any) -> None:
    """Cast to half as well: scores, areas and IoUs keep their bits."""
    metric = detected(slice(0, 2))
    metric.compute()
    other = copied(metric)
    other.update(*(side[2:] for side in detections_of()))
    assert same(other.compute(), detection_curves())
    if other is not metric:
        assert metric.compute().num_images == 2
