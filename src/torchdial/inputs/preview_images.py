"""Images for display: uint8 (N, H, W, C) with 1, 3 or 4 channels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from torchdial.inputs.errors import describe, refusal, refuse_non_finite
from torchdial.inputs.probability_maps import to_tensor

Numbers = float | Sequence[float] | None

CHANNELS = (1, 3, 4)
MOST_PIXELS = 1 << 24  # of a picture under a dial, 4,096²: over more the page freezes for seconds
ROUNDING = 0.5 / 255  # undoing a normalisation in float32 lands this near to [0, 1]


def to_images(
    images: Any,
    *,
    mean: Numbers = None,
    std: Numbers = None,
) -> npt.NDArray[np.uint8]:
    """Return images as they are shown, uint8 of shape (N, H, W, C), in host memory.

    Channels are grey, RGB or RGBA in that order. Where both ends of a shape could be the
    channels, as in (3, 64, 3), a tensor is read channels first and an array channels last.

    Args:
        images: (H, W), (C, H, W), (H, W, C), a batch of the last two, or a list of any one of
            them; uint8, bool, or floating point in [0, 1].
        mean: what was subtracted, a number or one a channel; undone with `std` for floats.
        std: what was divided by.

    Raises:
        ValueError: another shape or type, non-finite values, values outside [0, 1], or more pixels
            than a browser draws.

    Example:
        >>> to_images(torch.rand(8, 3, 32, 32)).shape
        (8, 32, 32, 3)
    """
    is_list = isinstance(images, (list, tuple)) and len(images) > 0
    first = images[0] if is_list else images
    if hasattr(first, "__array_interface__") and not isinstance(first, np.ndarray):  # Pillow
        images = [np.asarray(i) for i in images] if is_list else np.asarray(images)
    tensor = to_tensor("images", images)
    if is_list and tensor.ndim == 3:
        stacked = tensor[..., None]
    else:
        stacked = _to_nhwc(tensor, channels_first=isinstance(first, torch.Tensor))
    refuse_too_large("images", *stacked.shape[1:3])
    refuse_non_finite("images", tensor)
    return np.ascontiguousarray(_to_uint8(stacked, mean, std).cpu().numpy())


def refuse_too_large(name: str, height: int, width: int, most: int = MOST_PIXELS) -> None:
    """Raise if a picture has more pixels than browsers draw without stalling."""
    if height * width > most:
        raise refusal(
            name,
            expected=f"pictures of at most {most:,} pixels, which is what a browser can draw",
            got=f"{height:,} × {width:,}",
            remedy="Crop them, or make them smaller with torch.nn.functional.interpolate, and maps "
            "and targets with them. td.ThresholdSweep and td.segment take any size.",
        )


def to_image_list(
    images: Any,
    *,
    mean: Numbers = None,
    std: Numbers = None,
) -> list[npt.NDArray[np.uint8]]:
    """Return images that may differ in size as they are shown, uint8 (H, W, C) each.

    Args:
        images: a list with one for each image, or a batch; see `to_images`.
        mean: what was subtracted.
        std: what was divided by.

    Raises:
        ValueError: an image that `to_images` refuses, none at all, or differing channels.

    Example:
        >>> [p.shape for p in to_image_list([torch.rand(3, 8, 9), torch.rand(3, 5, 5)])]
        [(8, 9, 3), (5, 5, 3)]
    """
    if not isinstance(images, (list, tuple)) or not images:
        return list(to_images(images, mean=mean, std=std))
    pictures = [_one_of_many(i, image, mean, std) for i, image in enumerate(images)]
    channels = sorted({picture.shape[2] for picture in pictures})
    if len(channels) > 1:
        raise refusal(
            "images",
            expected="the same channels in every image",
            got=f"{' and '.join(map(str, channels))} channels",
            remedy="Convert them to RGB: image.convert('RGB') with Pillow, or "
            "image.expand(3, -1, -1) for a grey tensor.",
        )
    return pictures


def _one_of_many(
    index: int,
    image: Any,
    mean: Numbers,
    std: Numbers,
) -> npt.NDArray[np.uint8]:
    try:
        found = to_images(image, mean=mean, std=std)
    except ValueError as error:
        raise ValueError(f"images[{index}]{str(error).removeprefix('images')}") from None
    if len(found) > 1:
        raise refusal(
            f"images[{index}]",
            expected="one image",
            got=f"a batch of {len(found)}",
            remedy="Pass one batch by itself, or a list of images.",
        )
    return np.asarray(found[0])


def _to_nhwc(tensor: torch.Tensor, *, channels_first: bool) -> torch.Tensor:
    if tensor.ndim == 2:
        return tensor[None, :, :, None]
    batch = tensor[None] if tensor.ndim == 3 else tensor
    if batch.ndim == 4:
        first, last = batch.shape[1] in CHANNELS, batch.shape[3] in CHANNELS
        if first and (channels_first or not last):
            return batch.permute(0, 2, 3, 1)
        if last:
            return batch
    raise refusal(
        "images",
        expected="shape (H, W), (C, H, W), (H, W, C) or a batch of these, with 1, 3 or 4 channels",
        got=describe(tensor),
        remedy="For a batch of grey images pass images[:, None].",
    )


def _to_uint8(
    images: torch.Tensor,
    mean: Numbers,
    std: Numbers,
) -> torch.Tensor:
    if images.dtype == torch.bool:
        return images.to(torch.uint8) * 255
    if images.dtype == torch.uint8:
        return images
    if not images.is_floating_point():
        raise refusal(
            "images",
            expected="uint8, bool or floating point in [0, 1]",
            got=describe(images),
            remedy="Convert 0 … 255 with images.to(torch.uint8).",
        )
    plain = undo_normalisation(images.to(torch.float32), mean, std)
    low, high = float(plain.min()), float(plain.max())
    if low < -ROUNDING or high > 1 + ROUNDING:
        raise refusal(
            "images",
            expected="floating-point values in [0, 1]",
            got=f"values in [{low:.4g}, {high:.4g}]",
            remedy="Pass the mean= and std= they were normalised with, or uint8 for 0 … 255.",
        )
    return (plain.clamp(0, 1) * 255).round().to(torch.uint8)


def undo_normalisation(
    images: torch.Tensor,
    mean: Numbers,
    std: Numbers,
) -> torch.Tensor:
    """Return images (…, C) times `std` plus `mean`.

    Raises:
        ValueError: neither a number nor one for each channel.
    """
    scale = _of_channels("std", 1.0 if std is None else std, images)
    shift = _of_channels("mean", 0.0 if mean is None else mean, images)
    return images * scale + shift


def _of_channels(name: str, given: Any, images: torch.Tensor) -> torch.Tensor:
    channels, got = images.shape[-1], describe(given)
    try:
        numbers = torch.as_tensor(given, dtype=torch.float32, device=images.device).reshape(-1)
        fits = bool(numbers.isfinite().all())
        if fits and len(numbers) not in (1, channels):
            fits, got = False, f"{len(numbers)} numbers"
    except Exception:  # whatever it is, it is no list of numbers
        fits = False
    if not fits:
        raise refusal(
            name,
            expected=f"a number, or one for each of {channels} channels",
            got=got,
            remedy="Pass what the data were normalised with.",
        )
    return numbers
