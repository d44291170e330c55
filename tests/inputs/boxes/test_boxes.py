"""Boxes in canonical form: formats, casts, and what is refused with which words."""

import numpy as np
import pytest
import torch

from tests.inputs.error_messages import says
from torchdial.inputs.boxes.boxes import refuse_normalised, to_boxes

DEVICES = ["cpu", *["cuda"] * torch.cuda.is_available()]
NAN = float("nan")
BOX = [10.0, 20.0, 40.0, 60.0]


@pytest.mark.parametrize(
    ("given", "box_format"),
    [
        pytest.param(BOX, "xyxy", id="corners"),
        pytest.param([10.0, 20.0, 30.0, 40.0], "xywh", id="upper left corner and size"),
        pytest.param([25.0, 40.0, 30.0, 40.0], "cxcywh", id="centre and size"),
    ],
)
@pytest.mark.parametrize("device", DEVICES)
def test_formats(given, box_format, device: str) -> None:
    there = torch.tensor([given, [0.0] * 4], device=device)
    before = there.clone()
    boxes, scores, labels = to_boxes(there, [0.5, 0.25], [3, 0], box_format)
    assert boxes.tolist() == [BOX, [0.0] * 4]
    assert (scores.tolist(), labels.tolist()) == ([0.5, 0.25], [3, 0])
    assert (boxes.dtype, scores.dtype, labels.dtype) == (torch.float32, torch.float32, torch.int64)
    assert {part.device.type for part in (boxes, scores, labels)} == {"cpu"}
    assert there.equal(before)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda b: torch.tensor(b), id="float32"),
        pytest.param(lambda b: torch.tensor(b, dtype=torch.bfloat16), id="bfloat16"),
        pytest.param(lambda b: torch.tensor(b, dtype=torch.int32), id="int32"),
        pytest.param(lambda b: torch.tensor(b, requires_grad=True), id="with gradient"),
        pytest.param(lambda b: np.array(b), id="numpy float64"),
        pytest.param(lambda b: np.array(b, ">f8"), id="the other byte order"),
        pytest.param(lambda b: np.array(b[::-1])[::-1], id="reversed"),
        pytest.param(lambda b: np.array(b, np.uint16), id="uint16"),
        pytest.param(lambda b: np.broadcast_to(np.array(b[0]), (2, 4)), id="read-only"),
        pytest.param(lambda b: [np.array(row) for row in b], id="a list of arrays"),
        pytest.param(lambda b: tuple(map(tuple, b)), id="tuples"),
    ],
)
@pytest.mark.filterwarnings("ignore:Creating a tensor from a list of numpy")
def test_any_kind_of_numbers(change) -> None:
    found = to_boxes(change([BOX, BOX]), np.float64([0.5, 1]), np.array([1, 2], np.uint8))
    assert found.boxes.equal(torch.tensor([BOX, BOX]))
    assert not found.boxes.requires_grad
    assert found.labels.tolist() == [1, 2]


def test_numbers_are_cast_before_corners_are_computed() -> None:
    x, width = 16777217.0, 2.0  # the first is no float32: 16777216
    found = to_boxes(torch.tensor([[x, 0, width, 1]], dtype=torch.float64), [0.5], None, "xywh")
    assert found.boxes.tolist() == [[16777216.0, 0, 16777218.0, 1]]


@pytest.mark.parametrize(
    "labels",
    [None, [0, 0], [0.0, 0.0], torch.zeros(2), torch.zeros(2, dtype=torch.bool), np.zeros(2, "u8")],
)
def test_labels(labels) -> None:
    found = to_boxes([BOX, BOX], [0.5, 0.5], labels)
    assert found.labels.equal(torch.zeros(2, dtype=torch.int64))


@pytest.mark.parametrize("empty", [[], np.zeros((0, 4)), torch.zeros(0, 4), torch.zeros(0)])
@pytest.mark.parametrize("labels", [None, [], torch.zeros(0, dtype=torch.int64)])
def test_no_boxes(empty, labels) -> None:
    found = to_boxes(empty, [], labels)
    assert [tuple(part.shape) for part in found] == [(0, 4), (0,), (0,)]
    assert [part.dtype for part in found] == [torch.float32, torch.float32, torch.int64]


LOGITS = "look like logits"


@pytest.mark.parametrize(
    ("boxes", "scores", "labels", "message"),
    [
        pytest.param(
            [[0, 0, 9, 9], [9, 0, 0, 9], [0, 9, 9, 0]],
            [0.5] * 3,
            None,
            says(
                "boxes",
                "y1 ≤ y2",
                "2 of 3 boxes the other way round, read as box_format='xyxy', the first at "
                "index 1: (9, 0, 0, 9)",
                "Pass another box_format",
            ),
            id="corners the other way round",
        ),
        pytest.param(
            [[0, 0, 9, NAN]],
            [0.5],
            None,
            says(
                "boxes",
                "finite",
                "1 of 1 boxes not finite, the first at index 0: (0, 0, 9, nan)",
                "",
            ),
            id="NaN",
        ),
        pytest.param(
            torch.tensor([[0, 0, 1e300, 1]], dtype=torch.float64),
            [0.5],
            None,
            says("boxes", "finite", "index 0: (0, 0, inf, 1)", "leave them out"),
            id="too large for float32",
        ),
        pytest.param(
            [[0.1, 0.1, 0.5, 0.4], [0, 0, 1.01, 1]],
            [0.5] * 2,
            None,
            says("boxes", "absolute", "[0, 1.01], which look normalised", "width of the image"),
            id="normalised",
        ),
        pytest.param(
            [BOX[:3]], [0.5], None, says("boxes", "(N, 4)", "list", "one image"), id="three numbers"
        ),
        pytest.param(
            torch.zeros(1, 2, 4),
            [0.5],
            None,
            says("boxes", "(N, 4)", "(1, 2, 4)", "one image"),
            id="a batch",
        ),
        pytest.param([BOX, BOX[:2]], [0.5] * 2, None, says("boxes", "(N, 4)", "", ""), id="ragged"),
        pytest.param(
            "boxes", [0.5], None, says("boxes", "(N, 4)", "str 'boxes'", ""), id="a string"
        ),
        pytest.param(None, [0.5], None, says("boxes", "(N, 4)", "None", ""), id="None"),
        pytest.param(
            torch.zeros(1, 4, dtype=torch.complex64),
            [0.5],
            None,
            says("boxes", "numbers", "complex64", ""),
            id="complex",
        ),
        pytest.param(
            [BOX],
            [0.5, 0.4],
            None,
            says("scores", "one for each of the 1 boxes", "2", "same mask"),
            id="too many scores",
        ),
        pytest.param(
            [BOX], [], None, says("scores", "each of the 1 boxes", "0", "mask"), id="no scores"
        ),
        pytest.param(
            [BOX], [[0.5]], None, says("scores", "(N,)", "list", ""), id="scores of two dimensions"
        ),
        pytest.param(
            [BOX],
            [1],
            None,
            says("scores", "floating-point", "int64", "look like labels"),
            id="int",
        ),
        pytest.param(
            [BOX], [NAN], None, says("scores", "finite", "1 of 1", ""), id="a score of NaN"
        ),
        pytest.param(
            [BOX] * 2,
            [-3.5, 4.0],
            None,
            says("scores", "[0, 1]", "[-3.5, 4]", LOGITS),
            id="logits",
        ),
        pytest.param(
            [BOX], [180.0], None, says("scores", "[0, 1]", "[180, 180]", LOGITS), id="a large logit"
        ),
        pytest.param(
            [BOX],
            [87.0],
            None,
            says(
                "scores",
                "[0, 1]",
                "[87, 87]",
                "logits, pass scores.sigmoid(); if they are per cent",
            ),
            id="per cent",
        ),
        pytest.param(
            [BOX], [1.0001], None, says("scores", "[0, 1]", "1.0001", "clamp(0, 1)"), id="rounding"
        ),
        pytest.param(
            [BOX] * 2,
            [0.5] * 2,
            [1, 1.5],
            says("labels", "whole", "also [1.5] at 1 of 2 boxes", "order is boxes, scores, labels"),
            id="half a label",
        ),
        pytest.param(
            [BOX], [0.5], [NAN], says("labels", "whole", "[nan]", ""), id="a label of NaN"
        ),
        pytest.param(
            [BOX],
            [0.5],
            [1, 2],
            says("labels", "each of the 1 boxes", "2", "mask"),
            id="two labels",
        ),
        pytest.param(
            [BOX],
            [0.5],
            ["cat"],
            says("labels", "numbers", "names such as 'cat'", "class_names="),
            id="a class name",
        ),
    ],
)
def test_what_is_refused(boxes, scores, labels, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        to_boxes(boxes, scores, labels)


@pytest.mark.parametrize("box_format", ["xywh", "cxcywh"])
def test_negative_sizes_are_refused_in_every_format(box_format) -> None:
    message = says(
        "boxes",
        "x1 ≤ x2",
        f"1 of 1 boxes the other way round, read as box_format='{box_format}'",
        "",
    )
    with pytest.raises(ValueError, match=message):
        to_boxes([[20, 20, -5, 5]], [0.5], None, box_format)


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(ValueError, match=says("box_format", "'xyxy'", "'yxyx'", "centre")):
        to_boxes([BOX], [0.5], None, "yxyx")


@pytest.mark.parametrize(
    "boxes",
    [
        pytest.param([[0, 0, 0, 0], [1, 1, 1, 1]], id="padding: none has an area"),
        pytest.param([[0.1, 0.1, 0.9, 0.9], [0, 0, 1.6, 1]], id="one coordinate above 1.5"),
        pytest.param([[0.1, 0.1, 0.9, 0.9], [-3, 0, 1, 1]], id="one coordinate below -0.5"),
    ],
)
def test_what_is_not_taken_for_normalised(boxes) -> None:
    assert len(to_boxes(boxes, [0.5] * len(boxes)).boxes) == len(boxes)


def test_normalised_boxes_pass_where_the_scale_does_not_matter() -> None:
    boxes = [[0.1, 0.1, 0.9, 0.9]]
    assert to_boxes(boxes, [0.5], absolute=False).boxes.equal(torch.tensor(boxes))


def test_all_images_at_once() -> None:
    speck, scene = torch.tensor([[0.2, 0.2, 1.2, 1.1]]), torch.tensor([[0.0, 0.0, 300.0, 200.0]])
    refuse_normalised(torch.cat([speck, scene]))
    with pytest.raises(ValueError, match=says("preds", "absolute", "[0.2, 1.2]", "height")):
        refuse_normalised(speck, "preds")
