"""supervision's Detections and its with_nms."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import supervision as sv
import torch

import torchdial as td
from tests.real.cases import Cases

pytestmark = pytest.mark.real("supervision")

IMAGES = torch.zeros(1, 3, 480, 640)
OVERLAPS = (0.1, 0.3, 0.45, 0.5, 0.7, 0.95)


def crowded(seed: int, count: int = 200) -> sv.Detections:
    """Detections in clusters, each with a number of its own."""
    rng = np.random.default_rng(seed)
    centres = rng.uniform(60, 400, (12, 2))[rng.integers(0, 12, count)]
    corners = centres + rng.normal(0, 12, (count, 2))
    sizes = rng.uniform(20, 70, (count, 2))
    labels = rng.integers(0, 3, count)
    return sv.Detections(
        xyxy=np.concatenate([corners, corners + sizes], axis=1).astype(np.float32),
        confidence=rng.permutation(np.linspace(0.02, 0.98, count)).astype(np.float32),
        class_id=labels,
        data={"number": np.arange(count), "class_name": np.array(["cat", "dog", "cow"])[labels]},
    )


@pytest.mark.parametrize("agnostic", [False, True], ids=["by class", "across classes"])
def test_the_dials_keep_what_with_nms_keeps(agnostic: bool, cases: Cases) -> None:
    for seed in range(10):
        given = crowded(seed)
        preview = td.DetectionPreview(IMAGES, [given], class_agnostic=agnostic, after_nms=False)
        for score, overlap in itertools.product((0.0, 0.25, 0.5), OVERLAPS):
            preview.score_threshold, preview.nms_iou = score, overlap
            above = given[given.confidence > np.float32(score)]
            theirs = above.with_nms(threshold=overlap, class_agnostic=agnostic)
            cases.compare(
                f"scene {seed}, score {score}, NMS {overlap}",
                preview.kept(0)["indices"].sort().values,
                np.sort(theirs.data["number"]),
            )
    assert cases.differing == []


def test_detections_open_as_they_are(cases: Cases) -> None:
    for seed in range(10):
        given = crowded(seed).with_nms(threshold=0.7)
        given = given[given.confidence > 0.3]
        kept = td.DetectionPreview(IMAGES, [given]).kept(0)
        cases.compare(f"scene {seed}", kept["indices"].sort().values, np.arange(len(given)))
    assert cases.differing == []


def test_detections_as_targets(cases: Cases) -> None:
    given = crowded(0)
    true = given[given.confidence > 0.9]
    preview = td.DetectionPreview(IMAGES, [given], [true])
    as_dict = [{"boxes": true.xyxy, "labels": true.class_id}]
    of_dict = td.DetectionPreview(IMAGES, [given], as_dict)
    cases.compare("tp", preview.metrics["tp"], of_dict.metrics["tp"])
    assert cases.differing == []
