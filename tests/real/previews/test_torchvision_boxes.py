"""torchvision's NMS on tied boxes, and its boxes that know their format."""

from __future__ import annotations

import pytest
import torch
from torchvision.ops import batched_nms, nms
from torchvision.tv_tensors import BoundingBoxes

import torchdial as td
from tests.real.cases import Cases

pytestmark = pytest.mark.real("torchvision")

STOPS = [k / 20 for k in range(21)]


def tied(seed: int, count: int = 40) -> tuple[torch.Tensor, torch.Tensor]:
    """Boxes on a coarse grid, so that many IoUs are simple fractions and many scores equal."""
    rng = torch.Generator().manual_seed(seed)
    corners = torch.randint(0, 6, (count, 2), generator=rng)
    sizes = torch.randint(1, 11, (count, 2), generator=rng)
    boxes = torch.cat([corners, corners + sizes], dim=1).float()
    return boxes, torch.randint(1, 8, (count,), generator=rng) / 8


def test_tied_boxes_at_every_stop(cases: Cases) -> None:
    for seed in range(60):
        boxes, scores = tied(seed)
        kept = td.nms_sweep(boxes, scores, nms_ious=STOPS)
        for k, stop in enumerate(STOPS):
            theirs = nms(boxes, scores, stop).sort().values
            cases.compare(f"scene {seed}, NMS {stop}", kept[:, k].nonzero()[:, 0], theirs)
    assert cases.differing == []


def test_tied_boxes_of_several_classes(cases: Cases) -> None:
    """Of whole coordinates, which batched_nms' shift leaves exact."""
    for seed in range(60):
        boxes, scores = tied(seed)
        labels = torch.arange(len(boxes)) % 3
        kept = td.nms_sweep(boxes, scores, labels, nms_ious=STOPS)
        for k, stop in enumerate(STOPS):
            theirs = batched_nms(boxes, scores, labels, stop).sort().values
            cases.compare(f"scene {seed}, NMS {stop}", kept[:, k].nonzero()[:, 0], theirs)
    assert cases.differing == []


FORMATS = {
    "XYXY": [10.0, 20.0, 40.0, 80.0],
    "XYWH": [10.0, 20.0, 30.0, 60.0],
    "CXCYWH": [25.0, 50.0, 30.0, 60.0],
}


@pytest.mark.parametrize("given", FORMATS)
def test_boxes_that_know_their_format(given: str, cases: Cases) -> None:
    boxes = BoundingBoxes([FORMATS[given]], format=given, canvas_size=(100, 100))
    corners = torch.tensor([FORMATS["XYXY"]])
    labels = torch.tensor([0])
    images = torch.zeros(1, 3, 100, 100)
    true = [{"boxes": boxes, "labels": labels}]
    preview = td.DetectionPreview(images, [(boxes, torch.tensor([0.9]), labels)], true)
    cases.compare("as detections", preview.kept(0)["boxes"], corners)
    of_corners = td.DetectionPreview(images, [(corners, torch.tensor([0.9]), labels)], true)
    cases.compare("as targets", of_corners.metrics["tp"], 1)
    assert cases.differing == []
