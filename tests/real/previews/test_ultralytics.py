"""Ultralytics' own models, non-maximum suppression and Results."""

from __future__ import annotations

import itertools
import re
from typing import Any

import pytest
import torch
from torch import nn
from ultralytics import YOLO
from ultralytics.nn.tasks import DetectionModel, OBBModel, PoseModel, SegmentationModel
from ultralytics.utils.nms import non_max_suppression

import torchdial as td
from tests.real.cases import Cases
from tests.real.photographs import photographs
from tests.real.random_weights import settle_batch_norm, spread

pytestmark = pytest.mark.real("ultralytics")

NAMES = ["cat", "cup", "rocket"]
IMAGES = photographs(96, 128)
SETTINGS = list(itertools.product((0.01, 0.25, 0.4, 0.6), (0.1, 0.3, 0.45, 0.5, 0.7, 0.95)))
MODELS = ["yolov3-tiny", "yolov5n", "yolov6n", "yolov8n", "yolov9t", "yolo11n", "yolo12n"]


def make(name: str, kind: type = DetectionModel, *, end2end: bool = False) -> Any:
    torch.manual_seed(0)
    model = kind(f"{name}.yaml", nc=len(NAMES), verbose=False).eval()
    head = model.model[-1]
    head.end2end = end2end
    settle_batch_norm(model, lambda: model(IMAGES))
    classes, boxes = (head.one2one_cv3, head.one2one_cv2) if end2end else (head.cv3, head.cv2)
    spread([branch[-1] for branch in classes], lambda: model(IMAGES), mean=-1.5)
    # Without bins a distance may be negative, which turns a box inside out.
    mean, std = (0.0, 2.0) if head.reg_max > 1 else (2.0, 0.4)
    spread([branch[-1] for branch in boxes], lambda: model(IMAGES), mean=mean, std=std)
    return model


def rows_of(kept: dict[str, torch.Tensor]) -> torch.Tensor:
    """Return what is kept as Ultralytics has it: x1, y1, x2, y2, score, class."""
    return torch.cat([kept["boxes"], kept["scores"][:, None], kept["labels"][:, None]], dim=1)


@torch.inference_mode()
def output_of(model: nn.Module) -> Any:
    return model(IMAGES)


@pytest.mark.parametrize("name", MODELS)
def test_the_dials_keep_what_their_nms_keeps(name: str, cases: Cases) -> None:
    """Of one class after the other: for all at once their NMS shifts boxes, which rounds them."""
    model = make(name)
    preview = td.DetectionPreview.from_model(model, IMAGES, class_names=NAMES)
    across = td.DetectionPreview.from_model(model, IMAGES, class_names=NAMES, class_agnostic=True)
    raw = output_of(model)[0]
    for score, overlap in SETTINGS:
        for of in (preview, across):
            of.score_threshold, of.nms_iou = score, overlap
        theirs = non_max_suppression(raw.clone(), score, overlap, agnostic=True)
        for i, rows in enumerate(theirs):
            about = f"score {score}, NMS {overlap}, image {i}"
            cases.compare(f"{about}, across classes", rows_of(across.kept(i)), rows)
        for label in range(len(NAMES)):
            theirs = non_max_suppression(raw.clone(), score, overlap, [label], agnostic=True)
            for i, rows in enumerate(theirs):
                ours = rows_of(preview.kept(i))
                about = f"score {score}, NMS {overlap}, image {i}, {NAMES[label]}"
                cases.compare(about, ours[ours[:, 5] == label], rows)
    assert cases.differing == []


@pytest.mark.parametrize("name", ["yolov10n", "yolo26n"])
def test_rows_of_a_model_without_nms(name: str, cases: Cases) -> None:
    model = make(name, end2end=True)
    preview = td.DetectionPreview.from_model(
        model,
        IMAGES,
        class_names=NAMES,
    )
    for score in (0.05, 0.1, 0.25, 0.5):
        preview.score_threshold = score
        theirs = non_max_suppression(output_of(model), score, end2end=True)
        for i, rows in enumerate(theirs):
            cases.compare(f"score {score}, image {i}", rows_of(preview.kept(i)), rows)
    assert cases.differing == []


def results_of(name: str, kind: type, **options: Any) -> list[Any]:
    yolo = YOLO(f"{name}.yaml", verbose=False)
    yolo.model = make(name, kind)
    pictures = [image.permute(1, 2, 0).mul(255).byte().numpy()[..., ::-1] for image in IMAGES]
    return yolo.predict(pictures, imgsz=128, verbose=False, save=False, **options)


@pytest.mark.parametrize(
    ("name", "kind"), [("yolov8n", DetectionModel), ("yolov8n-seg", SegmentationModel)]
)
def test_results_are_shown_as_they_are(name: str, kind: type, cases: Cases) -> None:
    results = results_of(name, kind, conf=0.3, iou=0.7)
    preview = td.DetectionPreview(IMAGES, results, nms_iou=1.0, score_threshold=0.0)
    for i, one in enumerate(results):
        cases.compare(f"image {i}", rows_of(preview.kept(i)), one.boxes.data)
    assert cases.differing == []


def test_results_open_as_they_are(cases: Cases) -> None:
    results = results_of("yolov8n", DetectionModel, conf=0.3, iou=0.7)
    preview = td.DetectionPreview(IMAGES, results)
    for i, one in enumerate(results):
        cases.compare(f"image {i}", rows_of(preview.kept(i)), one.boxes.data)
    assert cases.differing == []


def test_a_segmentation_head(cases: Cases) -> None:
    model = make("yolov8n-seg", SegmentationModel)
    preview = td.DetectionPreview.from_model(model, IMAGES, class_names=NAMES, class_agnostic=True)
    preview.score_threshold, preview.nms_iou = 0.25, 0.5
    raw = output_of(model)[0][0]
    theirs = non_max_suppression(raw.clone(), 0.25, 0.5, agnostic=True, nc=len(NAMES))
    for i, rows in enumerate(theirs):
        cases.compare(f"image {i}", rows_of(preview.kept(i)), rows[:, :6])
    assert cases.differing == []


@pytest.mark.parametrize("name", ["yolov8n-obb", "yolo11n-obb"])
def test_a_head_of_rotated_boxes_is_refused(name: str, cases: Cases) -> None:
    with pytest.raises(ValueError, match="rotated") as refused:
        td.DetectionPreview.from_model(make(name, OBBModel), IMAGES, class_names=NAMES)
    remedy = re.search(r"pass (\[.+\])\.$", str(refused.value))
    assert remedy is not None
    results = results_of(name, OBBModel, conf=0.3, iou=0.7)
    found = eval(remedy[1].replace("model.predict(images)", "results"), {"results": results})
    preview = td.DetectionPreview(IMAGES, found, nms_iou=1.0, score_threshold=0.0)
    for i, one in enumerate(results):
        order = one.obb.conf.sort(descending=True, stable=True).indices
        cases.compare(f"image {i}", preview.kept(i)["boxes"], one.obb.xyxy[order])
    assert cases.differing == []


WIDER: dict[str, tuple[str, type, bool]] = {
    "-pose": ("yolov8n-pose", PoseModel, False),
    "rows with masks": ("yolo26n-seg", SegmentationModel, True),
    "rows with keypoints": ("yolo26n-pose", PoseModel, True),
}


@pytest.mark.parametrize("given", WIDER)
def test_wider_heads_are_refused_with_a_remedy_that_works(given: str, cases: Cases) -> None:
    name, kind, end2end = WIDER[given]
    model = make(name, kind, end2end=end2end)
    with pytest.raises(ValueError, match="keypoints") as refused:
        td.DetectionPreview.from_model(model, IMAGES, class_names=NAMES)
    remedy = re.search(r"output=(lambda .+) in from_model", str(refused.value))
    assert remedy is not None
    preview = td.DetectionPreview.from_model(
        model, IMAGES, class_names=NAMES, class_agnostic=True, output=eval(remedy[1])
    )
    preview.score_threshold, preview.nms_iou = 0.25, 1.0 if end2end else 0.5
    raw = output_of(model)[0]
    raw = raw[0] if isinstance(raw, tuple) else raw
    theirs = non_max_suppression(
        raw.clone(), 0.25, 0.5, agnostic=True, nc=len(NAMES), end2end=end2end
    )
    for i, rows in enumerate(theirs):
        cases.compare(f"image {i}", rows_of(preview.kept(i)), rows[:, :6])
    assert cases.differing == []


def test_a_head_of_yolov5s_layout(cases: Cases) -> None:
    """Rows of a box, objectness and classes, whose product is the score."""
    raw = output_of(make("yolov8n"))[0]
    objectness = torch.rand(len(raw), 1, raw.shape[2], generator=torch.Generator().manual_seed(0))
    head = torch.cat([raw[:, :4], objectness, raw[:, 4:]], dim=1).mT
    preview = td.DetectionPreview(IMAGES, head, class_names=NAMES, class_agnostic=True)
    scored = torch.cat([raw[:, :4], objectness * raw[:, 4:]], dim=1)
    for score, overlap in SETTINGS:
        preview.score_threshold, preview.nms_iou = score, overlap
        theirs = non_max_suppression(scored.clone(), score, overlap, agnostic=True)
        for i, rows in enumerate(theirs):
            about = f"score {score}, NMS {overlap}, image {i}"
            cases.compare(about, rows_of(preview.kept(i)), rows)
    assert cases.differing == []


@pytest.mark.parametrize("broken", [-5.0, float("nan")], ids=["inverted", "NaN"])
def test_a_broken_box_below_the_score_floor(broken: float, cases: Cases) -> None:
    raw = output_of(make("yolov8n"))[0].clone()
    whole = td.DetectionPreview(IMAGES, raw.clone(), class_names=NAMES, score_floor=0.01)
    lowest = int(raw[0, 4:].amax(0).argmin())
    raw[0, 4:, lowest] = 0.0001
    raw[0, 2, lowest] = broken
    preview = td.DetectionPreview(IMAGES, raw, class_names=NAMES, score_floor=0.01)
    cases.compare("image 0", preview.kept(0)["boxes"], whole.kept(0)["boxes"])
    assert cases.differing == []
