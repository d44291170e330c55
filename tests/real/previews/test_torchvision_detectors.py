"""torchvision's own detectors: the dials keep what the model keeps with the same settings."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torchvision.models import detection

import torchdial as td
from tests.real.cases import Cases
from tests.real.photographs import photograph
from tests.real.random_weights import Remembered, settle_batch_norm, spread
from torchdial.sweeps.boxes.instance_masks import pack_masks

pytestmark = pytest.mark.real("torchvision")

KEYS = ("boxes", "scores", "labels")
IMAGES = [photograph("astronaut", 128, 160), photograph("coffee", 160, 128)]
SETTINGS = list(itertools.product((0.05, 0.25, 0.5, 0.72), (0.1, 0.3, 0.45, 0.5, 0.7, 0.99)))
PLAIN = {"weights": None, "weights_backbone": None, "num_classes": 4}
SMALL = PLAIN | {"min_size": 128, "max_size": 160}
MODELS: dict[str, tuple[Callable[..., nn.Module], dict[str, Any]]] = {
    "RetinaNet": (detection.retinanet_resnet50_fpn, SMALL),
    "RetinaNet v2": (detection.retinanet_resnet50_fpn_v2, SMALL),
    "FCOS": (detection.fcos_resnet50_fpn, SMALL),
    "SSD": (detection.ssd300_vgg16, PLAIN),
    "SSDlite": (detection.ssdlite320_mobilenet_v3_large, PLAIN),
    "Faster R-CNN": (detection.fasterrcnn_mobilenet_v3_large_320_fpn, SMALL),
    "Mask R-CNN": (detection.maskrcnn_resnet50_fpn, SMALL),
    "Keypoint R-CNN": (detection.keypointrcnn_resnet50_fpn, SMALL),
}


def last_layers(model: nn.Module) -> tuple[list[nn.Module], list[nn.Module]]:
    """Return the layers that give the logits of classes, and those that give boxes."""
    if hasattr(model, "roi_heads"):
        predictor = model.roi_heads.box_predictor
        return [predictor.cls_score], [predictor.bbox_pred]
    head = model.head
    if hasattr(head.classification_head, "module_list"):  # SSD; SSDlite's are sequences
        lists = (head.classification_head.module_list, head.regression_head.module_list)
        classes, boxes = (
            [m[-1] if isinstance(m, nn.Sequential) else m for m in of] for of in lists
        )
        return classes, boxes
    return [head.classification_head.cls_logits], [head.regression_head.bbox_reg]


def remember(model: nn.Module) -> None:
    """Run once what does not depend on the settings."""
    model.backbone = Remembered(model.backbone)
    if hasattr(model, "roi_heads"):
        model.rpn = Remembered(model.rpn)
        model.roi_heads.box_head = Remembered(model.roi_heads.box_head)
    else:
        model.head = Remembered(model.head)


def make(name: str) -> nn.Module:
    torch.manual_seed(0)
    builder, options = MODELS[name]
    model = builder(**options).eval()
    classes, boxes = last_layers(model)
    with td.raw_candidates(model, score_floor=0.99):
        settle_batch_norm(model, lambda: model(IMAGES))
        spread(classes, lambda: model(IMAGES), mean=-1.0)
        spread(boxes, lambda: model(IMAGES), std=0.5)
    return model


def pieces(packed: Any, boxes: torch.Tensor, size: Any) -> list[Any]:
    """Return the packed mask of each box."""
    limits = torch.tensor([size[1], size[0]])
    first = torch.minimum(boxes[:, :2].floor().clamp(min=0), limits)
    after = torch.minimum(boxes[:, 2:].ceil().clamp(min=0), limits)
    ends = ((after - first).prod(1) / 8).ceil().long().cumsum(0)
    return np.split(packed, ends[:-1])


def check_at(
    settings: Iterable[tuple[float, float]], name: str, max_det: int, cases: Cases
) -> None:
    model = make(name)
    remember(model)
    preview = td.DetectionPreview.from_model(
        model, IMAGES, max_det=max_det, class_names=["", "cat", "cup", "dog"]
    )
    head = getattr(model, "roi_heads", model)
    for score, overlap in settings:
        preview.score_threshold, preview.nms_iou = score, overlap
        head.score_thresh, head.nms_thresh, head.detections_per_img = score, overlap, max_det
        with torch.no_grad():
            found = model(IMAGES)
        for i, theirs in enumerate(found):
            ours = preview.kept(i)
            about = f"score {score}, NMS {overlap}, image {i}"
            cases.compare(about, [ours[key] for key in KEYS], [theirs[key] for key in KEYS])
    assert cases.differing == []


PLAIN_BOXES = ["RetinaNet", "RetinaNet v2", "FCOS", "SSD", "SSDlite", "Faster R-CNN"]


@pytest.mark.parametrize("name", PLAIN_BOXES)
def test_the_dials_keep_what_the_model_keeps(name: str, cases: Cases) -> None:
    check_at(SETTINGS, name, 100, cases)


@pytest.mark.parametrize("name", ["Mask R-CNN", "Keypoint R-CNN"])
def test_they_do_where_the_model_has_masks_or_keypoints(name: str, cases: Cases) -> None:
    """With few boxes: the model runs its other head on each of them."""
    check_at(SETTINGS[::5], name, 4, cases)


def test_the_masks_are_those_of_the_model(cases: Cases) -> None:
    """A bit of each pixel of a box where the model's mask is above 0.5."""
    model = make("Mask R-CNN")
    remember(model)
    preview = td.DetectionPreview.from_model(model, IMAGES, score_floor=0.3, max_det=1000)
    frame = preview._shown[1][0]
    for overlap in (0.3, 0.5, 0.7):
        preview.nms_iou, preview.score_threshold = overlap, 0.3
        head = model.roi_heads
        head.score_thresh, head.nms_thresh, head.detections_per_img = 0.3, overlap, 1000
        with torch.no_grad():
            found = model(IMAGES)
        for i, theirs in enumerate(found):
            size = IMAGES[i].shape[-2:]
            rows = frame.rows(i)
            shown = preview._remaining(frame)[rows]
            ours = pieces(frame.masks[i], frame.boxes[rows], size)
            for mask, box, piece in zip(
                theirs["masks"], theirs["boxes"], itertools.compress(ours, shown), strict=True
            ):
                cases.compare(
                    f"NMS {overlap}, image {i}", piece, pack_masks([mask[0]], box[None], size)
                )
    assert cases.number > 20
    assert cases.differing == []


@pytest.mark.parametrize(
    ("name", "to"), [("SSDlite", "retinanet"), ("Faster R-CNN", "faster_rcnn")]
)
def test_a_model_built_with_the_exported_setting(name: str, to: Any, cases: Cases) -> None:
    model = make(name)
    preview = td.DetectionPreview.from_model(model, IMAGES)
    preview.score_threshold, preview.nms_iou, preview.max_det = 0.31, 0.42, 77
    builder, options = MODELS[name]
    built = builder(**options, **preview.export(to=to)).eval()
    built.load_state_dict(model.state_dict())
    with torch.no_grad():
        found = built(IMAGES)
    for i, theirs in enumerate(found):
        ours = preview.kept(i)
        cases.compare(f"image {i}", [ours[key] for key in KEYS], [theirs[key] for key in KEYS])
    assert cases.differing == []
