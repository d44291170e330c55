"""What libraries return and what their data sets hold: read, or refused with words that help.

The objects are stand-ins with the attributes that the libraries' own have. Their real ones are in
tests/real/previews: test_torchvision_boxes.py (tv_tensors), test_transformers_outputs.py (DETR),
test_supervision.py and test_ultralytics.py. detectron2's, mmdetection's, SAHI's and FiftyOne's are
stand-ins alone. Every remedy is followed.
"""

from enum import Enum
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from tests.inputs.boxes.test_detections import (
    BOXES,
    CXCYWH,
    LABELS,
    MASKS,
    SCORES,
    XYWH,
    supervision,
    torchvision,
    ultralytics,
)
from tests.inputs.error_messages import says
from torchdial import DetectionSweep
from torchdial.inputs import to_annotations, to_boxes, to_detections
from torchdial.inputs.boxes.boxes import format_of

NAMES = {1: "dog", 3: "cow"}
HEIGHT, WIDTH = 80, 160


class Instances:
    """detectron2's: fields as attributes, an error for those that are missing."""

    def __init__(self, **fields: Any) -> None:
        self._fields = fields

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self._fields:
            raise AttributeError(f"Cannot find field '{name}' in the given Instances!")
        return self._fields[name]


def detectron2(kind: str = "pred") -> Instances:
    boxes = SimpleNamespace(tensor=torch.tensor(BOXES))  # of its class Boxes
    fields = {f"{kind}_boxes": boxes, f"{kind}_classes": torch.tensor(LABELS)}
    return Instances(**fields, scores=torch.tensor(SCORES), pred_masks=MASKS[:, 0].bool())


def mmdetection(own_class: bool = False) -> SimpleNamespace:
    boxes: Any = torch.tensor(BOXES)
    boxes = SimpleNamespace(tensor=boxes) if own_class else boxes  # HorizontalBoxes
    labels = torch.tensor(LABELS)
    return SimpleNamespace(
        pred_instances=SimpleNamespace(bboxes=boxes, labels=labels, scores=torch.tensor(SCORES)),
        metainfo={"ori_shape": (HEIGHT, WIDTH)},
    )


class BoundingBoxFormat(Enum):
    XYXY = "XYXY"
    XYWH = "XYWH"
    CXCYWH = "CXCYWH"
    CXCYWHR = "CXCYWHR"


class BoundingBoxes(torch.Tensor):
    """torchvision's `tv_tensors.BoundingBoxes`: a tensor with its format and its canvas."""

    format: BoundingBoxFormat
    canvas_size = (HEIGHT, WIDTH)

    @classmethod
    def of(cls, boxes: Any, name: str) -> "BoundingBoxes":
        made = torch.tensor(boxes).as_subclass(cls)
        made.format = BoundingBoxFormat[name]
        return made


def named() -> dict[str, Any]:
    return torchvision(labels=[{1: "dog", 3: "cow"}[label] for label in LABELS])


def dicts_as_objects() -> np.ndarray:
    array = np.empty(1, dtype=object)
    array[0] = {key: value.numpy() for key, value in torchvision().items()}
    return array


OBJECTS = {"boxes": np.array(BOXES, object), "labels": np.array(LABELS, object)}
GIVEN = [
    pytest.param([{"instances": detectron2()}], {}, id="detectron2"),
    pytest.param(detectron2(), {}, id="detectron2: its Instances"),
    pytest.param([mmdetection()], {}, id="mmdetection"),
    pytest.param([mmdetection(own_class=True)], {}, id="mmdetection: its class of boxes"),
    pytest.param([torchvision(boxes=BoundingBoxes.of(BOXES, "XYXY"))], {}, id="tv_tensors xyxy"),
    pytest.param([torchvision(boxes=BoundingBoxes.of(XYWH, "XYWH"))], {}, id="tv_tensors xywh"),
    pytest.param(
        [torchvision(boxes=BoundingBoxes.of(CXCYWH, "CXCYWH"))], {}, id="tv_tensors cxcywh"
    ),
    pytest.param(
        [torchvision(boxes=BoundingBoxes.of(XYWH, "XYWH"))],
        {"box_format": "xywh"},
        id="tv_tensors with the same box_format",
    ),
    pytest.param(dicts_as_objects(), {}, id="an array of dicts"),
    pytest.param([torchvision(**OBJECTS)], {}, id="arrays of objects"),
    pytest.param([named()], {"class_names": NAMES}, id="labels that are names"),
    pytest.param(
        [torchvision(labels=np.array(["cow", "dog"]))],
        {"class_names": NAMES},
        id="an array of text",
    ),
    pytest.param(
        [torchvision(labels=np.array(["cow", "dog"], object))],
        {"class_names": ["cat", "dog", "hen", "cow"]},
        id="text as objects, names in a list",
    ),
]


@pytest.mark.parametrize(("given", "options"), GIVEN)
def test_detections_of_libraries(given: Any, options: dict[str, Any]) -> None:
    (found,) = to_detections(given, **options)
    assert type(found.boxes) is torch.Tensor
    assert found.boxes.tolist() == BOXES
    assert found.scores.tolist() == SCORES
    assert found.labels.tolist() == LABELS


def detr(size: tuple[int, int] = (HEIGHT, WIDTH)) -> dict[str, torch.Tensor]:
    """The labels that transformers' DetrImageProcessor makes of COCO's annotations."""
    scale = torch.tensor([WIDTH, HEIGHT, WIDTH, HEIGHT])
    per_pixel = size[0] * size[1] / (HEIGHT * WIDTH)
    return {
        "size": torch.tensor(size),
        "image_id": torch.tensor([7]),
        "class_labels": torch.tensor(LABELS),
        "boxes": torch.tensor(CXCYWH) / scale,
        "area": torch.tensor([1000.0, 20.0]) * per_pixel,
        "iscrowd": torch.tensor([0, 1]),
        "orig_size": torch.tensor([HEIGHT, WIDTH]),
    }


@pytest.mark.parametrize(
    ("given", "options"),
    [
        *GIVEN[4:],
        pytest.param([{"instances": detectron2("gt")}], {}, id="detectron2"),
        pytest.param(
            [SimpleNamespace(gt_instances=mmdetection().pred_instances)], {}, id="mmdetection"
        ),
        pytest.param([supervision(confidence=None)], {}, id="supervision"),
        pytest.param(supervision(confidence=None), {}, id="supervision: one image"),
        pytest.param([ultralytics()], {}, id="Results, as of a teacher"),
        pytest.param([detr()], {}, id="DETR's labels"),
        pytest.param([detr((40, 320))], {}, id="DETR's labels of a resized image"),
        pytest.param(
            [detr((40, 320))],
            {"image_sizes": [(HEIGHT, WIDTH)]},
            id="DETR's labels, and the images as they were",
        ),
    ],
)
def test_targets_of_libraries(given: Any, options: dict[str, Any]) -> None:
    (true,) = to_annotations(given, **options)
    assert type(true.boxes) is type(true.xywh) is torch.Tensor
    torch.testing.assert_close(true.boxes, torch.tensor(BOXES))
    torch.testing.assert_close(true.xywh, torch.tensor(XYWH, dtype=torch.float64))
    assert true.labels.tolist() == LABELS


@pytest.mark.parametrize("shown", [(HEIGHT, WIDTH), (40, 320), (64, 320)])
def test_detrs_labels_are_laid_over_the_image_that_is_shown(shown: tuple[int, int]) -> None:
    """The image as it was, as the processor resized it, or padded at the right and below."""
    (true,) = to_annotations([detr((40, 320))], image_sizes=[shown])
    x, y = (1, 1) if shown == (HEIGHT, WIDTH) else (2, 0.5)
    torch.testing.assert_close(true.boxes, torch.tensor(BOXES) * torch.tensor([x, y, x, y]))
    assert true.area.tolist() == [1000, 20]
    assert true.iscrowd.tolist() == [False, True]
    assert true.image_id == 7


def test_names_and_masks_come_along() -> None:
    (true,) = to_annotations([supervision(confidence=None, mask=MASKS[:, 0].numpy() > 0)])
    assert true.names == {3: "cow", 1: "dog"}
    assert true.masks.equal(MASKS[:, 0] > 0)
    (found,) = to_detections([detectron2()])
    assert found.masks.equal(MASKS[:, 0] > 0)


@pytest.mark.parametrize(
    ("given", "after_nms"),
    [
        pytest.param({"instances": detectron2()}, True, id="detectron2"),
        pytest.param(mmdetection(), True, id="mmdetection"),
        pytest.param(torchvision(boxes=BoundingBoxes.of(XYWH, "XYWH")), None, id="tv_tensors"),
    ],
)
def test_what_is_after_nms(given: Any, after_nms: bool | None) -> None:
    assert to_detections([given])[0].after_nms is after_nms


# what is refused, and that its remedy works


class Prediction(SimpleNamespace):
    """SAHI's ObjectPrediction."""

    def as_coco(self, image_id: int) -> dict[str, Any]:
        more = {"category_name": "", "segmentation": [], "iscrowd": 0, "area": 1}
        given = {"bbox": self.xywh, "score": self.score, "category_id": self.label}
        return {"image_id": image_id, **given, **more}


def sahi() -> SimpleNamespace:
    each = [
        Prediction(xywh=box, score=score, label=label)
        for box, score, label in zip(XYWH, SCORES, LABELS, strict=True)
    ]
    return SimpleNamespace(
        object_prediction_list=each,
        to_coco_predictions=lambda image_id: [one.as_coco(image_id) for one in each],
    )


def followed_for_sahi() -> Any:
    results = [sahi()]
    given = [
        one for i, result in enumerate(results) for one in result.to_coco_predictions(image_id=i)
    ]
    return given, {"image_ids": range(len(results))}


def fiftyone() -> SimpleNamespace:
    scale = np.array([WIDTH, HEIGHT, WIDTH, HEIGHT])
    names = [NAMES[label] for label in LABELS]
    return SimpleNamespace(
        detections=[
            SimpleNamespace(bounding_box=(np.array(box) / scale).tolist(), confidence=s, label=name)
            for box, s, name in zip(XYWH, SCORES, names, strict=True)
        ]
    )


def followed_for_fiftyone() -> Any:
    sample, W, H = fiftyone(), WIDTH, HEIGHT  # noqa: N806 - the names of the remedy
    given = (
        [
            [x * W, y * H, w * W, h * H]
            for x, y, w, h in (d.bounding_box for d in sample.detections)
        ],
        [d.confidence for d in sample.detections],
        [d.label for d in sample.detections],
    )
    return [given], {"box_format": "xywh", "class_names": NAMES}


def followed_for_targets_of_fiftyone() -> Any:
    (boxes, _, labels), options = followed_for_fiftyone()[0][0], followed_for_fiftyone()[1]
    return [{"boxes": boxes, "labels": labels}], options


def raw_detr() -> dict[str, torch.Tensor]:
    """A ModelOutput is a dict with attributes."""
    return {"logits": torch.zeros(1, 2, 5), "pred_boxes": torch.tensor([CXCYWH])}


def obb() -> SimpleNamespace:
    boxes = ultralytics().boxes
    return ultralytics(boxes=None, obb=boxes)


def followed_for_obb() -> Any:
    return [(r.obb.xyxy, r.obb.conf, r.obb.cls) for r in [obb()]], {}


def masks_as_run_lengths() -> Any:
    from pycocotools import mask

    return mask.encode(np.asfortranarray(MASKS[:, 0].permute(1, 2, 0).numpy().astype(np.uint8)))


def followed_for_run_lengths() -> Any:
    import pycocotools.mask

    masks = masks_as_run_lengths()
    return [torchvision(masks=pycocotools.mask.decode(masks).transpose(2, 0, 1))], {}


def batch() -> tuple[torch.Tensor, ...]:
    return tuple(torch.tensor([value]) for value in (BOXES, SCORES, LABELS))


REFUSED = [
    pytest.param(
        raw_detr(),
        {},
        says("detections", "a dict", "raw output of a DETR", "post_process_object_detection("),
        lambda: ([torchvision()], {}),  # what it returns: tests/inputs/boxes/test_transformers.py
        id="DETR's raw output",
    ),
    pytest.param(
        [sahi()],
        {},
        says("detections[0]", "a dict", "SAHI's PredictionResult", "to_coco_predictions(image_id"),
        followed_for_sahi,
        id="SAHI",
    ),
    pytest.param(
        [fiftyone()],
        {},
        says("detections[0]", "a dict", "FiftyOne's Detections", "d.bounding_box for d in"),
        followed_for_fiftyone,
        id="FiftyOne",
    ),
    pytest.param(
        [obb()],
        {},
        says("detections[0]", "a dict", "without boxes along the axes", "r.obb.xyxy"),
        followed_for_obb,
        id="Results of rotated boxes",
    ),
    pytest.param(
        [named()],
        {},
        says("detections[0].labels", "whole numbers", "names such as 'cow'", "class_names="),
        lambda: ([named()], {"class_names": NAMES}),
        id="labels that are names",
    ),
    pytest.param(
        [named()],
        {"class_names": {1: "dog"}},
        says("detections[0].labels", "names of ['dog']", "names such as 'cow'", "each label"),
        lambda: ([named()], {"class_names": NAMES}),
        id="a name that is missing",
    ),
    pytest.param(
        [torchvision(boxes=BoundingBoxes.of(XYWH, "XYWH"))],
        {"box_format": "xyxy"},
        says("detections[0].box_format", "'xywh', the format that the boxes", "'xyxy'", "Leave"),
        lambda: ([torchvision(boxes=BoundingBoxes.of(XYWH, "XYWH"))], {}),
        id="a box_format that contradicts the boxes",
    ),
    pytest.param(
        [torchvision(masks=masks_as_run_lengths())],
        {},
        says("detections[0].masks", "numbers", "list", "mask.decode(masks).transpose(2, 0, 1)"),
        followed_for_run_lengths,
        id="masks as run lengths",
    ),
    pytest.param(
        batch(),
        {},
        says("detections.boxes", "(N, 4)", "(1, 2, 4)", "list(zip(boxes, scores, labels))"),
        lambda: (list(zip(*batch(), strict=True)), {}),
        id="a batch of arrays",
    ),
    pytest.param(
        [torchvision(boxes=torch.tensor([XYWH[0], [40.0, 20.0, 10.0, 80.0]]))],
        {},
        says("detections[0].boxes", "x1 ≤ x2", "1 of 2 boxes", "Pass another box_format"),
        lambda: ([torchvision(boxes=torch.tensor(XYWH))], {"box_format": "xywh"}),
        id="another box_format",
    ),
]


@pytest.mark.parametrize(("given", "options", "message", "followed"), REFUSED)
def test_refused_detections_and_their_remedies(
    given: Any, options: Any, message: str, followed: Any
) -> None:
    with pytest.raises(ValueError, match=message):
        to_detections(given, **options)
    given, options = followed()
    (found,) = to_detections(given, **options)
    torch.testing.assert_close(found.boxes, torch.tensor(BOXES))
    assert found.scores.tolist() == SCORES
    assert found.labels.tolist() == LABELS


@pytest.mark.parametrize(
    ("given", "message", "followed"),
    [
        pytest.param(
            [fiftyone()],
            says("targets[0]", "boxes, labels", "namespace", "for FiftyOne's boxes multiply"),
            followed_for_targets_of_fiftyone,
            id="FiftyOne",
        ),
        pytest.param(
            [named()],
            says("targets[0].labels", "whole numbers", "names such as 'cow'", "class_names="),
            lambda: ([named()], {"class_names": NAMES}),
            id="labels that are names",
        ),
    ],
)
def test_refused_targets_and_their_remedies(given: Any, message: str, followed: Any) -> None:
    with pytest.raises(ValueError, match=message):
        to_annotations(given)
    given, options = followed()
    (true,) = to_annotations(given, **options)
    torch.testing.assert_close(true.boxes, torch.tensor(BOXES))
    assert true.labels.tolist() == LABELS


def test_rotated_tv_tensors_are_refused_and_the_boxes_around_them_read() -> None:
    rotated = BoundingBoxes.of([[25.0, 50.0, 30.0, 60.0, 0.0]], "CXCYWHR")
    with pytest.raises(ValueError, match=says("boxes", "along the axes", "cxcywhr", "amin(1)")):
        format_of(rotated, None)
    corners = torch.tensor([[10.0, 20, 40, 20, 40, 80, 10, 80]]).as_subclass(BoundingBoxes)
    c = corners.as_subclass(torch.Tensor).view(-1, 4, 2)  # of xyxyxyxy
    found = to_boxes(torch.cat([c.amin(1), c.amax(1)], 1), [0.5])
    assert found.boxes.tolist() == BOXES[:1]


# normalised boxes in a sweep


def normalised(one: dict[str, Any]) -> dict[str, Any]:
    return one | {"boxes": one["boxes"] / torch.tensor([256.0, 128.0] * 2)}


def test_a_sweep_takes_boxes_that_are_normalised_on_both_sides() -> None:
    """IoUs are the same: by powers of two even their rounding."""
    true = {key: torchvision()[key] for key in ("boxes", "labels")}
    expected, sweep = DetectionSweep(num_classes=4), DetectionSweep(num_classes=4)
    expected.update([torchvision()], [true])
    sweep.update([normalised(torchvision())], [normalised(true)])
    assert sweep.compute().tp.equal(expected.compute().tp)
    assert sweep.compute().average_precision().equal(expected.compute().average_precision())


@pytest.mark.parametrize("side", ["detections", "targets"])
def test_a_sweep_refuses_boxes_that_are_normalised_on_one_side(side: str) -> None:
    given = {"detections": torchvision(), "targets": torchvision()}
    one_sided = given | {side: normalised(given[side])}
    sweep = DetectionSweep(num_classes=4)
    message = says(f"{side}: boxes", "absolute", "look normalised", "by its height")
    with pytest.raises(ValueError, match=message):
        sweep.update([one_sided["detections"]], [one_sided["targets"]])
    scale = torch.tensor([256.0, 128.0] * 2)  # the remedy, followed
    back = one_sided[side] | {"boxes": one_sided[side]["boxes"] * scale}
    one_sided[side] = back
    sweep.update([one_sided["detections"]], [one_sided["targets"]])
    assert sweep.compute().at(0.0, 1.0)["tp"] == 2


def test_a_sweep_reads_what_detr_gives_and_is_trained_with() -> None:
    found = {key: torchvision()[key] for key in ("scores", "labels", "boxes")}
    sweep = DetectionSweep(num_classes=4)
    sweep.update([found], [detr() | {"iscrowd": torch.zeros(2)}])
    assert sweep.compute().at(0.0, 1.0)["tp"] == 2
