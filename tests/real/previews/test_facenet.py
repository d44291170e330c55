"""The MTCNN of facenet-pytorch with the weights it comes with, looking for faces in photographs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from facenet_pytorch import MTCNN
from facenet_pytorch.models.utils import detect_face
from skimage import data

import torchdial as td
from tests.real.cases import Cases

pytestmark = pytest.mark.real("facenet-pytorch")

PHOTOGRAPHS = ("astronaut", "chelsea", "coffee", "rocket")
Call = tuple[torch.Tensor, torch.Tensor, torch.Tensor, float, torch.Tensor]


@pytest.fixture(scope="module")
def calls() -> list[Call]:
    """Every non-maximum suppression of its three networks: boxes, scores, images, IoU, kept."""
    found: list[Call] = []
    theirs = detect_face.batched_nms

    def watched(boxes: Any, scores: Any, images: Any, overlap: float) -> torch.Tensor:
        kept = theirs(boxes, scores, images, overlap)
        found.append((boxes.detach(), scores.detach(), images, overlap, kept))
        return kept

    with pytest.MonkeyPatch.context() as patch, torch.no_grad():
        patch.setattr(detect_face, "batched_nms", watched)
        net = MTCNN(keep_all=True, min_face_size=24, thresholds=[0.3, 0.3, 0.3])
        for name in PHOTOGRAPHS:
            net.detect(np.ascontiguousarray(getattr(data, name)()))
    return found


def test_it_finds_the_astronauts_face() -> None:
    boxes, scores = MTCNN(keep_all=True).detect(data.astronaut())
    assert len(boxes) == 1
    assert scores[0] > 0.99


def test_detect_keeps_what_its_nms_keeps(calls: list[Call], cases: Cases) -> None:
    for i, (boxes, scores, images, overlap, theirs) in enumerate(calls):
        ours = td.detect(boxes, scores, images, score_threshold=0.0, nms_iou=overlap, max_det=10**6)
        cases.compare(f"call {i} of {len(boxes)} boxes", ours["indices"], theirs)
    assert cases.differing == []


def test_every_stop_of_the_dial(calls: list[Call], cases: Cases) -> None:
    stops = [k / 20 for k in range(21)]
    for i, (boxes, scores, images, _, _) in enumerate(calls):
        kept = td.nms_sweep(boxes, scores, images, nms_ious=stops)
        for k, stop in enumerate(stops):
            theirs = detect_face.batched_nms(boxes, scores, images, stop)
            cases.compare(f"call {i}, NMS {stop}", kept[:, k].nonzero()[:, 0], theirs.sort().values)
    assert cases.differing == []
