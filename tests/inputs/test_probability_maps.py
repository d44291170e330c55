"""Probability maps: the shapes of each task, the cast to float32, and what is refused."""

import warnings
from typing import Any

import numpy as np
import pytest
import torch

from tests.inputs.error_messages import says
from torchdial.inputs import to_probabilities
from torchdial.inputs.probability_maps import check_task, to_tensor

DEVICES = ["cpu", *["cuda"] * torch.cuda.is_available()]


@pytest.mark.parametrize(
    ("task", "num_classes", "channels"),
    [
        pytest.param("binary", None, 1, id="binary needs no number"),
        pytest.param("binary", 1, 1, id="binary may say one"),
        pytest.param("multilabel", 1, 1, id="one label"),
        pytest.param("multilabel", 255, 255, id="the most labels"),
        pytest.param("multiclass", 2, 2, id="background and one class"),
        pytest.param("multiclass", np.int64(3), 3, id="a number of numpy's"),
    ],
)
def test_tasks(task: str, num_classes: int | None, channels: int) -> None:
    assert check_task(task, num_classes) == channels
    assert type(check_task(task, num_classes)) is int


@pytest.mark.parametrize(
    ("task", "num_classes", "message"),
    [
        pytest.param("semantic", None, says("task", "'binary'", "semantic", "softmax"), id="name"),
        pytest.param("binary", 2, says("num_classes", "None", "2", "multilabel"), id="binary of 2"),
        pytest.param("multilabel", None, says("num_classes", "1 to", "None", "number"), id="none"),
        pytest.param("multilabel", 256, says("num_classes", "255", "256", "channels"), id="many"),
        pytest.param("multilabel", True, says("num_classes", "1 to", "True", "number"), id="bool"),
        pytest.param("multiclass", 1, says("num_classes", "2 to", "1", "channels"), id="one class"),
        pytest.param("multiclass", 2.5, says("num_classes", "2 to", "2.5", "channels"), id="float"),
    ],
)
def test_tasks_refused(task: str, num_classes: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_task(task, num_classes)


@pytest.mark.parametrize(
    ("task", "given", "canonical"),
    [
        pytest.param("binary", (4, 5), (1, 1, 4, 5), id="binary: one map"),
        pytest.param("binary", (3, 4, 5), (3, 1, 4, 5), id="binary: maps"),
        pytest.param("binary", (3, 1, 4, 5), (3, 1, 4, 5), id="binary: maps with a channel"),
        pytest.param("multilabel", (3, 4, 5), (1, 3, 4, 5), id="multilabel: one image"),
        pytest.param("multilabel", (2, 3, 4, 5), (2, 3, 4, 5), id="multilabel: a batch"),
        pytest.param("multiclass", (3, 4, 5), (1, 3, 4, 5), id="multiclass: one image"),
        pytest.param("multiclass", (2, 3, 4, 5), (2, 3, 4, 5), id="multiclass: a batch"),
    ],
)
@pytest.mark.parametrize("device", DEVICES)
def test_shapes(task: Any, given: Any, canonical: tuple[int, ...], device: str) -> None:
    preds = torch.rand(given, device=device)
    maps = to_probabilities(preds, task)
    assert maps.shape == canonical
    assert maps.device.type == device
    assert maps.flatten().equal(preds.flatten())


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_they_are_cast_to_float32_first(dtype: torch.dtype) -> None:
    logits = torch.randn(2, 3, 4, 5, dtype=torch.float64).to(dtype)
    as_float32 = logits.to(torch.float32)
    sigmoids = to_probabilities(logits, "multilabel", from_logits=True)
    softmax = to_probabilities(logits, "multiclass", from_logits=True)
    assert sigmoids.dtype == softmax.dtype == torch.float32
    assert sigmoids.equal(torch.sigmoid(as_float32))
    exact = np.exp(as_float32.double().numpy())
    np.testing.assert_allclose(softmax, exact / exact.sum(1, keepdims=True), rtol=1e-6)
    probs = torch.rand(4, 5, dtype=torch.float64).to(dtype)
    assert to_probabilities(probs)[0, 0].equal(probs.to(torch.float32))


def test_they_are_detached_and_the_input_is_not_changed() -> None:
    preds = torch.rand(2, 4, 5, requires_grad=True)
    before = preds.detach().clone()
    assert not to_probabilities(preds).requires_grad
    assert preds.detach().equal(before)


READ_ONLY = np.arange(6, dtype=np.float32).reshape(2, 3) / 8
READ_ONLY.flags.writeable = False


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param(READ_ONLY, READ_ONLY, id="a read-only array, as Pillow gives"),
        pytest.param(READ_ONLY[::-1], READ_ONLY[::-1], id="a reversed view"),
        pytest.param(READ_ONLY.astype(">f4"), READ_ONLY, id="big-endian, as FITS gives"),
        pytest.param([READ_ONLY, READ_ONLY], np.stack([READ_ONLY] * 2), id="a list of arrays"),
        pytest.param((torch.ones(2), torch.ones(2)), np.ones((2, 2)), id="a tuple of tensors"),
    ],
)
def test_tensors_from_what_people_have(given: Any, expected: np.ndarray) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tensor = to_tensor("x", given)
    np.testing.assert_array_equal(tensor.numpy(), expected)


@pytest.mark.parametrize(
    ("given", "got", "remedy"),
    [
        pytest.param("text", "str 'text'", "PIL.Image.open", id="text"),
        pytest.param([[0.1]], "list [[0.1]]", "as_tensor", id="nested numbers"),
        pytest.param(np.array(["a"]), "a <U1 array", "as_tensor", id="an array of text"),
        pytest.param(np.array([{}]), "a object array", "numpy.stack", id="an array of objects"),
        pytest.param(torch.zeros(0, 4, 4), "shape (0, 4, 4)", "empty batches", id="no image"),
        pytest.param([torch.zeros(2), torch.zeros(3)], "2 different", "Resize", id="two sizes"),
    ],
)
def test_what_is_no_tensor(given: Any, got: str, remedy: str) -> None:
    with pytest.raises(ValueError, match=says("x", "", got, remedy)):
        to_tensor("x", given)


NAN = torch.tensor([[0.5, float("nan"), float("inf")]])


@pytest.mark.parametrize(
    ("preds", "kwargs", "message"),
    [
        pytest.param(
            torch.ones(4, 4).long(),
            {},
            says("probs", "floating-point", "int64", "label map cannot be thresholded"),
            id="a label map",
        ),
        pytest.param(
            torch.ones(4, 4).bool(), {}, says("probs", "floating", "bool", "label map"), id="a mask"
        ),
        pytest.param(
            torch.full((4, 4), -3.0),
            {},
            says("probs", "in [0, 1]", "[-3, -3]", "from_logits=True"),
            id="logits without saying so",
        ),
        pytest.param(
            torch.tensor([[0.0, 255.0]]),
            {},
            says("probs", "in [0, 1]", "[0, 255]", "probs / 255"),
            id="bytes as floats",
        ),
        pytest.param(
            NAN,
            {"name": "preds"},
            says("preds", "finite", "2 of 3 not finite, the first at index (0, 0, 0, 1)", "zero"),
            id="NaN and infinity, counted",
        ),
        pytest.param(
            NAN, {"from_logits": True}, says("probs", "finite", "2 of 3", "zero"), id="NaN logits"
        ),
        pytest.param(
            torch.tensor([[1e300]], dtype=torch.float64),
            {"from_logits": True},
            says("probs", "finite", "1 of 1", "overflow"),
            id="a float64 beyond float32",
        ),
        pytest.param(
            torch.rand(2, 3, 4, 4),
            {},
            says("probs", "1 channel in dimension 1", "(2, 3, 4, 4)", "multilabel"),
            id="channels for binary",
        ),
        pytest.param(
            torch.rand(2, 3, 5, 5),
            {"task": "multiclass", "num_classes": 4},
            says("probs", "4 channels", "(2, 3, 5, 5)", "num_classes=3"),
            id="another number of classes",
        ),
        pytest.param(
            torch.rand(4, 4),
            {"task": "multilabel"},
            says("probs", "(C, H, W)", "(4, 4)", "task='binary'"),
            id="no channels for multilabel",
        ),
        pytest.param(torch.rand(4), {}, says("probs", "(H, W)", "(4,)", "reshape(1"), id="a line"),
    ],
)
def test_what_is_refused(preds: torch.Tensor, kwargs: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        to_probabilities(preds, **kwargs)
