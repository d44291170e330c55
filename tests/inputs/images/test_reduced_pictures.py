"""Reduced pictures are the rounded means of blocks, also where the sums of blocks are largest."""

import numpy as np
import pytest

from torchdial.inputs.images.reduced_pictures import reduced, reduction_of


@pytest.mark.parametrize(
    ("shape", "factor"),
    [
        ((320, 320, 3), 2),
        ((257, 255, 3), 2),
        ((2560, 40, 1), 16),
        ((2561, 35, 1), 17),
    ],
    ids=["even", "odd sides", "largest sum of 16 bits", "larger"],
)
def test_reduced_pictures_are_the_rounded_means_of_blocks(shape, factor):
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    pixels[: shape[0] // 2] = 255
    assert reduction_of(pixels) == factor
    small = reduced(pixels)
    for y, x in np.ndindex(small.shape[:2]):
        top, left = y * factor, x * factor
        block = pixels[top : top + factor, left : left + factor].astype(float)
        assert (small[y, x] == np.floor(block.mean((0, 1)) + 0.5)).all()
