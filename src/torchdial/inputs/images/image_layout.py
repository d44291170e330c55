"""Where the channels of an image are, for previews, grids and overlays alike."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch

from torchdial.inputs.errors import describe, refusal
from torchdial.inputs.images.pillow_images import is_pillow, pillow_pixels
from torchdial.inputs.probability_maps import to_tensor

CHANNELS = (1, 3, 4)  # grey, RGB, RGBA
EXPECTED = "shape (H, W), (C, H, W), (H, W, C), a batch of the last two, or a list of these"


class Batch(NamedTuple):
    """Images of one size.

    Attributes:
        name: what to call them in an error: "images", or "images[3]" for an entry of a list.
        pixels: (N, H, W, C).
        channels_first: whether they were given as (…, C, H, W).
    """

    name: str
    pixels: torch.Tensor
    channels_first: bool = False


def to_channels_last(name: str, images: Any, size: tuple[int, int] | None = None) -> list[Batch]:
    """Return batches (N, H, W, C): one of a tensor or an array, one for each entry of a list.

    Of three dimensions the end of size 1, 3 or 4 is the channels. Where both ends or neither could
    be, a tensor is read channels first; an array, if both, channels last, and if neither, such
    that height equals width, or else that the channels are fewer than the columns.

    Args:
        name: what to call the argument in an error.
        images: a tensor, an array, a Pillow image, or a list of these.
        size: (H, W) that Pillow images are expected to have, see `pillow_pixels`.

    Raises:
        ValueError: it is none of these, or of another number of dimensions.

    Example:
        >>> to_channels_last("images", torch.rand(13, 8, 9))[0].pixels.shape
        torch.Size([1, 8, 9, 13])
    """
    if isinstance(images, (list, tuple)) and images:
        return [_to_batch(f"{name}[{i}]", one, size) for i, one in enumerate(images)]
    return [_to_batch(name, images, size)]


def is_picture(channels: int, dtype: torch.dtype) -> bool:
    """Return whether channels are the colours of one picture; four are only of 8 bits."""
    return channels in (1, 3) or (channels == 4 and dtype == torch.uint8)


def _to_batch(name: str, images: Any, size: tuple[int, int] | None) -> Batch:
    is_tensor = isinstance(images, torch.Tensor)
    if is_pillow(images):
        images = pillow_pixels(name, images, size)
    tensor = to_tensor(name, images)
    if tensor.is_complex():
        remedy = "Show .abs() or .angle(), or both in a list."
        raise refusal(name, expected="real numbers", got=describe(tensor), remedy=remedy)
    if tensor.ndim == 2:
        return Batch(name, tensor[None, ..., None])
    if tensor.ndim not in (3, 4):
        raise refusal(name, expected=EXPECTED, got=describe(tensor), remedy=_to_four(name, tensor))
    batch = tensor[None] if tensor.ndim == 3 else tensor
    first = _channels_first(batch.shape[1:], is_tensor)
    return Batch(name, batch.movedim(1, -1) if first else batch, first)


def _channels_first(shape: torch.Size, is_tensor: bool) -> bool:
    channels, height, width = shape
    first, last = channels in CHANNELS, width in CHANNELS
    if is_tensor and width >= min(channels, height):
        last = False  # small feature maps, such as (64, 4, 4)
    if first != last or is_tensor:
        return first or not last
    return not first and (height == width or (channels != height and channels < width))


def _to_four(name: str, tensor: torch.Tensor) -> str:
    """Return the line that makes four dimensions of fewer or more."""
    given = f"torch.as_tensor({name})"
    if tensor.ndim < 2:
        return f"Show a vector as one row: {given}.reshape(1, -1)."
    if tensor.ndim == 5 and (tensor.shape[1] in CHANNELS or tensor.shape[2] not in CHANNELS):
        slices = f"{given}.movedim(2, 1).flatten(0, 1)"
        return f"Show the slices of volumes (N, C, D, H, W) as images: {slices}."
    return f"Make one batch of all images: {given}.flatten(0, {tensor.ndim - 4})."
