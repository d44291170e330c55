"""Images: every usual shape and type comes out as uint8 (N, H, W, C)."""

import warnings
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from tests.inputs.error_messages import says
from torchdial.inputs import to_images

GREY = np.arange(20, dtype=np.uint8).reshape(4, 5)
RGB = np.arange(60, dtype=np.uint8).reshape(4, 5, 3)
CHW = torch.from_numpy(RGB).permute(2, 0, 1)


@pytest.mark.parametrize(
    ("images", "expected"),
    [
        pytest.param(GREY, GREY[None, ..., None], id="(H, W)"),
        pytest.param(RGB, RGB[None], id="(H, W, C)"),
        pytest.param(CHW, RGB[None], id="(C, H, W)"),
        pytest.param(torch.stack([CHW, CHW]), np.stack([RGB, RGB]), id="(N, C, H, W)"),
        pytest.param(np.stack([RGB, RGB]), np.stack([RGB, RGB]), id="(N, H, W, C)"),
        pytest.param([CHW, CHW], np.stack([RGB, RGB]), id="a list of (C, H, W)"),
        pytest.param((RGB, RGB), np.stack([RGB, RGB]), id="a tuple of (H, W, C)"),
        pytest.param([GREY] * 3, np.stack([GREY] * 3)[..., None], id="three greys are no RGB"),
        pytest.param(Image.fromarray(RGB), RGB[None], id="a Pillow image"),
        pytest.param([Image.fromarray(RGB)] * 2, np.stack([RGB, RGB]), id="Pillow images"),
        pytest.param([Image.fromarray(GREY)] * 2, np.stack([GREY] * 2)[..., None], id="grey ones"),
        pytest.param(RGB[::-1], RGB[None, ::-1], id="a reversed view"),
        pytest.param(GREY > 9, (GREY > 9)[None, ..., None] * 255, id="bool is black and white"),
        pytest.param(CHW / 255, RGB[None], id="float32 in [0, 1]"),
        pytest.param((CHW / 255).double().numpy(), RGB[None], id="a float64 array, channels first"),
        pytest.param((CHW / 255).half(), RGB[None], id="float16 holds 256 levels"),
    ],
)
def test_what_is_taken(images: Any, expected: np.ndarray) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        shown = to_images(images)
    assert shown.dtype == np.uint8
    assert shown.flags.c_contiguous
    np.testing.assert_array_equal(shown, expected)


@pytest.mark.parametrize(
    ("channels_first", "expected"),
    [
        pytest.param(True, (1, 64, 3, 3), id="a tensor's channels come first"),
        pytest.param(False, (1, 3, 64, 3), id="an array's channels come last"),
    ],
)
def test_where_both_ends_could_be_channels(channels_first: bool, expected: Any) -> None:
    images = torch.zeros(3, 64, 3, dtype=torch.uint8)
    assert to_images(images if channels_first else images.numpy()).shape == expected


@pytest.mark.parametrize(
    ("mean", "std"),
    [
        pytest.param([0.485, 0.456, 0.406], [0.229, 0.224, 0.225], id="one a channel"),
        pytest.param(0.5, 0.5, id="one number"),
        pytest.param(torch.tensor([0.1, 0.2, 0.3]), np.array([1.0, 2.0, 3.0]), id="arrays"),
        pytest.param(None, 0.25, id="only a scale"),
    ],
)
def test_a_normalisation_is_undone(mean: Any, std: Any) -> None:
    scale = np.asarray(std, dtype=np.float64)
    shift = np.asarray(0.0 if mean is None else mean, dtype=np.float64)
    normalised = torch.from_numpy((RGB / 255 - shift) / scale).permute(2, 0, 1)
    np.testing.assert_array_equal(to_images(normalised, mean=mean, std=std)[0], RGB)


def test_half_way_values_round_as_numpy_rounds() -> None:
    values = np.linspace(0, 1, 1001, dtype=np.float32)[None]
    expected = np.round(values * np.float32(255)).astype(np.uint8)
    np.testing.assert_array_equal(to_images(values)[0, ..., 0], expected)


SHAPE, UNIT = "shape (H, W), (C, H, W)", "floating-point values in [0, 1]"


@pytest.mark.parametrize(
    ("images", "kwargs", "message"),
    [
        pytest.param(
            torch.zeros(7, 8, 9),
            {},
            says("images", SHAPE, "7 channels", "[:, None]"),
            id="channels",
        ),
        pytest.param(torch.zeros(4), {}, says("images", SHAPE, "(4,)", "one row"), id="a line"),
        pytest.param(
            torch.full((4, 4), 2.0), {}, says("images", UNIT, "[2, 2]", "mean="), id="above 1"
        ),
        pytest.param(
            torch.tensor([[0.0, float("nan")]]),
            {},
            says(
                "images", "finite", "1 of 2 not finite, the first at index (0, 0, 0, 1", "division"
            ),
            id="NaN",
        ),
        pytest.param(
            torch.zeros(3, 4, 4),
            {"mean": [0.5, 0.5]},
            says("mean", "3 channels", "2 numbers", "normalised"),
            id="too few means",
        ),
        pytest.param(
            torch.zeros(3, 4, 4),
            {"std": torch.ones(2)},
            says("std", "3 channels", "2 numbers", "normalised"),
            id="too few deviations, as a tensor",
        ),
        pytest.param("cat.png", {}, says("images", "tensor", "'cat.png'", "Open"), id="a path"),
        pytest.param([], {}, says("images", "tensor", "list []", "Convert"), id="no image"),
    ],
)
def test_what_is_refused(images: Any, kwargs: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        to_images(images, **kwargs)
