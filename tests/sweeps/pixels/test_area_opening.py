"""Area opening against labelling the parts at every stop."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from skimage.measure import label as label_parts

from torchdial.array_types import Bytes
from torchdial.inputs.min_sizes import Connectivity
from torchdial.sweeps.pixels.area_opening import open_maps, without_small_parts
from torchdial.sweeps.pixels.pixel_counts import Levels


def opened_slowly(
    levels: Bytes, min_size: int, connectivity: int, labels: Bytes | None = None
) -> Bytes:
    """Remove small parts at every stop; a pixel's level is the number of stops where it stays."""
    neighbours = 1 if connectivity == 4 else 2
    opened = np.zeros_like(levels)
    of = np.ones(levels.shape, int) if labels is None else labels.astype(int) + 1
    for stop in range(int(levels.max(initial=0))):
        on = np.where(levels > stop, of, 0)
        parts = label_parts(on, background=0, connectivity=neighbours)
        sizes = np.bincount(parts.ravel())
        opened += ((sizes[parts] >= min_size) & (on > 0)).astype(np.uint8)
    return opened


def smooth(random: np.random.Generator, shape: tuple[int, int]) -> Bytes:
    rows, columns = np.indices(shape)
    slopes = random.normal(0, 0.3, (6, 2))
    waves = np.sin(np.tensordot(slopes, np.stack([rows, columns]), 1)).sum(0)
    return np.asarray((waves - waves.min()) / np.ptp(waves) * 101).astype(np.uint8)


def noisy(random: np.random.Generator, shape: tuple[int, int]) -> Bytes:
    return np.clip(smooth(random, shape) + random.normal(0, 8, shape), 0, 101).astype(np.uint8)


MAPS: dict[str, Callable[[np.random.Generator], Bytes]] = {
    "random": lambda random: random.integers(0, 102, (40, 57), dtype=np.uint8),
    "smooth": lambda random: smooth(random, (48, 61)),
    "noisy": lambda random: noisy(random, (48, 61)),
    "few levels": lambda random: random.integers(0, 3, (40, 57), dtype=np.uint8),
    "all 255 stops": lambda random: random.integers(0, 256, (30, 31), dtype=np.uint8),
    "one row": lambda random: random.integers(0, 9, (1, 300), dtype=np.uint8),
    "one column": lambda random: random.integers(0, 9, (300, 1), dtype=np.uint8),
    "flat": lambda random: np.full((33, 20), 7, np.uint8),
    "empty": lambda random: np.zeros((9, 9), np.uint8),
    "one pixel": lambda random: np.full((1, 1), 5, np.uint8),
}


@pytest.mark.parametrize("name", MAPS)
@pytest.mark.parametrize("connectivity", [4, 8])
@pytest.mark.parametrize("min_size", [2, 5, 25, 660, 3000])
def test_the_opening_is_labelling_at_every_stop(
    name: str, connectivity: Connectivity, min_size: int
) -> None:
    for seed in range(3):
        levels = MAPS[name](np.random.default_rng(seed))
        opened = open_maps(torch.from_numpy(levels), min_size, connectivity)
        expected = opened_slowly(levels, min_size, connectivity)
        np.testing.assert_array_equal(opened.numpy(), expected)


def test_a_part_at_the_border_ends_there() -> None:
    levels = torch.zeros(5, 6, dtype=torch.uint8)
    levels[0, 5], levels[1, 0], levels[4, 0], levels[0, 0] = 9, 9, 9, 9  # first row and last column
    assert open_maps(levels, 2).sum() == 18  # of (0, 0) and (1, 0): rows do not run on
    assert open_maps(levels, 3).sum() == 0


@pytest.mark.parametrize("connectivity", [4, 8])
@pytest.mark.parametrize("min_size", [4, 20])
def test_parts_of_a_multiclass_map_are_of_one_class(
    connectivity: Connectivity, min_size: int
) -> None:
    random = np.random.default_rng(4)
    argmax = smooth(random, (40, 50)) // 30
    maximum = noisy(random, (40, 50))
    classes = np.stack([np.where(argmax == c, maximum, maximum // 3) for c in range(4)])
    levels = Levels(*(torch.from_numpy(x[None]) for x in (classes, argmax, maximum)))
    opened = without_small_parts(levels, min_size, connectivity)
    assert opened.maximum is not None
    expected = opened_slowly(maximum, min_size, connectivity, argmax)
    np.testing.assert_array_equal(opened.maximum[0].numpy(), expected)
    for c in range(4):
        expected = opened_slowly(classes[c], min_size, connectivity)
        np.testing.assert_array_equal(opened.classes[0, c].numpy(), expected)


@pytest.mark.parametrize("min_size", [0, 1])
def test_sizes_up_to_one_remove_nothing(min_size: int) -> None:
    levels = torch.randint(0, 102, (2, 3, 8, 9), dtype=torch.uint8)
    assert torch.equal(open_maps(levels, min_size), levels)


def test_maps_of_several_dimensions_are_opened_one_by_one() -> None:
    levels = torch.randint(0, 20, (2, 3, 11, 9), dtype=torch.uint8)
    opened = open_maps(levels.mT, 6)
    for i in range(2):
        for c in range(3):
            assert torch.equal(opened[i, c], open_maps(levels[i, c].mT, 6))
