"""Annotations: torchvision's targets and COCO's files, against values worked out by hand."""

from typing import Any

import numpy as np
import pytest
import torch
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from tests.inputs.error_messages import says
from torchdial.inputs.boxes.detection_targets import to_annotations

BOXES = [[10.0, 20.0, 40.0, 80.0], [0.0, 0.0, 5.0, 6.0]]
XYWH = [[10.0, 20.0, 30.0, 60.0], [0.0, 0.0, 5.0, 6.0]]
CXCYWH = [[25.0, 50.0, 30.0, 60.0], [2.5, 3.0, 5.0, 6.0]]
LABELS = [3, 1]


def torchvision(**more: Any) -> dict[str, Any]:
    return {"boxes": torch.tensor(BOXES), "labels": torch.tensor(LABELS)} | more


def coco(image_id: Any = 7, **more: Any) -> list[dict[str, Any]]:
    return [
        {"id": i, "image_id": image_id, "category_id": label, "bbox": box} | more
        for i, (box, label) in enumerate(zip(XYWH, LABELS, strict=True), start=1)
    ]


def a_file(**more: Any) -> dict[str, Any]:
    return {
        "images": [
            {"id": 9, "height": 48, "width": 64},
            {"id": 7, "height": 100, "width": 200},
            {"id": 8},
        ],
        "annotations": coco(7) + coco(9)[:1],
        "categories": [{"id": 1, "name": "dog"}, {"id": 3, "name": "cow"}],
    } | more


@pytest.mark.parametrize(
    ("given", "options"),
    [
        pytest.param([torchvision()], {}, id="torchvision: a list of dicts"),
        pytest.param(torchvision(), {}, id="torchvision: the dict of one image"),
        pytest.param((torchvision(),), {}, id="torchvision: a tuple, as a loader gives"),
        pytest.param([{k: v.numpy() for k, v in torchvision().items()}], {}, id="arrays"),
        pytest.param([{"boxes": BOXES, "labels": LABELS}], {}, id="lists"),
        pytest.param([torchvision(boxes=XYWH)], {"box_format": "xywh"}, id="xywh"),
        pytest.param([torchvision(boxes=CXCYWH)], {"box_format": "cxcywh"}, id="cxcywh"),
        pytest.param(coco(), {}, id="COCO: a list"),
        pytest.param(coco(), {"box_format": "xyxy"}, id="COCO has its own box format"),
        pytest.param(a_file(), {"image_ids": [7]}, id="COCO: a file"),
        pytest.param(to_annotations([torchvision()]), {}, id="Annotations"),
        pytest.param([torchvision()], {"num_classes": 4}, id="labels just in range"),
    ],
)
def test_every_format_gives_the_same(given: Any, options: dict[str, Any]) -> None:
    (true,) = to_annotations(given, **options)
    assert len(true) == 2
    assert true.boxes.dtype == torch.float32
    assert true.xywh.dtype == true.area.dtype == torch.float64
    assert true.labels.dtype == torch.int64
    assert true.iscrowd.dtype == true.ignore.dtype == torch.bool
    assert true.boxes.tolist() == BOXES
    assert true.xywh.tolist() == XYWH
    assert true.labels.tolist() == LABELS
    assert true.area.tolist() == [1800, 30]
    assert not true.iscrowd.any()
    assert not true.ignore.any()


def test_xywh_is_not_rounded() -> None:
    box = [473.07, 395.93, 38.65, 28.67]
    (true,) = to_annotations([coco()[0] | {"bbox": box}])
    assert true.xywh.tolist() == [box]
    x, y, w, h = (np.float32(v) for v in box)
    assert true.boxes.tolist() == [[x, y, x + w, y + h]]


def test_xywh_of_corners_is_their_difference_in_float64() -> None:
    corners = torch.tensor([[0.1, 0.2, 1000.3, 3000.7]], dtype=torch.float32)
    (true,) = to_annotations([{"boxes": corners, "labels": [0]}])
    exact = corners.double()[0]
    assert true.xywh.tolist() == [[*exact[:2].tolist(), *(exact[2:] - exact[:2]).tolist()]]


@pytest.mark.parametrize(
    ("more", "crowd", "ignored", "area"),
    [
        pytest.param({}, [0, 0], [0, 0], [1800, 30], id="nothing said"),
        pytest.param({"iscrowd": torch.tensor([0, 1])}, [0, 1], [0, 1], [1800, 30], id="a crowd"),
        pytest.param({"iscrowd": np.array([True, False])}, [1, 0], [1, 0], [1800, 30], id="bools"),
        pytest.param({"ignore": [1, 0]}, [0, 0], [1, 0], [1800, 30], id="ignored"),
        pytest.param(
            {"iscrowd": [0, 1], "ignore": [True, False]}, [0, 1], [1, 1], [1800, 30], id="both"
        ),
        pytest.param({"area": torch.tensor([7, 0.5])}, [0, 0], [0, 0], [7, 0.5], id="areas"),
        pytest.param({"area": None}, [0, 0], [0, 0], [1800, 30], id="None"),
    ],
)
def test_crowds_ignored_boxes_and_areas(more: Any, crowd: Any, ignored: Any, area: Any) -> None:
    (true,) = to_annotations([torchvision(**more)])
    assert true.iscrowd.tolist() == list(map(bool, crowd))
    assert true.ignore.tolist() == list(map(bool, ignored))
    assert true.area.tolist() == area


def test_coco_says_it_for_each_box() -> None:
    first, second = coco()
    given = [first | {"iscrowd": 1}, second | {"area": 12.5, "ignore": True}]
    (true,) = to_annotations(given)
    assert true.iscrowd.tolist() == [True, False]
    assert true.ignore.tolist() == [True, True]
    assert true.area.tolist() == [1800, 12.5]


def test_masks_of_targets() -> None:
    masks = torch.arange(24).reshape(2, 3, 4).byte() % 2
    (true,) = to_annotations([torchvision(masks=masks)])
    assert true.masks is not None
    assert true.masks.equal(masks.bool())


@pytest.mark.parametrize(
    ("image_id", "plain"),
    [
        pytest.param(5, 5, id="a number"),
        pytest.param("a.png", "a.png", id="text"),
        pytest.param(torch.tensor([5]), 5, id="a tensor of one"),
        pytest.param(np.int64(5), 5, id="a number of numpy's"),
        pytest.param(None, None, id="nothing"),
    ],
)
def test_torchvisions_image_id(image_id: Any, plain: Any) -> None:
    (true,) = to_annotations([torchvision(image_id=image_id)])
    assert true.image_id == plain
    assert type(true.image_id) is type(plain)


# COCO's file


def test_a_file_gives_every_image_sorted_with_size_and_names() -> None:
    true = to_annotations(a_file())
    assert [one.image_id for one in true] == [7, 8, 9]
    assert [one.size for one in true] == [(100, 200), None, (48, 64)]
    assert [one.labels.tolist() for one in true] == [[3, 1], [], [3]]
    assert all(one.names == {1: "dog", 3: "cow"} for one in true)


def test_image_ids_choose_and_order() -> None:
    assert [one.image_id for one in to_annotations(a_file(), image_ids=[9, 7])] == [9, 7]
    assert [len(one) for one in to_annotations(coco(7), image_ids=[1, 7])] == [0, 2]


def test_a_file_without_images_takes_those_that_are_annotated() -> None:
    bare = {"annotations": coco("b") + coco("a")}
    assert [one.image_id for one in to_annotations(bare)] == ["a", "b"]
    assert to_annotations(bare)[0].names is None


def test_it_says_of_a_file_what_pycocotools_does() -> None:
    given = a_file(annotations=[a | {"area": 10.0 * a["id"], "iscrowd": 0} for a in coco(7)])
    given["annotations"][1]["iscrowd"] = 1
    reference = COCO()
    reference.dataset = given
    reference.createIndex()
    evaluation = COCOeval(reference, reference, "bbox")
    evaluation._prepare()
    true = {one.image_id: one for one in to_annotations(given)}
    for (image_id, label), boxes in evaluation._gts.items():
        mine = true[image_id].labels == label
        assert true[image_id].xywh[mine].tolist() == [b["bbox"] for b in boxes]
        assert true[image_id].area[mine].tolist() == [b["area"] for b in boxes]
        assert true[image_id].ignore[mine].tolist() == [bool(b["ignore"]) for b in boxes]
        assert true[image_id].iscrowd[mine].tolist() == [bool(b["iscrowd"]) for b in boxes]


# images without boxes


@pytest.mark.parametrize(
    "given",
    [
        pytest.param([{"boxes": torch.zeros(0, 4), "labels": torch.zeros(0)}], id="tensors"),
        pytest.param([{"boxes": [], "labels": []}], id="lists"),
        pytest.param(
            [{"boxes": np.zeros((0, 4)), "labels": [], "area": [], "iscrowd": []}], id="both"
        ),
        pytest.param(a_file(images=[{"id": 7}], annotations=[]), id="a file"),
    ],
)
def test_an_image_without_boxes(given: Any) -> None:
    (true,) = to_annotations(given)
    assert len(true) == 0
    assert true.boxes.shape == true.xywh.shape == (0, 4)
    for column in (true.labels, true.iscrowd, true.ignore, true.area):
        assert column.shape == (0,)


def test_no_images_at_all() -> None:
    assert to_annotations([]) == []
    assert to_annotations({"annotations": []}) == []


# what is refused


@pytest.mark.parametrize(
    ("given", "options", "message"),
    [
        pytest.param(
            "instances.json",
            {},
            says("targets", "a dict with boxes, labels", "str 'instances.json'", "COCO's"),
            id="a path",
        ),
        pytest.param(
            [torchvision(), {"boxes": BOXES}],
            {},
            says("targets[1]", "boxes, labels", "only ['boxes']", '{"boxes": …, "labels": …}'),
            id="no labels",
        ),
        pytest.param(
            [{"boxes": None, "labels": []}],
            {},
            says("targets[0]", "boxes, labels", "only ['labels']", '{"boxes": …, "labels": …}'),
            id="boxes that are None",
        ),
        pytest.param(
            [{"boxes": torch.tensor(3.0), "labels": []}],
            {},
            says("targets[0].boxes", "(N, 4)", "shape ()", "one image"),
            id="boxes that are a number",
        ),
        pytest.param(
            [torchvision(labels=[1])],
            {},
            says("targets[0].labels", "2 boxes", "1", "same mask"),
            id="one label for two",
        ),
        pytest.param(
            [torchvision(iscrowd=torch.zeros(3))],
            {},
            says("targets[0].iscrowd", "2 boxes", "(3,)", "filter it"),
            id="three crowds for two",
        ),
        pytest.param(
            [torchvision(area=[1.0, -2.0])],
            {},
            says("targets[0].area", "at least 0", "-2.0", "width x height"),
            id="a negative area",
        ),
        pytest.param(
            [torchvision(area=[1.0, float("nan")])],
            {},
            says("targets[0].area", "finite", "index (1,)", "division"),
            id="an area that is NaN",
        ),
        pytest.param(
            [torchvision(area=["1", "2"])],
            {},
            says("targets[0].area", "numbers", "<U1", "torch.as_tensor"),
            id="areas that are text",
        ),
        pytest.param(
            [torchvision(boxes=[[9, 9, 3, 4], [0, 0, 1, 1]])],
            {},
            says("targets[0].boxes", "x1 ≤ x2", "1 of 2", "box_format"),
            id="xywh taken for xyxy",
        ),
        pytest.param(
            [torchvision(boxes=[[0.1, 0.1, 0.3, 0.9]] * 2)],
            {},
            says("targets: boxes", "absolute", "[0.1, 0.9]", "width of the image"),
            id="normalised",
        ),
        pytest.param(
            [torchvision()],
            {"num_classes": 3},
            says("targets[0].labels", "0 … 2", "[3] at 1 boxes", "largest label + 1"),
            id="a label out of range",
        ),
        pytest.param(
            [torchvision()],
            {"image_sizes": [(9, 9)] * 2},
            says("targets", "each of 2 images", "1", "an empty entry"),
            id="another number of images",
        ),
        pytest.param(
            a_file(),
            {"image_ids": [7, 70]},
            says("image_ids", "3 images", "also [70]", "of the same type"),
            id="an id that is not in the file",
        ),
        pytest.param(
            coco(7),
            {"image_ids": ["7"]},
            says("targets: image_id", "['7']", "7", "of the same type"),
            id="text where ids are numbers",
        ),
        pytest.param(
            a_file(categories=[{"id": 1}]),
            {},
            says("targets['categories'][0]", "id, name", "only ['id']", "missing"),
            id="a category without a name",
        ),
        pytest.param(
            a_file(images=[{"file_name": "a.png"}]),
            {},
            says("targets['images'][0]", "id", "only ['file_name']", "missing"),
            id="an image without an id",
        ),
        pytest.param(
            a_file(annotations={"a": 1}),
            {},
            says("targets", "a list of COCO's dicts", "dict {'a': 1}", "json.load"),
            id="annotations that are no list",
        ),
        pytest.param(
            [coco()[0] | {"area": "big"}],
            {},
            says("targets[image_id=7].area", "numbers", "['big']", "wrote the file"),
            id="an area that is text",
        ),
    ],
)
def test_what_is_refused(given: Any, options: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        to_annotations(given, **options)


@pytest.mark.parametrize("device", ["cpu", *(["cuda"] if torch.cuda.is_available() else [])])
def test_everything_comes_to_the_host(device: str) -> None:
    given = torchvision(iscrowd=torch.tensor([0, 1], device=device), ignore=[1, 0])
    (true,) = to_annotations([given | {"boxes": given["boxes"].to(device)}])
    columns = (true.boxes, true.xywh, true.labels, true.iscrowd, true.ignore, true.area)
    assert {column.device.type for column in columns} == {"cpu"}
