"""Any tensor as pictures: uint8 pixels to show, and the values they stand for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch

from torchdial.array_types import Bytes
from torchdial.inputs.errors import describe, refusal
from torchdial.inputs.images.display_window import (
    BITS_16,
    Window,
    span_of,
    to_bytes,
    to_window,
    window_of_integers,
)
from torchdial.inputs.images.image_layout import is_picture, to_channels_last
from torchdial.inputs.images.preview_images import Numbers, refuse_too_large, undo_normalisation

Normalize = Literal["image", "batch"] | tuple[float, float] | None

# Okabe and Ito's colours, black first; they repeat, lighter, past the eighth.
CATEGORIES = np.array(
    [
        (0, 0, 0),
        (230, 159, 0),
        (86, 180, 233),
        (0, 158, 115),
        (240, 228, 66),
        (0, 114, 178),
        (213, 94, 0),
        (204, 121, 167),
    ]
)
MAX_GRID_PIXELS = 1 << 26  # of one picture, 8,192²; it comes reduced, and whole when zoomed in
MAGENTA = (255, 0, 255)  # no value or no label; in no colour map of matplotlib's usual ones


@dataclass(frozen=True, eq=False)
class Picture:
    """One image as it is shown.

    Attributes:
        pixels: uint8 (H, W, C), grey, RGB or RGBA; magenta where a value is not finite and where
            a label is -1.
        values: (H, W) or (H, W, C), the numbers that the pixels stand for.
        range: the values shown as black and as white, where they are not 0 and 1 or 0 and 255.
        channel: which channel of its image it is, where channels are shown one by one.
    """

    pixels: Bytes
    values: npt.NDArray[Any]
    range: Window | None = None
    channel: int | None = None


@dataclass(frozen=True)
class _Plane:
    """A picture to be made: values (H, W, C), and which channel of its image they are."""

    values: torch.Tensor
    channel: int | None


COLORS_OF_BAR = 17


@dataclass(frozen=True)
class ColorBar:
    """Colours, from the lowest value to the highest."""

    low: float
    high: float
    colors: tuple[str, ...]


class PictureReader:
    """Reads pictures of any tensor; see `to_pictures` for the arguments.

    Integers that are no labels are shown with one window, that of the first ones read.

    Raises:
        ValueError: an unknown colour map or range.
    """

    def __init__(
        self,
        mean: Numbers = None,
        std: Numbers = None,
        cmap: str | None = None,
        normalize: Normalize = None,
    ) -> None:
        self._mean, self._std = mean, std
        self._colors = _color_map(cmap)
        self._normalize = _to_normalize(normalize)
        self._window: Window | None = None  # of integers that are no labels

    @property
    def color_bar(self) -> ColorBar | None:
        """The scale of a colour map over a range that is the same for all pictures."""
        if self._colors is None or not isinstance(self._normalize, tuple):
            return None
        low, high = self._normalize
        some = self._colors[np.linspace(0, 255, COLORS_OF_BAR).round().astype(int)]
        return ColorBar(low, high, tuple(f"#{bytes(color).hex()}" for color in some))

    def read(self, images: Any) -> list[Picture]:
        """Return the pictures of a tensor, an array, a Pillow image or a list of these."""
        planes = [self._plain(plane) for plane in _planes("images", images)]
        normalize = self._normalize
        if normalize == "batch":
            normalize = span_of(plane.values for plane in planes)
        integers = [p.values for p in planes if _is_integer(p.values)]
        if normalize is None and self._window is None and integers and not _are_labels(integers):
            self._window = window_of_integers(integers)
        return [self._picture(plane, normalize) for plane in planes]

    def _plain(self, plane: _Plane) -> _Plane:
        """Return values without the normalisation, in host memory."""
        values = plane.values.cpu()
        if values.is_floating_point():
            values = undo_normalisation(values.to(torch.float32), self._mean, self._std)
        return _Plane(values, plane.channel)

    def _picture(self, plane: _Plane, normalize: Any) -> Picture:
        values = plane.values
        flat = values[..., 0] if values.shape[2] == 1 else values
        shown = flat.numpy()
        if values.dtype == torch.bool:
            return Picture(
                np.uint8(255) * shown.astype(np.uint8)[..., None], shown, None, plane.channel
            )
        if _is_integer(values) and normalize is None and self._window is None:
            pixels = _marked(category_colors(np.maximum(shown, 0)), shown < 0)
            return Picture(pixels, shown, None, plane.channel)
        window = self._window_of(values, normalize)
        pixels = _colored(to_bytes(flat, window).numpy(), self._colors)
        bad = ~np.isfinite(shown).reshape(*pixels.shape[:2], -1).all(axis=2)
        usual = (0.0, 1.0) if values.is_floating_point() else (0.0, 255.0)
        named = None if window == usual else window
        return Picture(_marked(pixels, bad), shown, named, plane.channel)

    def _window_of(self, values: torch.Tensor, normalize: Any) -> Window:
        if isinstance(normalize, tuple):
            return normalize
        if normalize is None and values.dtype == torch.uint8:
            return 0.0, 255.0
        if normalize is None and self._window is not None and _is_integer(values):
            return self._window
        low, high = span_of([values])
        return (0.0, 1.0) if normalize is None and low >= 0 and high <= 1 else (low, high)


def to_pictures(
    images: Any,
    *,
    mean: Numbers = None,
    std: Numbers = None,
    cmap: str | None = None,
    normalize: Normalize = None,
) -> list[Picture]:
    """Return the pictures that a tensor, an array, a Pillow image or a list of these holds.

    Channels are colours if there are 1 or 3 of them, or 4 in uint8, and otherwise each becomes
    a picture of its own, as feature maps do. `torchdial.inputs.images.image_layout` decides
    where they are in a shape. bool is black and white. One channel of int8, int32 or int64 is
    labels, with a colour each, if all given lie in -1 … 255; other integers are intensities,
    black at 0 and white at 255 if they lie between and are not of 16 bits, else shown from
    their lowest to their highest value, all with the same window.

    Args:
        images: (H, W), (C, H, W), (H, W, C), (N, C, H, W), (N, H, W, C), or a list whose entries
            may differ in size. Pass N label maps (N, H, W) as labels[:, None].
        mean: what was subtracted, a number or one a channel; undone with `std` for floats.
        std: what was divided by.
        cmap: a matplotlib colour map for pictures of one channel.
        normalize: what is black and what is white: two numbers, "image" (lowest and highest of
            each), "batch" (of all), or None: 0 and 1 for floats, where all values lie between
            these, else as "image"; integers as above.

    Raises:
        ValueError: another shape or type, more pixels than a browser draws, or an unknown colour
            map or range.

    Example:
        >>> [p.pixels.shape for p in to_pictures(torch.rand(2, 3, 8, 8))]
        [(8, 8, 3), (8, 8, 3)]
        >>> len(to_pictures(torch.rand(1, 16, 8, 8)))
        16
        >>> to_pictures(torch.randn(1, 8, 8), normalize=(-3, 3))[0].range
        (-3.0, 3.0)
    """
    return PictureReader(mean, std, cmap, normalize).read(images)


def category_colors(labels: npt.NDArray[Any]) -> Bytes:
    """Return a colour for each label, uint8 (…, 3); js/src/lib/core/colors.ts has the same ones."""
    base = CATEGORIES[labels % len(CATEGORIES)].astype(float)
    light = np.minimum(0.75, 0.35 * (labels // len(CATEGORIES)))[..., None]
    mixed: Bytes = np.floor(base + (255 - base) * light + 0.5).astype(np.uint8)
    return mixed


def _planes(name: str, images: Any) -> Iterator[_Plane]:
    if isinstance(images, (list, tuple)) and not images:
        raise refusal(name, expected="images", got="none", remedy="Pass at least one.")
    for batch in to_channels_last(name, images):
        _, height, width, channels = batch.pixels.shape
        refuse_too_large(batch.name, height, width, MAX_GRID_PIXELS)
        for image in batch.pixels:
            if is_picture(channels, image.dtype):
                yield _Plane(image, None)
            else:
                yield from (_Plane(image[..., c : c + 1], c) for c in range(channels))


def _is_integer(values: torch.Tensor) -> bool:
    """Return whether values may be labels: whole numbers of more than a byte's 0 … 255."""
    return not values.is_floating_point() and values.dtype not in (torch.uint8, torch.bool)


def _are_labels(planes: Sequence[torch.Tensor]) -> bool:
    if any(plane.shape[2] > 1 or plane.dtype in BITS_16 for plane in planes):
        return False
    low, high = span_of(planes)
    return low >= -1 and high <= 255


def _marked(pixels: Bytes, bad: npt.NDArray[np.bool_]) -> Bytes:
    """Return pixels with magenta where there is no value."""
    if not bad.any():
        return pixels
    rgb = np.repeat(pixels, 3, axis=2) if pixels.shape[2] == 1 else pixels
    rgb[bad] = (*MAGENTA, 255)[: rgb.shape[2]]
    return rgb


def _colored(pixels: Bytes, colors: Bytes | None) -> Bytes:
    if pixels.ndim == 3:
        return pixels
    return pixels[..., None] if colors is None else colors[pixels]


def _color_map(cmap: str | None) -> Bytes | None:
    """Return 256 colours, uint8 (256, 3)."""
    if cmap is None:
        return None
    import matplotlib

    if not isinstance(cmap, str) or cmap not in matplotlib.colormaps:
        raise refusal(
            "cmap",
            expected="the name of a matplotlib colour map",
            got=describe(cmap),
            remedy='"viridis", "gray" and "coolwarm" are usual.',
        )
    colors: Bytes = matplotlib.colormaps[cmap](np.arange(256), bytes=True)[:, :3]
    return colors


def _to_normalize(normalize: Any) -> Any:
    if normalize is None or (isinstance(normalize, str) and normalize in ("image", "batch")):
        return normalize
    expected = '(low, high) with low < high, "image", "batch" or None'
    return to_window("normalize", normalize, expected)
