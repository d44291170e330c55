"""pycocotools' average precision, of boxes that its detector's non-maximum suppression has left."""

from __future__ import annotations

import numpy as np
import pytest
from torchvision.ops import batched_nms

import torchdial as td
from tests.real.cases import Cases
from tests.sweeps.boxes import coco

pytestmark = pytest.mark.real("pycocotools")

STOPS = [0.0, 0.3, 0.5, 0.7, 1.0]
AREAS = ("all", "small", "medium", "large")


@pytest.mark.parametrize("seed", range(6))
def test_average_precision_at_every_stop(seed: int, cases: Cases) -> None:
    found, true = coco.scenes(8, seed, num_boxes=40)
    sweep = td.DetectionSweep(num_classes=coco.CLASSES, nms_ious=STOPS)
    sweep.update(found, true)
    curves = sweep.compute()
    for k, stop in enumerate(STOPS):
        left = [
            {
                key: values[batched_nms(one["boxes"], one["scores"], one["labels"], stop)]
                for key, values in one.items()
            }
            for one in found
        ]
        precision = coco.coco_eval(left, true).eval["precision"][..., -1]
        for a, area in enumerate(AREAS):
            for t, match_iou in enumerate(np.linspace(0.5, 0.95, 10)):
                theirs = np.full(coco.CLASSES, np.nan)
                of_class = precision[t, :, :, a]
                theirs[: of_class.shape[1]] = np.where(of_class[0] < 0, np.nan, of_class.mean(0))
                ours = curves.average_precision(float(match_iou), area, None)[:, k]
                about = f"NMS {stop}, {area} at {match_iou:.2f}"
                cases.compare(about, ours.numpy().round(12), theirs.round(12))
    assert cases.differing == []
