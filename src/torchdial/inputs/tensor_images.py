"""Any tensor as pictures: uint8 pixels to show, and the values they stand for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch

from torchdial.inputs.errors import describe, refusal
from torchdial.inputs.preview_images import CHANNELS, Numbers, refuse_too_large, undo_normalisation
from torchdial.inputs.probability_maps import to_tensor

Pixels = npt.NDArray[np.uint8]
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
MOST_PIXELS = 1 << 26  # of one picture, 8,192²; it comes reduced, and whole when one looks closer
NOT_FINITE = (255, 0, 255)  # magenta: in no colour map of matplotlib's usual ones


@dataclass(frozen=True, eq=False)
class Picture:
    """One image as it is shown.

    Attributes:
        pixels: uint8 (H, W, C), grey, RGB or RGBA; magenta where a value is not finite.
        values: (H, W) or (H, W, C), the numbers that the pixels stand for.
        range: the values shown as black and as white, where they are not 0 and 1 or 0 and 255.
        channel: which channel of its image it is, where channels are shown one by one.
    """

    pixels: Pixels
    values: npt.NDArray[Any]
    range: tuple[float, float] | None = None
    channel: int | None = None


def to_pictures(
    images: Any,
    *,
    mean: Numbers = None,
    std: Numbers = None,
    cmap: str | None = None,
    normalize: Normalize = None,
) -> list[Picture]:
    """Return the pictures that a tensor, an array, a Pillow image or a list of these holds.

    Channels are colours if there are 1, 3 or 4 of them, and otherwise each becomes a picture of
    its own, as feature maps do. Where both ends of a shape could be the channels a tensor is read
    channels first and an array channels last. Whole numbers other than uint8 are labels and get a
    colour each; bool is black and white.

    Args:
        images: (H, W), (C, H, W), (H, W, C), (N, C, H, W), (N, H, W, C), labels (N, H, W), or a
            list whose entries may differ in size.
        mean: what was subtracted, a number or one a channel; undone with `std` for floats.
        std: what was divided by.
        cmap: a matplotlib colour map for pictures of one channel.
        normalize: for floats, what is black and what is white: two numbers, "image" (lowest and
            highest of each), "batch" (of all), or None: 0 and 1, where all values lie between
            these, else as "image".

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
    colors = _color_map(cmap)
    limits = _limits(normalize)
    planes = list(_planes("images", images))
    for plane, _ in planes:
        refuse_too_large("images", plane.shape[0], plane.shape[1], MOST_PIXELS)
    given = [_undone(plane, mean, std) for plane in planes]
    if limits == "batch":
        limits = _span([values for values, _ in given])
    return [_picture(values, channel, limits, colors) for values, channel in given]


def category_colors(labels: npt.NDArray[Any]) -> Pixels:
    """Return a colour for each label, uint8 (…, 3); js/src/lib/core/colors.ts has the same ones."""
    base = CATEGORIES[labels % len(CATEGORIES)].astype(float)
    light = np.minimum(0.75, 0.35 * (labels // len(CATEGORIES)))[..., None]
    mixed: Pixels = np.floor(base + (255 - base) * light + 0.5).astype(np.uint8)
    return mixed


def _planes(name: str, images: Any) -> list[tuple[torch.Tensor, int | None]]:
    """Return tensors (H, W) or (H, W, C) of 1, 3 or 4 channels, and which channel each is."""
    if isinstance(images, (list, tuple)):
        if not images:
            raise refusal(name, expected="images", got="none", remedy="Pass at least one.")
        found = [_planes(f"{name}[{i}]", image) for i, image in enumerate(images)]
        return [plane for planes in found for plane in planes]
    first = isinstance(images, torch.Tensor)
    if hasattr(images, "__array_interface__") and not isinstance(images, np.ndarray):  # Pillow
        images = np.asarray(images)
    tensor = to_tensor(name, images)
    if tensor.numel() == 0 or tensor.ndim not in (2, 3, 4):
        raise _refuse_shape(name, tensor)
    if tensor.is_complex():
        raise refusal(
            name,
            expected="real numbers",
            got=describe(tensor),
            remedy="Show .abs() or .angle(), or both in a list.",
        )
    if tensor.ndim == 2:
        return [(tensor, None)]
    if tensor.ndim == 3:
        return _split_three(tensor, first)
    return [plane for image in tensor for plane in _split_channels(image, first)]


def _split_three(
    tensor: torch.Tensor, channels_first: bool
) -> list[tuple[torch.Tensor, int | None]]:
    if _are_labels(tensor):
        return [(labels, None) for labels in tensor]
    return _split_channels(tensor, channels_first)


def _split_channels(
    image: torch.Tensor, channels_first: bool
) -> list[tuple[torch.Tensor, int | None]]:
    first, last = image.shape[0] in CHANNELS, image.shape[2] in CHANNELS
    if channels_first and image.shape[2] >= min(image.shape[:2]):
        last = False  # small feature maps, (64, 4, 4) say
    if first and (channels_first or not last):
        return [(image.permute(1, 2, 0), None)]
    if last:
        return [(image, None)]
    channels = image if channels_first else image.permute(2, 0, 1)
    return [(channel, i) for i, channel in enumerate(channels)]


def _are_labels(tensor: torch.Tensor) -> bool:
    return not tensor.is_floating_point() and tensor.dtype not in (torch.uint8, torch.bool)


def _undone(
    plane: tuple[torch.Tensor, int | None], mean: Numbers, std: Numbers
) -> tuple[npt.NDArray[Any], int | None]:
    image, channel = plane
    if not image.is_floating_point():
        return image.cpu().numpy(), channel
    values = image.to(torch.float32)
    if mean is not None or std is not None:
        whole = values if values.ndim == 3 else values[..., None]
        values = undo_normalisation(whole, mean, std).reshape(values.shape)
    return values.cpu().numpy(), channel


def _picture(
    values: npt.NDArray[Any], channel: int | None, limits: Any, colors: Pixels | None
) -> Picture:
    flat = values[..., 0] if values.ndim == 3 and values.shape[2] == 1 else values
    if values.dtype == np.bool_:
        return Picture(np.uint8(255) * flat.astype(np.uint8)[..., None], flat, None, channel)
    if values.dtype == np.uint8:
        return Picture(_colored(flat, colors), flat, None, channel)
    if not np.issubdtype(values.dtype, np.floating):
        if flat.ndim == 3 or flat.min() < 0:
            raise refusal(
                "images",
                expected="labels of at least 0 in one channel, for whole numbers but uint8",
                got=f"an {values.dtype} image of shape {values.shape} from {values.min()}",
                remedy="Convert 0 … 255 with images.to(torch.uint8).",
            )
        return Picture(category_colors(flat), flat, None, channel)
    low, high = _range_of(flat, limits)
    with np.errstate(invalid="ignore"):
        shares = np.clip((flat - low) / ((high - low) or 1.0), 0, 1)
    pixels = np.nan_to_num(shares * 255).round().astype(np.uint8)
    named = None if (low, high) == (0.0, 1.0) else (low, high)
    return Picture(_marked(_colored(pixels, colors), flat), flat, named, channel)


def _marked(pixels: Pixels, values: npt.NDArray[Any]) -> Pixels:
    """Return pixels with magenta where a value is not finite."""
    bad = ~np.isfinite(values).reshape(*pixels.shape[:2], -1).all(axis=2)
    if not bad.any():
        return pixels
    rgb = np.repeat(pixels, 3, axis=2) if pixels.shape[2] == 1 else pixels
    rgb[bad] = (*NOT_FINITE, 255)[: rgb.shape[2]]
    return rgb


def _range_of(values: npt.NDArray[Any], limits: Any) -> tuple[float, float]:
    if isinstance(limits, tuple):
        return limits
    low, high = _span([values])
    return (0.0, 1.0) if limits is None and low >= 0 and high <= 1 else (low, high)


def _span(arrays: Sequence[npt.NDArray[Any]]) -> tuple[float, float]:
    """Return the lowest and the highest finite value; 0 and 1 without any."""
    finite = [a[np.isfinite(a)] for a in arrays if np.issubdtype(a.dtype, np.floating)]
    kept = [a for a in finite if a.size]
    if not kept:
        return 0.0, 1.0
    return float(min(a.min() for a in kept)), float(max(a.max() for a in kept))


def _colored(pixels: Pixels, colors: Pixels | None) -> Pixels:
    if pixels.ndim == 3:
        return np.ascontiguousarray(pixels)
    return pixels[..., None] if colors is None else colors[pixels]


def _color_map(cmap: str | None) -> Pixels | None:
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
    colors: Pixels = matplotlib.colormaps[cmap](np.arange(256), bytes=True)[:, :3]
    return colors


def _limits(normalize: Any) -> Any:
    if normalize is None or (isinstance(normalize, str) and normalize in ("image", "batch")):
        return normalize
    try:
        low, high = map(float, normalize)
    except Exception:  # whatever it is, it is no pair of numbers
        low, high = 0.0, 0.0
    if not low < high or not np.isfinite([low, high]).all():
        raise refusal(
            "normalize",
            expected='(low, high) with low < high, "image", "batch" or None',
            got=describe(normalize),
            remedy='Pass normalize="image" to use the lowest and highest value of each image.',
        )
    return low, high


def _refuse_shape(name: str, tensor: torch.Tensor) -> ValueError:
    return refusal(
        name,
        expected="shape (H, W), (C, H, W), (H, W, C), a batch of the last two, or a list of these",
        got=describe(tensor),
        remedy="Choose one frame of a video or a volume: x[:, :, 0].",
    )
