"""Maps and targets as people have them: read right, or refused with a line that works.

A refused row's remedy is cut out of the error, evaluated as it stands, and passed in place of the
input; what comes of it is compared with numpy, Pillow or scikit-image.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import PIL
import PIL.Image
import pytest
import torch

import torchdial as td
from tests.inputs.error_messages import equal, follow
from torchdial.inputs import to_probabilities, to_targets
from torchdial.sweeps.torchmetrics import ThresholdSweepMetric

RANDOM = np.random.default_rng(0)
P = RANDOM.random((2, 3, 8, 10), dtype=np.float32)  # (N, C, H, W)
ONE = P[:, :1]
LABELS = RANDOM.integers(0, 3, (2, 8, 10))
ONE_HOT = np.eye(3, dtype=np.int64)[LABELS]  # (N, H, W, C)
PALETTE = np.array([[0, 0, 0], [128, 0, 0], [0, 128, 0]])


SCORES = np.float32(40) * P[0, 0] - 3
VOLUME = RANDOM.random((2, 1, 4, 8, 10), dtype=np.float32)


@pytest.mark.parametrize(
    ("given", "options", "line", "expected"),
    [
        pytest.param(
            (ONE * 255).astype(np.uint8),
            {},
            r"pass (probs / 255)\.",
            (ONE * 255).astype(np.uint8) / np.float32(255),
            id="uint8 maps",
        ),
        pytest.param(
            (ONE * 65535).astype(np.uint16),
            {},
            r"pass (probs / 65535)\.",
            (ONE * 65535).astype(np.uint16) / np.float32(65535),
            id="uint16 maps",
        ),
        pytest.param(
            np.round(ONE * 255),
            {},
            r"pass (probs / 255)\.",
            np.round(ONE * 255) / 255,
            id="0 … 255",
        ),
        pytest.param(
            SCORES,
            {},
            r"pass (\(probs - .*)\.$",
            (SCORES - SCORES.min()) / (SCORES.max() - SCORES.min()) / np.float32(1 + 1e-6),
            id="anomaly scores",
        ),
        pytest.param(
            np.moveaxis(P, 1, -1),
            {"task": "multiclass", "num_classes": 3},
            r": (torch.*)\.$",
            P,
            id="channels last",
        ),
        pytest.param(np.moveaxis(ONE, 1, -1), {}, r": (torch.*)\.$", ONE, id="one channel last"),
        pytest.param(VOLUME[:, 0], {}, r"volumes .* (torch.*)\.$", VOLUME, id="volumes"),
        pytest.param(P[0, 0, 0], {}, r": (torch.*)\.$", P[:1, :1, :1], id="a row"),
        pytest.param(
            np.repeat(P, 100, 1),
            {"task": "multilabel"},
            r": (torch.*) with task='multilabel'\.$",
            np.repeat(P, 100, 1)[:, [3, 7]],
            id="300 classes",
        ),
        pytest.param(
            np.ma.masked_array(ONE, ONE > 0.5),
            {},
            r"Pass (probs\.filled\(0\))\.",
            np.where(ONE > 0.5, 0, ONE),
            id="a masked array",
        ),
    ],
)
def test_maps_refused_with_a_line_that_works(
    given: Any, options: dict[str, Any], line: str, expected: Any
) -> None:
    found = follow(lambda probs: to_probabilities(probs, **options), given, line, "probs")
    assert found.shape == np.shape(expected) or found.numel() == np.size(expected)
    np.testing.assert_allclose(found.numpy().ravel(), np.ravel(expected), atol=1e-6)


TENSOR = torch.as_tensor(SCORES)
TAKES_SCORES: dict[str, Callable[..., Any]] = {
    "a preview": lambda **given: td.SegmentationPreview(np.zeros((1, 1, 8, 10)), SCORES, **given),
    "a sweep": lambda **given: td.ThresholdSweep(**given).update(SCORES, SCORES > 9),
    "a metric": lambda **given: ThresholdSweepMetric(**given).update(TENSOR, TENSOR > 9),
    "levels": lambda **given: td.threshold_levels(TENSOR, **given),
    "masks": lambda **given: td.segment(TENSOR, 9.0, **given),
}


@pytest.mark.parametrize("call", TAKES_SCORES.values(), ids=TAKES_SCORES)
def test_scores_of_any_range_are_taken_by_the_argument_that_the_error_names(
    call: Callable[..., Any],
) -> None:
    with pytest.raises(ValueError, match=r"got values in \[-") as refused:
        call()
    remedy = re.search(r"no probabilities: pass (\w+=.*)\.$", str(refused.value))
    assert remedy
    call(**eval(f"dict({remedy[1]})", {"td": td, "probs": SCORES, "preds": SCORES}))


@pytest.mark.parametrize("call", [td.segment, td.threshold_levels])
def test_logits_are_refused_with_the_function_that_makes_probabilities(
    call: Callable[[Any], Any],
) -> None:
    logits = torch.as_tensor(P) * 8 - 4
    for line, expected in (
        (r"pass (probs\.sigmoid\(\)), or", logits.sigmoid()),
        (r"or (probs\.softmax\(dim\)) over", logits.softmax(1)),
    ):
        equal(follow(call, logits, line, "probs", dim=1), call(expected))


def test_rounding_above_1_is_clamped_and_said() -> None:
    with pytest.warns(UserWarning, match="taken as rounding and clamped"):
        equal(to_probabilities(ONE * 0 + np.float32(1.0000004)), ONE * 0 + 1)
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        to_probabilities(ONE * 0 + np.float32(1.002))
    with pytest.warns(UserWarning, match="clamped"):
        assert td.segment(torch.tensor([1.0000004]), 0.5).tolist() == [255]


def test_logits_of_minus_infinity_are_probabilities_of_0() -> None:
    logits = torch.tensor([[[0.5, -torch.inf]], [[0.5, 2.0]], [[-torch.inf, 1.0]]])
    exact = np.exp(logits.double().numpy())
    found = to_probabilities(logits, "multiclass", from_logits=True)
    np.testing.assert_allclose(found[0], exact / exact.sum(0), rtol=1e-6)
    found = to_probabilities(logits, "multilabel", from_logits=True)
    np.testing.assert_allclose(found[0], exact / (1 + exact), rtol=1e-6)
    nothing = to_probabilities(torch.full((2, 1, 1), -torch.inf), "multiclass", from_logits=True)
    assert nothing.eq(0).all()


def test_logits_without_a_negative_value_are_said() -> None:
    with pytest.warns(UserWarning, match=r"no value is negative.*from_logits=False"):
        to_probabilities(ONE, from_logits=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        to_probabilities(ONE - 0.5, from_logits=True)
        to_probabilities(P, "multiclass", from_logits=True)


@pytest.mark.parametrize(
    ("given", "task", "line", "expected"),
    [
        pytest.param(
            (LABELS > 0) * np.uint8(255), "binary", r"pass (.*)\.$", LABELS > 0, id="0 and 255"
        ),
        pytest.param(ONE_HOT, "multiclass", r": (torch.*)\.$", LABELS, id="one-hot, last"),
        pytest.param(
            np.moveaxis(ONE_HOT, -1, 1), "multiclass", r": (torch.*)\.$", LABELS, id="one-hot"
        ),
        pytest.param(
            PALETTE[LABELS].astype(np.uint8), "multiclass", r": (\(torch.*)\.$", LABELS, id="RGB"
        ),
        pytest.param(LABELS[..., None], "multiclass", r": (torch.*)\.$", LABELS, id="(N, H, W, 1)"),
        pytest.param(
            ONE_HOT,
            "multilabel",
            r": (torch.*)\.$",
            np.moveaxis(ONE_HOT, -1, 1),
            id="multilabel, channels last",
        ),
        pytest.param(
            np.repeat(np.repeat(LABELS, 2, 1), 3, 2),
            "multiclass",
            r": (torch\.nn.*)\.$",
            LABELS,
            id="another size",
        ),
        pytest.param(LABELS % 2 * 0.9, "binary", r"pass (.*)\.$", LABELS % 2, id="soft labels"),
        pytest.param(
            np.where(LABELS == 0, -7, np.where(LABELS == 1, 9, 1)),
            "binary",
            r": (numpy.*)\.$",
            np.where(LABELS == 2, 1, 255),
            id="two unknown labels",
        ),
        pytest.param(LABELS + 0j, "multiclass", r"pass (.*)\.$", LABELS, id="complex"),
    ],
)
def test_targets_refused_with_a_line_that_works(
    given: Any, task: Any, line: str, expected: Any
) -> None:
    shape = (2, 1, 8, 10) if task == "binary" else (2, 3, 8, 10)
    found = follow(
        lambda targets: to_targets(targets, shape, task), given, line, "targets", palette=PALETTE
    )
    equal(found.reshape(np.shape(expected)), expected)


def test_one_unknown_label_is_named_as_ignore_index() -> None:
    labels = np.where(LABELS == 0, -100, LABELS)
    with pytest.raises(ValueError, match=r"pass ignore_index=-100\.$"):
        to_targets(labels, (2, 3, 8, 10), "multiclass")
    found = to_targets(labels, (2, 3, 8, 10), "multiclass", ignore_index=-100)
    equal(found, np.where(LABELS == 0, 255, LABELS))


@pytest.mark.parametrize("as_list", [False, True])
def test_masked_targets_are_void(as_list: bool) -> None:
    masked: Any = np.ma.masked_array(LABELS, LABELS == 1)
    given = list(masked) if as_list else masked
    equal(to_targets(given, (2, 3, 8, 10), "multiclass"), np.where(LABELS == 1, 255, LABELS))


def test_a_palette_image_as_target_is_its_indices() -> None:
    images = [PIL.Image.fromarray(one.astype(np.uint8), "L") for one in LABELS]
    for image in images:
        image.putpalette(PALETTE.astype(np.uint8).tobytes())
        assert image.mode == "P"
    equal(to_targets(images, (2, 3, 8, 10), "multiclass"), LABELS)


def _of_slices(volumes: bool) -> Any:
    generator = np.random.default_rng(1)
    probs = generator.random((2, 3, 4, 8, 10), dtype=np.float32)
    probs /= probs.sum(1, keepdims=True)
    labels = generator.integers(0, 3, (2, 4, 8, 10))
    sweep = td.ThresholdSweep(task="multiclass", num_classes=3)
    if volumes:
        sweep.update(probs, labels)
    for k in range(0 if volumes else 4):
        sweep.update(probs[:, :, k], labels[:, k])
    return sweep.compute()


def test_volumes_count_as_their_slices_do() -> None:
    volumes, slices = _of_slices(True), _of_slices(False)
    assert volumes.num_images == 2
    for name in ("tp", "fp", "fn", "tn"):
        equal(getattr(volumes, name), getattr(slices, name))
    equal(volumes.argmax.tp, slices.argmax.tp)
    equal(volumes.joint, slices.joint)
