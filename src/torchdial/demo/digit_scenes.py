"""Scenes of handwritten digits on photographed textures, with exact annotations."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from functools import cache
from numbers import Integral
from typing import Any, Literal, NamedTuple, TypeAlias, get_args

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

Split: TypeAlias = Literal["train", "test"]
FloatArray: TypeAlias = npt.NDArray[np.float32]
BoolArray: TypeAlias = npt.NDArray[np.bool_]
IntArray: TypeAlias = npt.NDArray[np.int64]

# All of these lie inside the scikit-image wheel: none is ever downloaded.
_TEXTURES = ("brick", "grass", "gravel", "camera", "coins", "page", "text", "moon", "clock")
_TRAIN_SHARE = 0.7
_MIN_SIZE = 32
_PLACEMENT_TRIES = 20
_MIN_VISIBLE = 0.7
_INK_LEVEL = 0.4
_BACKGROUND = -1


@dataclass(frozen=True, eq=False)
class DigitScenes:
    """Images of digits and everything known about them; n scenes of size x size pixels.

    Attributes:
        images: float32 (n, 3, size, size), RGB in [0, 1].
        masks: uint8 (n, size, size), 1 where there is ink of any digit, else 0.
        classes: int64 (n, size, size), 0 for background and 1 + d for ink of the
            digit d; where digits overlap, the one on top counts.
        boxes: n tensors, float32 (k, 4), as absolute (x1, y1, x2, y2). Each is the
            tight box of a digit's whole ink, the part covered by other digits
            included. x2 and y2 are exclusive: ink one pixel wide has x2 - x1 == 1.
        labels: n tensors, int64 (k,), the digit 0..9 in each box. Boxes and labels
            run from the bottom digit to the topmost.

    Example:
        >>> scenes = digit_scenes(2, size=64)
        >>> len(scenes), tuple(scenes.images.shape)
        (2, (2, 3, 64, 64))
    """

    images: Tensor
    masks: Tensor
    classes: Tensor
    boxes: list[Tensor]
    labels: list[Tensor]

    def __len__(self) -> int:
        """Return the number of scenes."""
        return len(self.images)


class _Pool(NamedTuple):
    """What one split may draw from."""

    glyphs: FloatArray  # (m, 8, 8) in [0, 1]
    labels: IntArray  # (m,)
    textures: tuple[FloatArray, ...]  # each (h, w) in [0, 1]


class _Digit(NamedTuple):
    """One digit placed on a whole-scene canvas."""

    alpha: FloatArray  # (size, size) coverage in [0, 1]
    ink: BoolArray  # (size, size)
    label: int


class _Scene(NamedTuple):
    """One finished scene, in numpy."""

    image: FloatArray  # (3, size, size)
    classes: IntArray  # (size, size)
    boxes: FloatArray  # (k, 4)
    labels: IntArray  # (k,)


def digit_scenes(
    n: int,
    size: int = 96,
    seed: int = 0,
    *,
    min_digits: int = 2,
    max_digits: int = 6,
    split: Split = "train",
) -> DigitScenes:
    """Compose scenes of real handwritten digits on real textures.

    The digits are scikit-learn's ``load_digits``, smoothly enlarged; the textures are
    photographs that come inside scikit-image. Size, ink (light or dark), contrast,
    tint, lighting and noise vary, and digits overlap, so that a model's threshold
    matters. The two splits share no digit and no texture region, so that scores on
    ``"test"`` are held-out scores.

    The result depends on the arguments alone; numpy's and torch's global random
    states are neither read nor changed. Scene i does not depend on n.

    Args:
        n: Number of scenes, at least 1.
        size: Height and width in pixels, at least 32.
        seed: Chooses the scenes, at least 0.
        min_digits: Fewest digits tried per scene, at least 0.
        max_digits: Most digits tried per scene, at least ``min_digits``. A digit that
            would leave less than 70 % of another one visible is placed anew; when 20
            places fail it is left out, so that a crowded scene may hold fewer.
        split: ``"train"`` or ``"test"``.

    Returns:
        The scenes, on the CPU.

    Raises:
        ValueError: If an argument is out of the range given above.
        ImportError: If scikit-learn or scikit-image is missing.

    Example:
        >>> scenes = digit_scenes(4, size=64, seed=1, min_digits=3, max_digits=3)
        >>> scenes.labels[0].shape
        torch.Size([3])
    """
    _check_int("n", n, 1)
    _check_int("size", size, _MIN_SIZE)
    _check_int("seed", seed, 0)
    _check_int("min_digits", min_digits, 0)
    _check_int("max_digits", max_digits, min_digits)
    if split not in get_args(Split):
        raise ValueError(f'split must be "train" or "test", got {split!r}; pass one of the two.')

    pool = _pool(split)
    stream = get_args(Split).index(split)
    scenes = []
    for index in range(n):
        # A generator per scene keeps scene i the same whatever n is.
        rng = np.random.default_rng((seed, stream, index))
        count = int(rng.integers(min_digits, max_digits + 1))
        scenes.append(_compose(rng, pool, size, count))
    return _collate(scenes)


def _check_int(name: str, value: object, low: int) -> None:
    if not isinstance(value, Integral) or isinstance(value, bool) or value < low:
        raise ValueError(f"{name} must be an integer of at least {low}, got {value!r}; raise it.")


def _collate(scenes: list[_Scene]) -> DigitScenes:
    """Stack numpy scenes into tensors."""
    classes = torch.from_numpy(np.stack([scene.classes for scene in scenes]))
    return DigitScenes(
        images=torch.from_numpy(np.stack([scene.image for scene in scenes])),
        masks=(classes > 0).to(torch.uint8),
        classes=classes,
        boxes=[torch.from_numpy(scene.boxes) for scene in scenes],
        labels=[torch.from_numpy(scene.labels) for scene in scenes],
    )


# --- What the scenes are made of ---------------------------------------------------


def _demo_module(name: str) -> Any:
    """Import a module of the "demo" extra, or say how to get it."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ImportError(
            f"digit_scenes needs {name}, which could not be imported ({error}); "
            'run: pip install "torchdial[demo]"'
        ) from error


@cache
def _pool(split: Split) -> _Pool:
    """Load the digits and textures of a split: the first 70 % or the rest of each."""
    digits = _demo_module("sklearn.datasets").load_digits()
    data = _demo_module("skimage.data")
    # Neighbours in load_digits tend to be by the same writer, so a cut in its order
    # keeps the splits further apart than a shuffled choice would.
    rows = _part(len(digits.target), split)
    photos = [np.asarray(getattr(data, name)(), np.float32) / np.float32(255) for name in _TEXTURES]
    return _Pool(
        glyphs=np.asarray(digits.images[rows], np.float32) / np.float32(16),
        labels=np.asarray(digits.target[rows], np.int64),
        textures=tuple(photo[:, _part(photo.shape[1], split)] for photo in photos),
    )


def _part(length: int, split: Split) -> slice:
    """Return the part of a range of this length that belongs to the split."""
    cut = round(length * _TRAIN_SHARE)
    return slice(0, cut) if split == "train" else slice(cut, length)


def _resize(image: FloatArray, height: int, width: int, mode: str) -> FloatArray:
    """Resize a 2-D array smoothly, with antialiasing where it shrinks."""
    batch = torch.from_numpy(np.ascontiguousarray(image))[None, None]
    resized = functional.interpolate(batch, (height, width), mode=mode, antialias=True)
    return np.asarray(resized[0, 0].numpy(), np.float32)


# --- Composition -------------------------------------------------------------------


def _compose(rng: np.random.Generator, pool: _Pool, size: int, count: int) -> _Scene:
    """Compose one scene of at most `count` digits."""
    digits, owner = _place_digits(rng, pool, size, count)
    image = _background(rng, pool, size)
    for digit in digits:
        image = _paint(rng, image, digit)
    noise = rng.normal(0, rng.uniform(0.02, 0.08), image.shape)
    # The last entry is read by owner == -1, the background.
    class_of_owner = np.array([1 + digit.label for digit in digits] + [0], np.int64)
    return _Scene(
        image=np.clip(image + noise, 0, 1).astype(np.float32),
        classes=class_of_owner[owner],
        boxes=np.array([_tight_box(digit.ink) for digit in digits], np.float32).reshape(-1, 4),
        labels=np.array([digit.label for digit in digits], np.int64),
    )


def _place_digits(
    rng: np.random.Generator, pool: _Pool, size: int, count: int
) -> tuple[list[_Digit], IntArray]:
    """Place digits one on another; return them and each pixel's topmost digit, or -1."""
    digits: list[_Digit] = []
    owner = np.full((size, size), _BACKGROUND, np.int64)
    for _ in range(count):
        for _ in range(_PLACEMENT_TRIES):
            digit = _draw_digit(rng, pool, size)
            covered = np.where(digit.ink, len(digits), owner)
            if _all_visible(digits, covered):
                digits.append(digit)
                owner = covered
                break
    return digits, owner


def _all_visible(digits: list[_Digit], owner: IntArray) -> bool:
    """Tell whether enough of every digit's ink is on top."""
    return all(
        np.count_nonzero(owner == index) >= _MIN_VISIBLE * np.count_nonzero(digit.ink)
        for index, digit in enumerate(digits)
    )


def _draw_digit(rng: np.random.Generator, pool: _Pool, size: int) -> _Digit:
    """Enlarge a random glyph and put it at a random place of an empty canvas."""
    index = int(rng.integers(len(pool.labels)))
    glyph = pool.glyphs[index]
    # Strokes run up to the glyph's edge; the empty border lets them end smoothly.
    glyph = np.pad(glyph[:, glyph.any(axis=0)], 1)
    height = round(size * rng.uniform(0.25, 0.5))
    width = round(height * rng.uniform(0.85, 1.1) * glyph.shape[1] / glyph.shape[0])
    cell = _resize(glyph, height, width, "bicubic")
    # Steepen the blurred edge to about two pixels, whatever the enlargement.
    steepness = max(1.0, height / 20)
    cell = np.clip(0.5 + steepness * (cell - _INK_LEVEL), 0, 1)
    top = int(rng.integers(size - height + 1))
    left = int(rng.integers(size - width + 1))
    alpha = np.zeros((size, size), np.float32)
    alpha[top : top + height, left : left + width] = cell
    return _Digit(alpha, alpha >= 0.5, int(pool.labels[index]))


def _background(rng: np.random.Generator, pool: _Pool, size: int) -> FloatArray:
    """Return a tinted, unevenly lit crop of a texture, (3, size, size)."""
    texture = pool.textures[int(rng.integers(len(pool.textures)))]
    side = round(min(texture.shape) * rng.uniform(0.5, 1.0))
    top = int(rng.integers(texture.shape[0] - side + 1))
    left = int(rng.integers(texture.shape[1] - side + 1))
    crop = _resize(texture[top : top + side, left : left + side], size, size, "bilinear")
    level = rng.uniform(0.3, 0.7) + rng.uniform(-0.09, 0.09, (3, 1, 1))
    relief = rng.uniform(0.3, 0.8) * (crop - crop.mean())
    return np.asarray(level + relief + _light(rng, size), np.float32)


def _light(rng: np.random.Generator, size: int) -> FloatArray:
    """Return a gentle brightness slope in a random direction, (size, size)."""
    ramp = np.linspace(-1, 1, size, dtype=np.float32)
    slope_y, slope_x = rng.uniform(-0.1, 0.1, 2)
    return np.asarray(slope_y * ramp[:, None] + slope_x * ramp, np.float32)


def _paint(rng: np.random.Generator, image: FloatArray, digit: _Digit) -> FloatArray:
    """Blend a digit into an image in a light or dark ink chosen against what it covers."""
    level = float(image[:, digit.ink].mean())
    contrast = rng.uniform(0.2, 0.5)
    # The ink usually goes to the side that has more room, so that it rarely clips.
    lighter = rng.random() < np.clip(1.5 - 2 * level, 0.1, 0.9)
    ink = level + (contrast if lighter else -contrast) + rng.uniform(-0.16, 0.16, (3, 1, 1))
    cover = digit.alpha * rng.uniform(0.7, 1.0)
    return np.asarray(image + cover * (ink - image), np.float32)


def _tight_box(ink: BoolArray) -> tuple[int, int, int, int]:
    """Return (x1, y1, x2, y2) of the True pixels, x2 and y2 exclusive."""
    rows = np.flatnonzero(ink.any(axis=1))
    columns = np.flatnonzero(ink.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
