"""Scenes: their annotations are exact, their splits apart, their randomness their own."""

import importlib
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from torchdial.demo import DigitScenes, digit_scenes

scenes_module = importlib.import_module("torchdial.demo.digit_scenes")  # not the function


@pytest.fixture(scope="module")
def scenes() -> DigitScenes:
    return digit_scenes(24, size=64, seed=3)


def slow_box(mask: Tensor) -> list[int]:
    """The tight box, pixel by pixel."""
    points = [(x, y) for y, row in enumerate(mask.tolist()) for x, value in enumerate(row) if value]
    xs = [x for x, _ in points]
    ys = [y for _, y in points]
    return [min(xs), min(ys), max(xs) + 1, max(ys) + 1]


def scene_parts(scenes: DigitScenes) -> Iterator[Tensor]:
    yield from (scenes.images, scenes.masks, scenes.classes, *scenes.boxes, *scenes.labels)


def equal(one: DigitScenes, other: DigitScenes) -> bool:
    pairs = zip(scene_parts(one), scene_parts(other), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def test_shapes_types_and_ranges(scenes: DigitScenes) -> None:
    assert len(scenes) == len(scenes.boxes) == len(scenes.labels) == 24
    assert scenes.images.shape == (24, 3, 64, 64)
    assert scenes.images.dtype == torch.float32
    assert scenes.images.min() >= 0
    assert scenes.images.max() <= 1
    assert scenes.masks.shape == (24, 64, 64)
    assert scenes.masks.dtype == torch.uint8
    assert set(scenes.masks.flatten().tolist()) == {0, 1}
    assert scenes.classes.shape == (24, 64, 64)
    assert scenes.classes.dtype == torch.int64
    assert set(scenes.classes.flatten().tolist()) == set(range(11))
    for boxes, labels in zip(scenes.boxes, scenes.labels, strict=True):
        assert boxes.shape == (len(labels), 4)
        assert boxes.dtype == torch.float32
        assert labels.dtype == torch.int64
        assert 2 <= len(labels) <= 6
        assert labels.min() >= 0
        assert labels.max() <= 9
        assert boxes.min() >= 0
        assert boxes.max() <= 64


def test_a_single_digit_fills_its_box_exactly() -> None:
    single = digit_scenes(20, size=48, min_digits=1, max_digits=1)
    for mask, boxes in zip(single.masks, single.boxes, strict=True):
        assert boxes.tolist() == [slow_box(mask)]


def test_every_box_is_the_tight_box_of_whole_ink(monkeypatch: pytest.MonkeyPatch) -> None:
    placed = []
    place = scenes_module._place_digits

    def spy(*args: Any) -> Any:
        placed.append(place(*args))
        return placed[-1]

    monkeypatch.setattr(scenes_module, "_place_digits", spy)
    scenes = digit_scenes(6, size=64, min_digits=4, max_digits=6)
    for index, (digits, _) in enumerate(placed):
        inks = [torch.from_numpy(digit.ink) for digit in digits]
        assert scenes.boxes[index].tolist() == [slow_box(ink) for ink in inks]
        assert torch.equal(scenes.masks[index] > 0, torch.stack(inks).any(dim=0))
        painted = torch.zeros(64, 64, dtype=torch.int64)
        for digit, ink in zip(digits, inks, strict=True):
            painted[ink] = digit.label + 1
        assert torch.equal(scenes.classes[index], painted)


def test_masks_and_classes_agree_and_lie_in_the_boxes(scenes: DigitScenes) -> None:
    assert torch.equal(scenes.masks > 0, scenes.classes > 0)
    for classes, boxes, labels in zip(scenes.classes, scenes.boxes, scenes.labels, strict=True):
        allowed = torch.zeros(11, 64, 64, dtype=torch.bool)
        allowed[0] = True
        for (x1, y1, x2, y2), label in zip(boxes.int().tolist(), labels.tolist(), strict=True):
            allowed[label + 1, y1:y2, x1:x2] = True
            assert (classes == label + 1).any(), "no digit is hidden entirely"
        assert allowed.gather(0, classes[None]).all()


def test_the_ink_can_be_seen(scenes: DigitScenes) -> None:
    images, ink = scenes.images.mean(dim=1), scenes.masks > 0
    steps = [
        abs(float(image[mask].mean() - image[~mask].mean()))
        for image, mask in zip(images, ink, strict=True)
    ]
    assert np.median(steps) > 0.03


def test_same_seed_same_scenes_and_a_longer_run_only_adds() -> None:
    short, again, long = (digit_scenes(n, size=40, seed=5) for n in (3, 3, 5))
    assert equal(short, again)
    assert torch.equal(short.images, long.images[:3])
    assert not torch.equal(short.images, digit_scenes(3, size=40, seed=6).images)
    assert not torch.equal(short.images, digit_scenes(3, size=40, seed=5, split="test").images)


def test_global_random_state_is_neither_read_nor_changed() -> None:
    np.random.seed(0)
    torch.manual_seed(0)
    numpy_before, torch_before = np.random.get_state(legacy=False), torch.get_rng_state()
    one = digit_scenes(2, size=40)
    numpy_after = np.random.get_state(legacy=False)
    np.testing.assert_equal(numpy_after, numpy_before)
    assert torch.equal(torch.get_rng_state(), torch_before)
    np.random.seed(1)
    torch.manual_seed(1)
    assert equal(one, digit_scenes(2, size=40))


def test_splits_share_no_digit_and_no_texture_region() -> None:
    datasets = importlib.import_module("sklearn.datasets")
    data = importlib.import_module("skimage.data")
    train, test = scenes_module._pool("train"), scenes_module._pool("test")
    together = np.concatenate([train.glyphs, test.glyphs]) * 16
    np.testing.assert_array_equal(together, datasets.load_digits().images)
    assert not {g.tobytes() for g in train.glyphs} & {g.tobytes() for g in test.glyphs}
    assert set(train.labels) == set(test.labels) == set(range(10))
    for name, left, right in zip(
        scenes_module._TEXTURES, train.textures, test.textures, strict=True
    ):
        photo = np.concatenate([left, right], axis=1) * 255
        np.testing.assert_allclose(photo, getattr(data, name)(), atol=1e-3)


def test_scenes_may_be_empty_or_crowded() -> None:
    empty = digit_scenes(1, size=32, min_digits=0, max_digits=0)
    assert empty.masks.sum() == 0
    assert empty.boxes[0].shape == (0, 4)
    assert empty.labels[0].shape == (0,)
    crowded = digit_scenes(1, size=32, min_digits=60, max_digits=60)
    assert 0 < len(crowded.labels[0]) < 60


@pytest.mark.parametrize("size", [32, 33, 200])
def test_any_size_from_32_up(size: int) -> None:
    assert digit_scenes(1, size=size).images.shape == (1, 3, size, size)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n": 0}, "n must be an integer of at least 1, got 0"),
        ({"n": 2.0}, "n must be an integer of at least 1, got 2.0"),
        ({"n": True}, "n must be an integer"),
        ({"n": 1, "size": 31}, "size must be an integer of at least 32, got 31"),
        ({"n": 1, "seed": -1}, "seed must be an integer of at least 0, got -1"),
        ({"n": 1, "min_digits": -1}, "min_digits must be an integer of at least 0, got -1"),
        ({"n": 1, "max_digits": 1}, "max_digits must be an integer of at least 2, got 1"),
        ({"n": 1, "split": "val"}, "split must be .* got 'val'"),
    ],
)
def test_bad_arguments_are_named(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        digit_scenes(**arguments)


def test_a_missing_extra_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "skimage.data", None)
    scenes_module._pool.cache_clear()
    with pytest.raises(ImportError, match=r'skimage.*pip install "torchdial\[demo\]"'):
        digit_scenes(1)


def test_importing_the_demo_leaves_the_extra_alone() -> None:
    code = (
        "import sys, torchdial.demo;"
        "sys.exit(any(m.split('.')[0] in ('sklearn', 'skimage') for m in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
