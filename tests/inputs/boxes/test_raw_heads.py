"""Raw heads of YOLO models: each layout against boxes worked out by hand, or refused.

The stand-ins have the shapes, channels and containers that Ultralytics' and YOLOv5's models return
in eval mode; the real ones are in tests/real/previews/test_ultralytics.py, which has YOLOv5's as a
layout only.
"""

from typing import Any

import pytest
import torch

from tests.inputs.boxes.test_detections import BOXES, CXCYWH, LABELS, SCORES, head as nine_boxes
from tests.inputs.error_messages import says
from torchdial.inputs.boxes.detections import to_detections
from torchdial.inputs.boxes.lazy_masks import PrototypeMasks

NAMES = ["cat", "dog", "cow", "horse", "sheep"]
MAPS = [torch.zeros(1, 69, 3, 3)]
PROTOTYPES = torch.randn(1, 32, 6, 8, generator=torch.Generator().manual_seed(0))
COEFFICIENTS = torch.randn(1, 32, 60, generator=torch.Generator().manual_seed(1))


def head() -> torch.Tensor:
    """(B, 4 + classes, N) of five classes and 60 boxes, of which two are anything."""
    return torch.cat([nine_boxes(), torch.zeros(1, 9, 51)], dim=2)


def with_more(channels: int, value: float = 0.9) -> torch.Tensor:
    """The head with more channels than boxes and classes, such as an angle."""
    return torch.cat([head(), torch.full((1, channels, 60), value)], dim=1)


def yolov5() -> torch.Tensor:
    """(B, N, 5 + classes), an objectness before the class scores."""
    rows = torch.zeros(1, 40, 10)
    rows[0, :2, 5:] = 0.001
    for i, (box, score, label) in enumerate(zip(CXCYWH, SCORES, LABELS, strict=True)):
        rows[0, i, :4] = torch.tensor(box)
        rows[0, i, 4] = 2 * score if i else 0.75
        rows[0, i, 5 + label] = 0.5 if i else 1.0
    return rows


def end_to_end(width: int = 6) -> torch.Tensor:
    """Rows of x1, y1, x2, y2, score, class and more, as YOLOv10's and YOLO26's heads choose."""
    rows = torch.zeros(1, 300, width)
    for i, (box, score, label) in enumerate(zip(BOXES, SCORES, LABELS, strict=True)):
        rows[0, i, :6] = torch.tensor([*box, score, label])
    rows[0, :, 6:] = 0.5
    return rows


def seg(coefficients: torch.Tensor = COEFFICIENTS) -> torch.Tensor:
    return torch.cat([head(), coefficients], dim=1)


@pytest.mark.parametrize(
    ("given", "options"),
    [
        pytest.param(head(), {}, id="a tensor"),
        pytest.param(head(), {"num_classes": None, "class_names": NAMES}, id="with class names"),
        pytest.param(head().numpy(), {}, id="an array, as from ONNX"),
        pytest.param([head().numpy()], {}, id="ONNX: a list of one array"),
        pytest.param(head().half(), {}, id="half precision"),
        pytest.param((head(), MAPS), {}, id="with its feature maps"),
        pytest.param((head(), {"one2many": 0}), {}, id="with a dict"),
        pytest.param(head()[..., :6], {}, id="fewer boxes than channels"),
        pytest.param(head()[..., :6].mT, {}, id="transposed"),
        pytest.param(yolov5(), {}, id="YOLOv5"),
        pytest.param((yolov5(), MAPS), {}, id="YOLOv5 with its feature maps"),
        pytest.param((seg(), (MAPS, COEFFICIENTS, PROTOTYPES)), {}, id="-seg 8.3"),
        pytest.param(((seg(), PROTOTYPES), {"feats": MAPS}), {}, id="-seg 8.4"),
        pytest.param([seg().numpy(), PROTOTYPES.numpy()], {}, id="-seg from ONNX"),
        pytest.param(end_to_end(), {}, id="end to end"),
        pytest.param(end_to_end(), {"num_classes": None}, id="end to end, classes unknown"),
        pytest.param((end_to_end(), {"one2many": 0}), {"num_classes": 2}, id="as (B, N, 4 + 2)"),
    ],
)
def test_each_box_has_its_best_class(given: Any, options: dict[str, Any]) -> None:
    options = {"num_classes": 5} | options
    if options["num_classes"] == 2:  # the classes of the stand-in are 3 and 1
        given[0][..., 5] /= 4
        given[0][..., 5].round_()
    (found,) = to_detections(given, **options)
    assert found.boxes[:2].tolist() == BOXES
    assert found.scores[:2].tolist() == SCORES
    assert found.labels[:2].tolist() == ([1, 0] if options["num_classes"] == 2 else LABELS)
    assert found.boxes[2:].eq(0).all()
    assert found.scores[2:].eq(0).all()


def test_the_masks_of_a_seg_head_are_sums_of_its_prototypes() -> None:
    """As Ultralytics' `process_mask`, before it enlarges them: above 0 in logits."""
    (found,) = to_detections(((seg(), PROTOTYPES), {}), num_classes=5, score_floor=0.1)
    assert isinstance(found.masks, PrototypeMasks)
    assert len(found.masks) == len(found) == 2
    for i in range(2):
        expected = sum(COEFFICIENTS[0, m, i] * PROTOTYPES[0, m] for m in range(32)) > 0
        assert found.masks[i].equal(expected)


def test_a_raw_head_is_copied_because_their_nms_writes_into_it() -> None:
    raw = torch.cat([head(), head() / 2])
    given = raw.clone()
    first, second = to_detections(raw, num_classes=5)
    assert raw.equal(given)
    raw.fill_(7)
    assert first.boxes[:2].tolist() == BOXES
    assert second.boxes[0].tolist() == [5, 10, 20, 40]
    assert second.scores[:2].tolist() == [0.375, 0.125]


@pytest.mark.parametrize("make", [head, end_to_end])
def test_a_raw_head_made_in_inference_mode_can_be_used_outside(make: Any) -> None:
    with torch.inference_mode():
        raw = make() * 1
    (found,) = to_detections(raw, num_classes=5)
    assert not found.boxes.requires_grad
    assert not found.boxes.is_inference()
    assert found.boxes[:2].tolist() == BOXES


def rows_of_obb() -> Any:
    """What `Results.obb` gives of the stand-in, by the remedy's own words."""
    return [tuple(torch.tensor(v) for v in (BOXES, SCORES, LABELS))]


@pytest.mark.parametrize(
    ("given", "classes", "got", "remedy", "followed"),
    [
        pytest.param(
            with_more(1), 5, "the angle of rotated boxes", "r.obb.xyxy", rows_of_obb, id="-obb"
        ),
        pytest.param(
            end_to_end(7), 5, "class, angle", "r.obb.xyxy", rows_of_obb, id="-obb, end to end"
        ),
        pytest.param(
            with_more(6), 5, "6 numbers more", "pass out[:, :9], or",
            lambda: with_more(6)[:, :9], id="-pose",
        ),
        pytest.param(
            seg(), 5, "mask coefficients (-seg)", "pass out[:, :9], or", lambda: seg()[:, :9],
            id="-seg without prototypes",
        ),
        pytest.param(
            with_more(6).mT, 5, "6 numbers more", "pass out[..., :9], or",
            lambda: with_more(6).mT[..., :9], id="-pose, transposed",
        ),
        pytest.param(
            end_to_end(38), 5, "32 numbers more in each row", "pass out[..., :6], or",
            lambda: end_to_end(38)[..., :6], id="-seg, end to end",
        ),
        pytest.param(
            head(), None, "cannot be told", "class_names=model.names",
            lambda: (head(), {"class_names": NAMES}), id="classes unknown",
        ),
        pytest.param(
            yolov5(), None, "YOLOv5", "num_classes=len(model.names)",
            lambda: (yolov5(), {"num_classes": len(NAMES)}), id="classes unknown, YOLOv5",
        ),
        pytest.param(
            head(), 6, "scores of 5 classes", "num_classes=5",
            lambda: (head(), {"num_classes": 5}), id="another number of classes",
        ),
    ],
)  # fmt: skip
def test_refused_heads_and_their_remedies(
    given: Any, classes: int | None, got: str, remedy: str, followed: Any
) -> None:
    with pytest.raises(ValueError, match=says("detections", "", got, remedy)):
        to_detections(given, num_classes=classes)
    way_out = followed()
    way_out, options = way_out if isinstance(way_out, tuple) else (way_out, {"num_classes": 5})
    (found,) = to_detections(way_out, **options)
    assert found.boxes[:2].tolist() == BOXES
    assert found.scores[:2].tolist() == SCORES
    assert found.labels[:2].tolist() == LABELS


def test_boxes_alone_are_no_head() -> None:
    message = says("detections", "4 + 80", "no class scores", "one tensor")
    with pytest.raises(ValueError, match=message):
        to_detections(torch.rand(1, 4, 99), num_classes=80)


def test_mask_coefficients_do_not_pass_for_scores() -> None:
    raw = torch.cat([head(), torch.full((1, 1, 60), -2.0), torch.full((1, 1, 60), 3.0)], dim=1)
    with pytest.raises(ValueError, match=r"^detections\[0\]\.scores: expected scores in \[0, 1\]"):
        to_detections(raw, num_classes=7)


BAD = [[30.0, 30.0, -4.0, 8.0], [float("nan"), 1.0, 2.0, 2.0]]


@pytest.mark.parametrize("bad", BAD, ids=["inverted", "NaN"])
def test_boxes_are_checked_above_the_floor_alone(bad: list[float]) -> None:
    """One box of 8,400 at a score of 0.0001, as YOLO26's head has them."""
    raw = head()
    raw[0, :4, 8] = torch.tensor(bad)
    raw[0, 4, 8] = 0.0001
    (found,) = to_detections(raw, num_classes=5, score_floor=0.01)
    assert (found.boxes.tolist(), found.scores.tolist()) == (BOXES, SCORES)
    assert found.index.tolist() == [0, 1]
    message = says("detections[0].boxes", "", "1 of 60 boxes", "score_floor=9.99999975e-05")
    with pytest.raises(ValueError, match=message):
        to_detections(raw, num_classes=5)
    (found,) = to_detections(raw, num_classes=5, score_floor=9.99999975e-05)
    assert (found.boxes.tolist(), found.scores.tolist()) == (BOXES, SCORES)
    raw[0, 4, 8] = 0.5
    with pytest.raises(ValueError, match=r"1 of 60 boxes .* the first at index 8"):
        to_detections(raw, num_classes=5, score_floor=0.01)
