"""Detections: every format people have, against values worked out by hand, and what is refused.

The objects of other libraries are stand-ins with the attributes that theirs have. The same with
the libraries' own is in tests/real/previews: test_torchvision_boxes.py, test_ultralytics.py,
test_supervision.py and test_transformers_outputs.py.
"""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from tests.inputs.error_messages import says
from torchdial.inputs.boxes.detections import Detections, to_detections

BOXES = [[10.0, 20.0, 40.0, 80.0], [0.0, 0.0, 5.0, 6.0]]
XYWH = [[10.0, 20.0, 30.0, 60.0], [0.0, 0.0, 5.0, 6.0]]
CXCYWH = [[25.0, 50.0, 30.0, 60.0], [2.5, 3.0, 5.0, 6.0]]
SCORES = [0.75, 0.25]
LABELS = [3, 1]
MASKS = torch.arange(2 * 3 * 4).reshape(2, 1, 3, 4) % 2


def torchvision(**more: Any) -> dict[str, Any]:
    fields = {"boxes": BOXES, "scores": SCORES, "labels": LABELS}
    return {key: torch.tensor(value) for key, value in fields.items()} | more


def transformers() -> dict[str, Any]:
    return {key: torchvision()[key] for key in ("scores", "labels", "boxes")}


def ultralytics(as_array: bool = False, **more: Any) -> SimpleNamespace:
    boxes, scores, labels = (torch.tensor(v) for v in (BOXES, SCORES, [float(i) for i in LABELS]))
    fields = {"xyxy": boxes, "conf": scores, "cls": labels, "id": None}
    if as_array:
        fields = {key: None if value is None else value.numpy() for key, value in fields.items()}
    names = {0: "cat", 1: "dog", 3: "cow"}
    shown = {"boxes": SimpleNamespace(**fields), "masks": None, "names": names, "obb": None}
    return SimpleNamespace(**shown | {"orig_shape": (480, 640)} | more)


def supervision(**more: Any) -> SimpleNamespace:
    fields = {
        "xyxy": np.array(BOXES),
        "confidence": np.array(SCORES, dtype=np.float32),
        "class_id": np.array(LABELS),
        "mask": None,
        "tracker_id": None,
        "data": {"class_name": np.array(["cow", "dog"])},
    }
    return SimpleNamespace(**fields | more)


def coco(image_id: Any = 7) -> list[dict[str, Any]]:
    return [
        {"image_id": image_id, "category_id": label, "bbox": box, "score": score}
        for box, score, label in zip(XYWH, SCORES, LABELS, strict=True)
    ]


def head(dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """Five classes, six boxes, of which the last four are nothing."""
    raw = torch.zeros(1, 9, 9, dtype=dtype)
    for i, (box, score, label) in enumerate(zip(CXCYWH, SCORES, LABELS, strict=True)):
        raw[0, :4, i] = torch.tensor(box)
        raw[0, 4 + label, i] = score
        raw[0, 4, i] = score / 2
    return raw


def plain(boxes: Any = BOXES, **more: Any) -> Any:
    return torch.tensor(boxes), torch.tensor(SCORES), torch.tensor(LABELS)


@pytest.mark.parametrize(
    ("given", "options"),
    [
        pytest.param([torchvision()], {}, id="torchvision: a list of dicts"),
        pytest.param(torchvision(), {}, id="torchvision: the dict of one image"),
        pytest.param((torchvision(),), {}, id="torchvision: a tuple of dicts"),
        pytest.param([torchvision(keypoints=0)], {}, id="torchvision: keys that say more"),
        pytest.param([transformers()], {}, id="transformers"),
        pytest.param([ultralytics()], {}, id="Results"),
        pytest.param(ultralytics(), {}, id="one Results"),
        pytest.param([ultralytics(as_array=True)], {}, id="Results.numpy()"),
        pytest.param([supervision()], {}, id="supervision"),
        pytest.param(supervision(), {}, id="one of supervision"),
        pytest.param(plain(), {}, id="a tuple"),
        pytest.param([plain()], {}, id="a list of tuples"),
        pytest.param((BOXES, SCORES, LABELS), {}, id="a tuple of lists"),
        pytest.param(tuple(np.array(v) for v in (BOXES, SCORES, LABELS)), {}, id="arrays"),
        pytest.param(plain(XYWH), {"box_format": "xywh"}, id="xywh"),
        pytest.param([plain(CXCYWH)], {"box_format": "cxcywh"}, id="cxcywh"),
        pytest.param([torchvision(boxes=XYWH)], {"box_format": "xywh"}, id="a dict of xywh"),
        pytest.param(coco(), {}, id="COCO"),
        pytest.param(coco(), {"box_format": "cxcywh"}, id="COCO has its own box format"),
        pytest.param(coco("a.png"), {}, id="COCO: ids that are text"),
        pytest.param(to_detections([torchvision()]), {}, id="Detections"),
        pytest.param([torchvision()], {"num_classes": 4}, id="labels just in range"),
        pytest.param([torchvision()], {"image_sizes": [(480, 640)]}, id="one of one image"),
    ],
)
def test_every_format_gives_the_same(given: Any, options: dict[str, Any]) -> None:
    (found,) = to_detections(given, **options)
    assert len(found) == 2
    assert found.boxes.dtype == found.scores.dtype == torch.float32
    assert found.labels.dtype == torch.int64
    assert found.boxes.tolist() == BOXES
    assert found.scores.tolist() == SCORES
    assert found.labels.tolist() == LABELS
    assert found.masks is None


def test_without_labels_there_is_one_class() -> None:
    (found,) = to_detections((BOXES, SCORES))
    assert found.labels.tolist() == [0, 0]


@pytest.mark.parametrize(
    ("given", "after_nms"),
    [
        pytest.param([ultralytics()], True, id="Results"),
        pytest.param([supervision()], True, id="supervision"),
        pytest.param([torchvision()], None, id="torchvision does not tell"),
        pytest.param([transformers()], True, id="transformers: its models need no NMS"),
        pytest.param(coco(), None, id="COCO does not tell"),
        pytest.param(head(), False, id="a raw head"),
        pytest.param([plain()], None, id="a tuple does not tell"),
    ],
)
def test_what_is_after_nms(given: Any, after_nms: bool | None) -> None:
    assert to_detections(given, num_classes=5)[0].after_nms is after_nms
    for said in (True, False):
        assert to_detections(given, num_classes=5, after_nms=said)[0].after_nms is said


@pytest.mark.parametrize(
    ("given", "names"),
    [
        pytest.param([ultralytics()], {0: "cat", 1: "dog", 3: "cow"}, id="Results: all"),
        pytest.param([ultralytics(names=["cat", "dog"])], {0: "cat", 1: "dog"}, id="a list"),
        pytest.param([ultralytics(names={})], None, id="Results: none"),
        pytest.param([supervision()], {3: "cow", 1: "dog"}, id="supervision: those that occur"),
        pytest.param([supervision(data={})], None, id="supervision: none"),
        pytest.param([supervision(class_id=None)], None, id="supervision: names of no class"),
        pytest.param([torchvision()], None, id="torchvision"),
        pytest.param(coco(), None, id="COCO's results"),
    ],
)
def test_names(given: Any, names: dict[int, str] | None) -> None:
    found = to_detections(given)[0].names
    assert found == names
    assert found is None or {type(k) for k in found} == {int}


# masks


@pytest.mark.parametrize(
    ("given", "dtype"),
    [
        pytest.param([torchvision(masks=MASKS * 0.5)], torch.float32, id="torchvision"),
        pytest.param([torchvision(masks=MASKS[:, 0].bool())], torch.bool, id="(N, H, W)"),
        pytest.param([torchvision(masks=MASKS.byte())], torch.bool, id="0 and 1"),
        pytest.param([torchvision(masks=MASKS.numpy() > 0)], torch.bool, id="an array"),
        pytest.param(
            [ultralytics(masks=SimpleNamespace(data=MASKS[:, 0].float()))], torch.float32, id="YOLO"
        ),
        pytest.param([supervision(mask=MASKS[:, 0].numpy() > 0)], torch.bool, id="supervision"),
    ],
)
def test_masks_keep_their_kind(given: Any, dtype: torch.dtype) -> None:
    (found,) = to_detections(given)
    assert found.masks is not None
    assert found.masks.dtype == dtype
    assert (found.masks > 0).equal(MASKS[:, 0] > 0)


@pytest.mark.parametrize(
    ("masks", "got", "remedy"),
    [
        pytest.param(torch.zeros(3, 4, 4), "(3, 4, 4)", "one mask for each", id="three for two"),
        pytest.param(torch.zeros(2, 3, 4, 4), "(2, 3, 4, 4)", "or no masks", id="three channels"),
        pytest.param(torch.zeros(2, 4), "(2, 4)", "one mask", id="flat"),
    ],
)
def test_masks_that_are_refused(masks: Any, got: str, remedy: str) -> None:
    message = says("detections[0].masks", "with N = 2 boxes", got, remedy)
    with pytest.raises(ValueError, match=message):
        to_detections([torchvision(masks=masks)])


def test_masks_that_are_no_numbers() -> None:
    message = says("detections[0].masks", "numbers", "{'size': [1, 1]}", "mask.decode(masks)")
    with pytest.raises(ValueError, match=message):
        to_detections([torchvision(masks=[{"size": [1, 1]}])])


# COCO's results


def test_results_are_grouped_and_keep_their_order_and_ids() -> None:
    results = [coco(139)[1], *coco(42), coco(139)[0]]
    results[0]["category_id"] = 90
    found = to_detections(results)
    assert [one.image_id for one in found] == [42, 139]
    assert [one.labels.tolist() for one in found] == [LABELS, [90, 3]]
    assert found[1].boxes.tolist() == BOXES[::-1]


def test_image_ids_choose_and_order_and_fill() -> None:
    found = to_detections([*coco(42), *coco(139)], image_ids=[139, 5, 42, 5])
    assert [one.image_id for one in found] == [139, 5, 42, 5]
    assert [len(one) for one in found] == [2, 0, 2, 0]
    assert found[1].boxes.shape == (0, 4)


def test_no_results_at_all() -> None:
    assert [len(one) for one in to_detections([], image_ids=[1, 2])] == [0, 0]
    assert to_detections([]) == []


def test_whole_scores_are_numbers_too() -> None:
    (found,) = to_detections([coco()[0] | {"score": 1}])
    assert found.scores.tolist() == [1]


@pytest.mark.parametrize(
    ("given", "options", "message"),
    [
        pytest.param(
            coco(7),
            {"image_ids": ["7"]},
            says("detections: image_id", "some of ['7']", "7 and others", "of the same type"),
            id="numbers where text is asked for",
        ),
        pytest.param(
            [*coco(), {"image_id": 7, "category_id": 1, "bbox": [1, 2, 3, 4]}],
            {},
            says("detections[2]", "score", "only ['bbox', 'category_id', 'image_id']", "add"),
            id="annotations are no results",
        ),
        pytest.param(
            torchvision(),
            {"image_ids": [1]},
            says("detections", "a list of COCO's dicts", "dict", "json.load"),
            id="image_ids with another format",
        ),
        pytest.param(
            [torchvision()],
            {"image_ids": [1]},
            says("detections[0]", "image_id", "only ['boxes'", "COCO's format only"),
            id="image_ids with torchvision's",
        ),
        pytest.param(
            [coco()[0] | {"bbox": [1, 2, 3]}],
            {},
            says("detections[image_id=7].bbox", "4 numbers", "[[1, 2, 3]]", "wrote the file"),
            id="three numbers",
        ),
        pytest.param(
            [coco()[0], coco()[0] | {"bbox": [1]}],
            {},
            says("detections[image_id=7].bbox", "4 numbers", "[1]", "wrote the file"),
            id="ragged boxes",
        ),
        pytest.param(
            [coco()[0] | {"score": "0.5"}],
            {},
            says("detections[image_id=7].score", "numbers", "'0.5'", "wrote the file"),
            id="a score that is text",
        ),
        pytest.param(
            [coco()[0] | {"category_id": None}],
            {},
            says("detections[image_id=7].category_id", "numbers", "None", "wrote the file"),
            id="no category",
        ),
        pytest.param(
            [coco()[0] | {"image_id": [7]}],
            {},
            says("image_id", "a whole number or text", "list [7]", "wrote the file"),
            id="an id that is a list",
        ),
        pytest.param(
            [coco()[0] | {"bbox": [1, 2, -3, 4]}],
            {},
            says("detections[image_id=7].boxes", "x1 ≤ x2", "1 of 1", "leave them out"),
            id="a negative width",
        ),
    ],
)
def test_results_that_are_refused(given: Any, options: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        to_detections(given, **options)


# images without boxes


def none(array: Any = torch.zeros) -> dict[str, Any]:
    return {"boxes": array((0, 4)), "scores": array(0), "labels": array(0)}


@pytest.mark.parametrize(
    "given",
    [
        pytest.param([none()], id="a dict of tensors"),
        pytest.param([none(np.zeros)], id="a dict of arrays"),
        pytest.param([{"boxes": [], "scores": [], "labels": []}], id="a dict of lists"),
        pytest.param([none() | {"masks": torch.zeros(0, 1, 8, 8)}], id="with no masks"),
        pytest.param(tuple(none().values()), id="a tuple"),
        pytest.param([([], [])], id="empty lists"),
        pytest.param(
            ultralytics(
                boxes=SimpleNamespace(
                    xyxy=torch.zeros(0, 4), conf=torch.zeros(0), cls=torch.zeros(0)
                )
            ),
            id="Results",
        ),
        pytest.param(
            supervision(
                xyxy=np.empty((0, 4), np.float32),
                confidence=np.array([], np.float32),
                class_id=np.array([], int),
                data={},
            ),
            id="supervision.Detections.empty()",
        ),
        pytest.param(torch.zeros(1, 84, 0), id="a head"),
    ],
)
def test_an_image_without_boxes(given: Any) -> None:
    (found,) = to_detections(given, num_classes=80)
    assert len(found) == 0
    assert found.boxes.shape == (0, 4)
    assert found.scores.shape == found.labels.shape == (0,)


# what is refused


@pytest.mark.parametrize(
    ("given", "options", "message"),
    [
        pytest.param(
            "results.json",
            {},
            says("detections", "a dict with boxes", "str 'results.json'", "json.load"),
            id="a path",
        ),
        pytest.param(None, {}, says("detections", "a dict", "None", "list"), id="nothing"),
        pytest.param(
            [torch.zeros(3, 6)],
            {},
            says("detections[0]", "a tuple", "float32 tensor of shape (3, 6)", "(boxes, scores"),
            id="rows of six",
        ),
        pytest.param(
            [torchvision(), {"boxes": BOXES, "classes": LABELS}],
            {},
            says(
                "detections[1]", "boxes, scores, labels", "only ['boxes', 'classes']", "Pass (boxes"
            ),
            id="other keys",
        ),
        pytest.param(
            [torchvision(), torchvision(scores=torch.zeros(3))],
            {},
            says("detections[1].scores", "one for each of the 2 boxes", "3", "same mask"),
            id="lengths that differ",
        ),
        pytest.param(
            [torchvision(scores=torch.tensor([-4.0, 9.0]))],
            {},
            says("detections[0].scores", "scores in [0, 1]", "[-4, 9]", "logits"),
            id="logits",
        ),
        pytest.param(
            [torchvision(boxes=[[9.0, 9, 3, 12], [0, 0, 1, 1]])],
            {},
            says("detections[0].boxes", "x1 ≤ x2", "1 of 2", "box_format"),
            id="xywh taken for xyxy",
        ),
        pytest.param(
            [torchvision(boxes=[[0.1, 0.1, 0.3, 0.9]] * 2)] * 2,
            {},
            says("detections: boxes", "absolute", "[0.1, 0.9]", "width of the image"),
            id="normalised in every image",
        ),
        pytest.param(
            [torchvision(boxes=[[0, 0, float("nan"), 1]] * 2)],
            {},
            says("detections[0].boxes", "finite", "2 of 2", "leave them out"),
            id="not finite",
        ),
        pytest.param(
            [torchvision()],
            {"num_classes": 3},
            says("detections[0].labels", "0 … 2", "[3] at 1 boxes", "largest label + 1"),
            id="a label out of range",
        ),
        pytest.param(
            [torchvision(labels=torch.tensor([-1, 0]))],
            {},
            says("detections[0].labels", "at least 0", "[-1]", "background"),
            id="a negative label",
        ),
        pytest.param(
            [torchvision()],
            {"image_sizes": [(9, 9), (9, 9)]},
            says("detections", "each of 2 images", "1", "an empty entry"),
            id="another number of images",
        ),
        pytest.param(
            [torchvision()],
            {"box_format": "yxyx"},
            says("detections[0].box_format", "'xyxy'", "'yxyx'", "centre"),
            id="an unknown box format",
        ),
        pytest.param(
            ultralytics(boxes=None, obb=object()),
            {},
            says("detections", "Ultralytics Results", "along the axes", "r.obb.xyxy"),
            id="oriented boxes",
        ),
        pytest.param(
            [supervision(confidence=None)],
            {},
            says("detections[0]", "supervision.Detections", "boxes without scores", "targets"),
            id="boxes without scores",
        ),
    ],
)
def test_what_is_refused(given: Any, options: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        to_detections(given, **options)


def test_a_speck_is_no_normalised_box_beside_another_image() -> None:
    speck = torchvision(boxes=[[0.0, 0.0, 1.0, 1.0]] * 2)
    assert len(to_detections([speck, torchvision()])) == 2


@pytest.mark.parametrize("device", ["cpu", *["cuda"] * torch.cuda.is_available()])
def test_boxes_come_to_the_host_and_masks_stay(device: str) -> None:
    given = {key: value.to(device) for key, value in torchvision().items()}
    masks = torch.ones(len(given["boxes"]), 4, 4, device=device)
    (found,) = to_detections([given | {"masks": masks}])
    assert {v.device.type for v in (found.boxes, found.scores, found.labels)} == {"cpu"}
    assert found.masks.device.type == device
    (of_head,) = to_detections(head().to(device), num_classes=5)
    assert of_head.boxes.device.type == of_head.scores.device.type == "cpu"


def test_detections_pass_through_unchanged() -> None:
    given = Detections(*plain(), after_nms=True, names={1: "dog"})
    assert to_detections([given])[0] is given
