"""Any tensor as pictures."""

from __future__ import annotations

from typing import Any

import matplotlib
import numpy as np
import pytest
import torch
from PIL import Image

from torchdial.inputs.images.tensor_images import category_colors, to_pictures

RGB = torch.rand(3, 6, 8, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("images", "shapes"),
    [
        pytest.param(torch.rand(6, 8), [(6, 8, 1)], id="HW"),
        pytest.param(RGB, [(6, 8, 3)], id="CHW"),
        pytest.param(RGB.permute(1, 2, 0).numpy(), [(6, 8, 3)], id="HWC"),
        pytest.param(torch.rand(2, 3, 6, 8), [(6, 8, 3)] * 2, id="NCHW"),
        pytest.param(np.zeros((2, 6, 8, 4), np.uint8), [(6, 8, 4)] * 2, id="NHWC"),
        pytest.param(torch.rand(5, 6, 8), [(6, 8, 1)] * 5, id="feature maps"),
        pytest.param(torch.rand(64, 4, 4), [(4, 4, 1)] * 64, id="small feature maps"),
        pytest.param(RGB.permute(1, 2, 0), [(6, 8, 3)], id="a tensor with channels last"),
        pytest.param(torch.rand(2, 5, 6, 8), [(6, 8, 1)] * 10, id="feature maps of a batch"),
        pytest.param(torch.zeros(2, 6, 8, dtype=torch.int64), [(6, 8, 3)] * 2, id="label maps"),
        pytest.param(torch.zeros(2, 1, 6, 8, dtype=torch.bool), [(6, 8, 1)] * 2, id="bool masks"),
        pytest.param([RGB, torch.rand(1, 4, 5)], [(6, 8, 3), (4, 5, 1)], id="sizes that differ"),
        pytest.param(Image.new("RGB", (8, 6)), [(6, 8, 3)], id="Pillow"),
    ],
)
def test_reads_shapes_as_people_have_them(images: Any, shapes: Any) -> None:
    assert [p.pixels.shape for p in to_pictures(images)] == shapes


def test_pixels_are_the_values_in_255_steps() -> None:
    (picture,) = to_pictures(RGB)
    expected = np.round(RGB.permute(1, 2, 0).numpy() * 255)
    np.testing.assert_array_equal(picture.pixels, expected)
    np.testing.assert_array_equal(picture.values, RGB.permute(1, 2, 0).numpy())
    assert picture.range is None


def test_a_normalisation_is_undone() -> None:
    mean, std = torch.tensor([0.5, 0.4, 0.3]), torch.tensor([0.2, 0.3, 0.4])
    normalised = (RGB - mean[:, None, None]) / std[:, None, None]
    (undone,) = to_pictures(normalised, mean=mean.tolist(), std=std.tolist())
    (plain,) = to_pictures(RGB)
    assert np.abs(undone.pixels.astype(int) - plain.pixels).max() <= 1


@pytest.mark.parametrize(
    ("normalize", "expected"),
    [
        pytest.param(None, [(-1.0, 3.0), None], id="as needed, each by itself"),
        pytest.param("image", [(-1.0, 3.0), (0.0, 0.5)], id="each image"),
        pytest.param("batch", [(-1.0, 3.0)] * 2, id="all together"),
        pytest.param((-4, 4), [(-4.0, 4.0)] * 2, id="given"),
    ],
)
def test_ranges_are_reported(normalize: Any, expected: Any) -> None:
    images = torch.tensor([[[-1.0, 3.0]], [[0.0, 0.5]]])[:, None]
    assert [p.range for p in to_pictures(images, normalize=normalize)] == expected


def test_black_and_white_are_the_ends_of_the_range() -> None:
    (picture,) = to_pictures(torch.tensor([[-2.0, 0.0, 2.0, 9.0]]), normalize=(-2, 2))
    assert picture.pixels[0, :, 0].tolist() == [0, 128, 255, 255]


def test_one_channel_takes_a_color_map() -> None:
    (picture,) = to_pictures(torch.tensor([[0.0, 1.0]]), cmap="viridis")
    expected = matplotlib.colormaps["viridis"]([0.0, 1.0], bytes=True)[:, :3]
    np.testing.assert_array_equal(picture.pixels[0], expected)


def test_labels_have_the_colors_of_the_browser() -> None:
    colors = category_colors(np.array([0, 1, 8, 9, 17]))
    # As js/src/lib/core/colors.ts makes them: the ninth is the first again, 35 % nearer to white.
    assert colors.tolist() == [
        [0, 0, 0],
        [230, 159, 0],
        [89, 89, 89],
        [239, 193, 89],
        [248, 226, 179],
    ]


def test_what_is_not_finite_is_magenta() -> None:
    (picture,) = to_pictures(torch.tensor([[0.0, float("nan"), float("inf"), 1.0]]))
    assert picture.pixels[0].tolist() == [[0] * 3, [255, 0, 255], [255, 0, 255], [255] * 3]
    assert np.isnan(picture.values[0, 1])


@pytest.mark.parametrize(
    ("images", "options", "message"),
    [
        pytest.param(torch.rand(2), {}, r"expected shape \(H, W\)", id="one dimension"),
        pytest.param(torch.rand(1, 2, 3, 4, 5), {}, "Make one batch", id="a video"),
        pytest.param([], {}, "expected images, got none", id="nothing"),
        pytest.param(torch.rand(0, 3, 4, 4), {}, "expected at least one", id="an empty batch"),
        pytest.param(torch.rand(4, 4).cfloat(), {}, "expected real numbers", id="complex"),
        pytest.param(RGB, {"cmap": "rainbows"}, "cmap: expected the name", id="unknown map"),
        pytest.param(RGB, {"normalize": (1, 0)}, "low < high", id="range upside down"),
        pytest.param(RGB, {"mean": [0.5, 0.5]}, "one for each of 3 channels", id="two means"),
        pytest.param([RGB, "cat.png"], {}, r"images\[1\]: expected a torch tensor", id="a path"),
    ],
)
def test_refuses_with_a_reason(images: Any, options: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        to_pictures(images, **options)
