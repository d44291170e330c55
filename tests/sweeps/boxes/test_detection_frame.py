"""Frames of the detection dials: order, floor, masks, and the largest overlap."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.sweeps.boxes import coco
from tests.sweeps.boxes.test_nms import crowd, iou
from torchdial.inputs import to_annotations, to_detections
from torchdial.sweeps.boxes.detection_frame import DetectionFrame, measure_image
from torchdial.sweeps.boxes.detection_sweep import DetectionSweep
from torchdial.sweeps.boxes.instance_masks import pack_masks
from torchdial.sweeps.boxes.nms import nms_sweep

SETTINGS = DetectionSweep(num_classes=coco.CLASSES).settings
DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


def frame_of(detections, targets=None, floor: float = 0.0) -> DetectionFrame:
    found = to_detections(detections, score_floor=floor)
    true = [None] * len(found) if targets is None else to_annotations(targets)
    parts = [
        measure_image(one, target, SETTINGS, (200, 200))
        for one, target in zip(found, true, strict=True)
    ]
    return DetectionFrame.cat(parts)


def test_counts_are_those_of_the_sweep() -> None:
    found, targets = coco.scenes(6)
    sweep = DetectionSweep(num_classes=coco.CLASSES)
    sweep.update(found, targets)
    frame = frame_of(found, targets)
    assert torch.equal(frame.curves.tp, sweep.compute().tp)
    assert torch.equal(frame.curves.fp, sweep.compute().fp)
    assert frame_of(found).curves is None


def test_a_floor_takes_away_candidates_and_nothing_else() -> None:
    found, targets = coco.scenes(6)
    whole, above = frame_of(found, targets), frame_of(found, targets, floor=0.3)
    stays = whole.tally.scores > 0.3
    assert torch.equal(above.index, whole.index[stays])
    assert torch.equal(above.tally.kept, whole.tally.kept[stays])
    thresholds = torch.full((coco.CLASSES,), 0.4)
    for stop in (20, 50, 90):
        shown = whole.shown(stop, thresholds, 5)
        assert torch.equal(whole.index[shown], above.index[above.shown(stop, thresholds, 5)])


def test_capped_curves_are_those_of_another_max_det() -> None:
    found, targets = coco.scenes(6)
    curves = frame_of(found, targets).curves
    sweep = DetectionSweep(num_classes=coco.CLASSES, max_det=3)
    sweep.update(found, targets)
    assert torch.equal(curves.capped(3).tp, sweep.compute().tp)
    assert torch.equal(curves.capped(3).average_precision(), sweep.compute().average_precision())
    assert curves.capped(300) is curves


@pytest.mark.parametrize("stop", [0.3, 0.5, 0.7])
def test_the_largest_overlap_is_at_most_the_stop_of_an_nms_before(stop: float) -> None:
    boxes, scores = crowd(600, per=8)
    kept = nms_sweep(boxes, scores, nms_ious=[stop])[:, 0]
    frame = frame_of([(boxes[kept], scores[kept])])
    pairs = [iou(box, boxes[kept].numpy()) for box in boxes[kept].numpy()]
    largest = max(float(np.delete(row, i).max()) for i, row in enumerate(pairs))
    assert stop - 0.02 < largest <= frame.overlap <= stop
    assert frame.overlap - largest < 0.01
    assert frame_of([(boxes, scores)]).overlap > 0.9
    assert frame_of([([], [])]).overlap is None
    assert frame_of([([[0, 0, 9, 9]] * 2, [0.9, 0.8])]).overlap == 1


@pytest.mark.parametrize("device", DEVICES)
def test_masks_by_hand(device: str) -> None:
    mask = torch.tensor([[0.9, 0.2, 0.6], [0.51, 0.5, 0.49]], device=device)
    boxes = torch.tensor([[0.0, 0, 3, 2], [1.5, 0.2, 9, 0.9], [-4, 0, -1, 2], [2, 2, 2, 2]])
    packed = pack_masks([mask] * 4, boxes, (2, 3))
    # all: 1 0 1 1 0 0; row 0 from column 1: 0 1; beside the image and without area: nothing
    assert packed.tolist() == [0b001101, 0b10]
    assert packed.dtype == np.uint8


@pytest.mark.parametrize(
    ("size", "column"),
    [
        pytest.param((2, 2), [1, 0, 1, 0], id="as it is"),
        pytest.param((4, 4), [1, 1, 0, 0] * 4, id="twice as large"),
        pytest.param((3, 3), [1, 0, 0] * 3, id="the middle of each pixel counts"),
        pytest.param((1, 1), [0], id="smaller"),
    ],
)
def test_masks_are_stretched_by_nearest_neighbours(
    size: tuple[int, int], column: list[int]
) -> None:
    """The left half is on."""
    mask = torch.tensor([[True, False], [True, False]])
    packed = pack_masks([mask], torch.tensor([[0.0, 0.0, size[1], size[0]]]), size)
    assert np.unpackbits(packed, bitorder="little")[: len(column)].tolist() == column
