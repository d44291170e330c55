"""Targets: the shapes of each task, ignored pixels as 255, and labels that are refused."""

from typing import Any

import numpy as np
import pytest
import torch

from tests.inputs.error_messages import says
from torchdial.inputs import to_targets

DEVICES = ["cpu", *["cuda"] * torch.cuda.is_available()]
BINARY = (2, 1, 3, 4)


@pytest.mark.parametrize(
    ("task", "preds", "target", "canonical"),
    [
        pytest.param("binary", (1, 1, 3, 4), (3, 4), (1, 1, 3, 4), id="binary: one mask"),
        pytest.param("binary", BINARY, (2, 3, 4), BINARY, id="binary: without channel"),
        pytest.param("binary", BINARY, BINARY, BINARY, id="binary: with channel"),
        pytest.param("multilabel", (1, 5, 3, 4), (5, 3, 4), (1, 5, 3, 4), id="multilabel: one"),
        pytest.param("multilabel", (2, 5, 3, 4), (2, 5, 3, 4), (2, 5, 3, 4), id="multilabel"),
        pytest.param("multiclass", (1, 5, 3, 4), (3, 4), (1, 3, 4), id="multiclass: one"),
        pytest.param("multiclass", (2, 5, 3, 4), (2, 3, 4), (2, 3, 4), id="multiclass"),
        pytest.param("multiclass", (2, 5, 3, 4), (2, 1, 3, 4), (2, 3, 4), id="with a channel"),
        pytest.param("binary", (1, 1, 1, 4), (1, 4), (1, 1, 1, 4), id="an image of one row"),
    ],
)
@pytest.mark.parametrize("device", DEVICES)
def test_shapes(task: Any, preds: Any, target: Any, canonical: Any, device: str) -> None:
    labels = torch.randint(0, 2, target, device=device)
    targets = to_targets(labels, preds, task)
    assert targets.shape == canonical
    assert targets.dtype == torch.uint8
    assert targets.device.type == device
    assert targets.flatten().tolist() == labels.flatten().tolist()


WHOLE = [torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64]
WIDE = [torch.uint16, torch.uint32, torch.uint64]
FLOATS = [torch.float16, torch.bfloat16, torch.float32, torch.float64]


@pytest.mark.parametrize("ignore_index", [None, 255, -100, 256, -(2**40)])
@pytest.mark.parametrize("dtype", WHOLE + WIDE + FLOATS, ids=str)
def test_every_type_of_label(dtype: torch.dtype, ignore_index: int | None) -> None:
    labels = torch.tensor([[0, 1, 1]]).to(dtype)
    targets = to_targets(labels, (1, 1, 1, 3), ignore_index=ignore_index)
    assert targets.flatten().tolist() == [0, 1, 1]


def test_a_read_only_array_of_sixteen_bits() -> None:
    labels = np.array([[0, 300]], dtype=np.uint16)
    labels.flags.writeable = False
    assert to_targets(labels, (1, 1, 1, 2), ignore_index=300).flatten().tolist() == [0, 255]


@pytest.mark.parametrize(
    ("labels", "ignore_index", "expected"),
    [
        pytest.param(torch.tensor([[0, 200, 255]]), 255, [0, 200, 255], id="255 is ignored"),
        pytest.param(torch.tensor([[0, 200, -100]]), -100, [0, 200, 255], id="-100 is ignored"),
        pytest.param(torch.tensor([[0.0, 7.0, -1.0]]), -1, [0, 7, 255], id="in floats"),
        pytest.param(torch.tensor([[0, 1, 2]]), 0, [255, 1, 2], id="a class of the task"),
        pytest.param(torch.tensor([[254, 1, 2]]), None, [254, 1, 2], id="the last label"),
        pytest.param(
            torch.tensor([[156, 1, 2]], dtype=torch.uint8), -100, [156, 1, 2], id="-100 is not 156"
        ),
        pytest.param(
            torch.tensor([[0, 1, 2]], dtype=torch.uint8), 256, [0, 1, 2], id="256 is not 0"
        ),
    ],
)
def test_ignored_labels(labels: torch.Tensor, ignore_index: int | None, expected: Any) -> None:
    before = labels.clone()
    targets = to_targets(labels, (1, 255, 1, 3), "multiclass", ignore_index=ignore_index)
    assert targets.flatten().tolist() == expected
    assert labels.equal(before)


KNOWN = "labels 0 … 1"


@pytest.mark.parametrize(
    ("labels", "ignore_index", "message"),
    [
        pytest.param(
            torch.tensor([[0, 255, 255]]),
            None,
            says("targets", KNOWN, "also [255], 2 of 3 labels", "targets > 0"),
            id="a mask of 0 and 255",
        ),
        pytest.param(
            torch.tensor([[0, 1, 2]]),
            None,
            says("targets", KNOWN, "also [2], 1 of 3 labels", "ignore_index="),
            id="the first label too many",
        ),
        pytest.param(
            torch.tensor([[0, -1, 3]]),
            255,
            says("targets", KNOWN, "also [-1, 3], 2 of 3 labels", "masked_array"),
            id="unknown beside another that is ignored",
        ),
        pytest.param(
            torch.tensor([[-1, 1, 0]], dtype=torch.int8),
            255,
            says("targets", KNOWN, "also [-1], 1 of 3 labels", "ignore_index="),
            id="an int8 -1 is not 255",
        ),
        pytest.param(
            torch.tensor([[0.0, 0.5, 1.0]]),
            None,
            says("targets", KNOWN, "also [0.5], 1 of 3 labels", "targets > 0.5"),
            id="a soft label",
        ),
        pytest.param(
            torch.tensor([[0.0, float("nan"), 1.0]]),
            None,
            says("targets", KNOWN, "also [nan], 1 of 3 labels", "masked_array"),
            id="NaN",
        ),
        pytest.param(
            torch.zeros(1, 3, dtype=torch.complex64),
            None,
            says("targets", "bool, integer", "complex64", "targets.real"),
            id="complex",
        ),
        pytest.param(
            torch.zeros(2, 3),
            None,
            says("targets", "shape (1, 1, 1, 3)", "shape (2, 3)", "nearest neighbours"),
            id="another size",
        ),
    ],
)
def test_what_is_refused(labels: torch.Tensor, ignore_index: int | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        to_targets(labels, (1, 1, 1, 3), ignore_index=ignore_index)


def test_one_hot_targets_are_no_label_map() -> None:
    message = says(
        "mask", "shape (2, 4, 4)", "shape (2, 5, 4, 4)", "torch.as_tensor(mask).argmax(-3)"
    )
    with pytest.raises(ValueError, match=message):
        to_targets(torch.zeros(2, 5, 4, 4), (2, 5, 4, 4), "multiclass", name="mask")
