"""How often each public call waits for an accelerator, and where what it returns lies."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

import torchdial as td
from tests.device.python_device import NAME, waits

GENERATOR = torch.Generator().manual_seed(0)
MAPS = torch.rand(4, 16, 16, generator=GENERATOR)
MASKS = torch.rand(4, 16, 16, generator=GENERATOR) > 0.5
CLASSES = torch.rand(2, 3, 16, 16, generator=GENERATOR).softmax(1)
LABELS = torch.randint(0, 3, (2, 16, 16), generator=GENERATOR)
IMAGES = torch.rand(4, 3, 16, 16, generator=GENERATOR)
START = torch.rand(30, 2, generator=GENERATOR) * 9
BOXES = torch.cat([START, START + 2 + torch.rand(30, 2, generator=GENERATOR) * 5], dim=1)
SCORES = torch.rand(30, generator=GENERATOR)
KINDS = torch.randint(0, 3, (30,), generator=GENERATOR)
STOPS = (0.1, 0.5, 0.7)


def there(*tensors: torch.Tensor) -> list[torch.Tensor]:
    return [tensor.to(NAME) for tensor in tensors]


def counted(call: Callable[[], Any]) -> tuple[int, Any]:
    with waits() as noted:
        result = call()
    return len(noted), result


# Of each call on tensors of the device: how often it waits. A check of the values is one wait.
maps, masks, classes, labels = there(MAPS, MASKS, CLASSES, LABELS)
boxes, scores, kinds = there(BOXES, SCORES, KINDS)
td.threshold_levels(maps, STOPS)  # stops that are not even are copied to a device once

ONE_TENSOR = {
    "threshold_levels": (1, lambda: td.threshold_levels(maps)),
    "threshold_levels, given stops": (1, lambda: td.threshold_levels(maps, STOPS)),
    "segment": (1, lambda: td.segment(maps, 0.5)),
    "segment, a threshold a class": (
        2,
        lambda: td.segment(classes, class_thresholds=STOPS, task="multiclass"),
    ),
    "nms_sweep": (2, lambda: td.nms_sweep(boxes, scores, kinds)),
}


@pytest.mark.parametrize(("most", "call"), ONE_TENSOR.values(), ids=ONE_TENSOR)
def test_waits_of_functions_whose_results_stay_on_the_device(most, call):
    number, result = counted(call)
    assert result.device.type == NAME
    assert number <= most


def test_detect_waits_twice_and_its_boxes_stay():
    number, found = counted(
        lambda: td.detect(boxes, scores, kinds, score_threshold=0.1, nms_iou=0.5)
    )
    assert {part.device.type for part in found.values()} == {NAME}
    assert len(found["boxes"])
    assert number <= 2


UPDATES = {
    "binary": ({}, MAPS, MASKS),
    "binary, labels in int64": ({}, MAPS, MASKS.long()),
    "binary, given stops": ({"thresholds": STOPS}, MAPS, MASKS),
    "logits and ignored pixels": ({"from_logits": True, "ignore_index": 0}, MAPS.logit(), MASKS),
    "multiclass": ({"task": "multiclass", "num_classes": 3}, CLASSES, LABELS),
    "multilabel": ({"task": "multilabel", "num_classes": 3}, CLASSES, CLASSES > 0.3),
}


@pytest.mark.parametrize(("settings", "probs", "target"), UPDATES.values(), ids=UPDATES)
def test_an_update_waits_once_and_counts_as_on_the_cpu(settings, probs, target):
    sweep, expected = td.ThresholdSweep(**settings), td.ThresholdSweep(**settings)
    expected.update(probs, target)
    given = there(probs, target)
    number, _ = counted(lambda: sweep.update(*given))
    assert number <= 1
    number, curves = counted(sweep.compute)
    assert number <= 1
    assert curves.tp.device.type == "cpu"
    for name in ("tp", "fp", "fn", "tn"):
        assert torch.equal(getattr(curves, name), getattr(expected.compute(), name))


def test_a_refused_update_says_what_is_wrong():
    sweep = td.ThresholdSweep()
    for probs, target, name in ((MAPS + 1, MASKS, "preds"), (MAPS, MASKS.long() + 1, "target")):
        with pytest.raises(ValueError, match=f"^{name}: expected"):
            sweep.update(*there(probs, target))


def test_a_detection_sweep_waits_once_for_detections_and_once_for_targets_of_an_image():
    found = {"boxes": boxes, "scores": scores, "labels": kinds}
    target = {"boxes": boxes[:5], "labels": kinds[:5]}
    sweep = td.DetectionSweep(num_classes=3)
    assert counted(lambda: sweep.update([found] * 3, [target] * 3))[0] <= 6
    number, curves = counted(sweep.compute)
    assert number == 0
    assert curves.metric("f1").device.type == "cpu"


def test_a_preview_of_a_model():
    model = nn.Conv2d(3, 1, 3, padding=1).to(NAME)
    images, targets = there(IMAGES, MASKS)
    number, preview = counted(
        lambda: td.SegmentationPreview.from_model(
            model, images, targets=targets, from_logits=True, batch_size=4
        )
    )
    assert number <= 8  # pictures 3, targets 2, maps 2, counts 1
    # A batch waits for the check of its maps and for its levels; the counts come at the end.
    assert counted(preview.refresh)[0] <= 3
    model = model.cpu()
    on_cpu = td.SegmentationPreview.from_model(model, IMAGES, targets=MASKS, from_logits=True)
    assert torch.equal(preview.curves.tp, on_cpu.curves.tp)


def test_a_preview_of_detections():
    found = [{"boxes": boxes, "scores": scores, "labels": kinds}]
    target = [{"boxes": boxes[:5], "labels": kinds[:5]}]
    images = IMAGES[:1].to(NAME)
    number, preview = counted(lambda: td.DetectionPreview(images, found, target))
    assert number <= 5  # pictures 3, targets 1, detections 1
    assert counted(lambda: preview.refresh(found))[0] <= 1


@pytest.mark.parametrize("clips", [False, True])
def test_the_training_thread_of_a_monitored_step_does_not_wait(clips):
    model = nn.Sequential(nn.Conv2d(3, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(392, 1)).to(NAME)
    optimizer = torch.optim.AdamW(model.parameters())
    monitor = td.TrainingMonitor(model, optimizer, budget=1)
    images = IMAGES.to(NAME)

    def step() -> None:
        loss = model(images).square().mean()
        optimizer.zero_grad()
        loss.backward()
        if clips:
            monitor.clip_grad_norm_(max_norm=0.1)
        optimizer.step()
        monitor.log({"loss": loss, "above": (loss > 0).sum()})

    assert [counted(step)[0] for _ in range(20)] == [0] * 20
    monitor.close()
    assert monitor.problem == ""
    assert len(monitor.history["loss"]) == len(monitor.history["grad_norm"]) == 20
    assert monitor.history.layers["update_ratio"].max.shape[0] == 4
