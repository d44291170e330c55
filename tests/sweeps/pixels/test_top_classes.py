"""The classes that are seen, against painting all of them one after the other."""

from __future__ import annotations

import numpy as np
import pytest

from torchdial.sweeps.pixels.top_classes import top_classes

HEIGHT, WIDTH = 5, 7
rng = np.random.default_rng(0)


def levels(num_classes: int, most: int = 255) -> np.ndarray:
    return rng.integers(0, most + 1, (num_classes, HEIGHT, WIDTH), dtype=np.uint8)


def painted(planes: np.ndarray, numbers: np.ndarray, stop: int) -> np.ndarray:
    """Return the number of the last plane above a stop at each pixel, -1 for none."""
    seen = np.full((HEIGHT, WIDTH), -1)
    for plane, number in zip(planes, numbers, strict=True):
        seen = np.where(plane > stop, number, seen)
    return seen


CASES = {
    "one class": levels(1),
    "three": levels(3, 4),
    "many": levels(200, 101),
    "as many as there are": levels(255),
    "equal levels": np.full((9, HEIGHT, WIDTH), 6, np.uint8),
    "nowhere on": np.zeros((9, HEIGHT, WIDTH), np.uint8),
    "the first ones higher": np.repeat(np.arange(9, 0, -1, dtype=np.uint8), HEIGHT * WIDTH),
    "the last ones higher": np.repeat(np.arange(1, 10, dtype=np.uint8), HEIGHT * WIDTH),
}


@pytest.mark.parametrize("name", CASES)
def test_the_class_on_top_is_that_of_all_classes_painted_in_order(name: str) -> None:
    planes = CASES[name].reshape(-1, HEIGHT, WIDTH)
    tops = top_classes(planes)
    assert tops.dtype == np.uint8
    for stop in range(256):
        of_all = painted(planes, np.arange(len(planes)), stop)
        of_tops = painted(tops[::-1, 0], tops[::-1, 1].astype(int), stop)
        np.testing.assert_array_equal(of_tops, of_all, f"stop {stop}")


def test_there_are_as_many_as_are_seen() -> None:
    sizes = {name: len(top_classes(p.reshape(-1, HEIGHT, WIDTH))) for name, p in CASES.items()}
    assert sizes["nowhere on"] == sizes["equal levels"] == sizes["the last ones higher"] == 1
    assert sizes["the first ones higher"] == 9
    assert sizes["many"] < 20
