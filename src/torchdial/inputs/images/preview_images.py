"""Images for display: uint8 (N, H, W, C) with 1, 3 or 4 channels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from torchdial.array_types import Bytes
from torchdial.inputs.errors import describe, refusal, refuse_non_finite
from torchdial.inputs.images.display_window import Window, to_bytes, to_window, window_of_integers
from torchdial.inputs.images.image_layout import Batch, is_picture, to_channels_last

Numbers = float | Sequence[float] | None

MAX_DIAL_PIXELS = 1 << 24  # of a picture under a dial, 4,096²: over more the page freezes
UNIT_ROUNDING = 0.5 / 255  # undoing a normalisation in float32 lands this near to [0, 1]


class ImageReader:
    """Reads images for display, all with the window of the first ones.

    Args:
        mean: what was subtracted, a number or one a channel; undone with `std` for floats.
        std: what was divided by.
        window: the values shown as black and as white. None: 0 and 1 for floats, 0 and 255 for
            integers in this range but int16 and uint16, else the lowest and the highest value of
            the images that are read first.

    Raises:
        ValueError: the window is not two increasing numbers.
    """

    def __init__(self, mean: Numbers = None, std: Numbers = None, window: Any = None) -> None:
        self.mean, self.std = mean, std
        self.window: Window | None = None if window is None else to_window("window", window)

    def batch(self, images: Any, size: tuple[int, int] | None = None) -> Bytes:
        """Return images of one size, uint8 (N, H, W, C); see `to_images`.

        Args:
            images: see `to_images`.
            size: (H, W) of the maps over the images; it decides about EXIF orientations.
        """
        batches = self._read(images, size)
        if len({batch.shape[1:] for batch in batches}) > 1:
            sizes = sorted({tuple(batch.shape[1:]) for batch in batches})
            raise refusal(
                "images",
                expected="images of one size and number of channels",
                got=f"{len(sizes)} different shapes, such as {sizes[:2]} (H, W, C)",
                remedy="Resize or pad them to one size, or make one preview for each size.",
            )
        return np.ascontiguousarray(torch.cat(batches).numpy())

    def each(self, images: Any) -> list[Bytes]:
        """Return images that may differ in size, uint8 (H, W, C) each; see `to_image_list`."""
        if not isinstance(images, (list, tuple)) or not images:
            return list(self.batch(images))
        batches = self._read(images, None)
        for i, batch in enumerate(batches):
            if len(batch) > 1:
                raise refusal(
                    f"images[{i}]",
                    expected="one image",
                    got=f"a batch of {len(batch)}",
                    remedy="Pass one batch by itself, or a list of images.",
                )
        channels = sorted({batch.shape[3] for batch in batches})
        if len(channels) > 1:
            raise refusal(
                "images",
                expected="the same channels in every image",
                got=f"{' and '.join(map(str, channels))} channels",
                remedy="Convert them to RGB: image.convert('RGB') with Pillow, or "
                "image.expand(3, -1, -1) for a grey tensor.",
            )
        return [np.ascontiguousarray(batch[0].numpy()) for batch in batches]

    def _read(self, images: Any, size: tuple[int, int] | None) -> list[torch.Tensor]:
        """Return uint8 batches (N, H, W, C) in host memory."""
        batches = to_channels_last("images", images, size)
        for batch in batches:
            _refuse_bands(batch)
            refuse_too_large(batch.name, *batch.pixels.shape[1:3])
            refuse_non_finite(batch.name, batch.pixels.movedim(-1, 1))
        integers = [batch.pixels for batch in batches if _needs_window(batch.pixels)]
        if self.window is None and integers:
            found = window_of_integers(integers)
            self.window = None if found == (0.0, 255.0) else found
        return [self._to_uint8(batch.name, batch.pixels).cpu() for batch in batches]

    def _to_uint8(self, name: str, images: torch.Tensor) -> torch.Tensor:
        if images.dtype == torch.bool:
            return images.to(torch.uint8) * 255
        if not images.is_floating_point():
            if images.dtype == torch.uint8 and self.window is None:
                return images
            return to_bytes(images, self.window or (0.0, 255.0))
        plain = undo_normalisation(images.to(torch.float32), self.mean, self.std)
        if self.window is None:
            _refuse_outside_unit(name, plain)
        return to_bytes(plain, self.window or (0.0, 1.0))


def to_images(
    images: Any, *, mean: Numbers = None, std: Numbers = None, window: Any = None
) -> Bytes:
    """Return images as they are shown, uint8 of shape (N, H, W, C), in host memory.

    Channels are grey, RGB or, in 8 bits, RGBA. Where they are in a shape is decided by
    `torchdial.inputs.images.image_layout`.

    Args:
        images: (H, W), (C, H, W), (H, W, C), a batch of the last two, a Pillow image, or a list
            of any one of them; integers, bool, or floating point in [0, 1].
        mean: what was subtracted, a number or one a channel; undone with `std` for floats.
        std: what was divided by.
        window: the values shown as black and as white. None: 0 and 1 for floats, 0 and 255 for
            integers in this range but int16 and uint16, else the lowest and the highest value.

    Raises:
        ValueError: another shape or type, non-finite values, floats outside [0, 1] without a
            window, or more pixels than a browser draws.

    Example:
        >>> to_images(torch.rand(8, 3, 32, 32)).shape
        (8, 32, 32, 3)
        >>> to_images(torch.tensor([[-1000, 0, 1000]]), window=(-1000, 1000)).ravel().tolist()
        [0, 128, 255]
    """
    return ImageReader(mean, std, window).batch(images)


def to_image_list(
    images: Any, *, mean: Numbers = None, std: Numbers = None, window: Any = None
) -> list[Bytes]:
    """Return images that may differ in size as they are shown, uint8 (H, W, C) each.

    Args:
        images: a list with one for each image, or a batch; see `to_images`.
        mean: what was subtracted.
        std: what was divided by.
        window: the values shown as black and as white.

    Raises:
        ValueError: an image that `to_images` refuses, none at all, or differing channels.

    Example:
        >>> [p.shape for p in to_image_list([torch.rand(3, 8, 9), torch.rand(3, 5, 5)])]
        [(8, 9, 3), (5, 5, 3)]
    """
    return ImageReader(mean, std, window).each(images)


def refuse_too_large(name: str, height: int, width: int, most: int = MAX_DIAL_PIXELS) -> None:
    """Raise if a picture has more pixels than browsers draw without stalling."""
    if height * width > most:
        raise refusal(
            name,
            expected=f"pictures of at most {most:,} pixels, which is what a browser can draw",
            got=f"{height:,} × {width:,}",
            remedy="Crop them, or make them smaller with torch.nn.functional.interpolate, and maps "
            "and targets with them. td.ThresholdSweep and td.segment take any size.",
        )


def _needs_window(images: torch.Tensor) -> bool:
    return not images.is_floating_point() and images.dtype not in (torch.uint8, torch.bool)


def _refuse_bands(batch: Batch) -> None:
    num_images, *_, channels = batch.pixels.shape
    if is_picture(channels, batch.pixels.dtype):
        return
    given, kept = f"torch.as_tensor({batch.name})", 3 if channels > 3 else 1
    bands = f"{given}[..., :{kept}, :, :]" if batch.channels_first else f"{given}[..., :{kept}]"
    remedy = f"Of {channels} bands pass {kept}, such as {bands}, in from_model as display=."
    if channels == 4 and batch.pixels.is_floating_point():
        remedy = f"For RGBA pass ({given} * 255).to(torch.uint8). {remedy}"
    if num_images == 1 and batch.channels_first:
        remedy = f"For {channels} grey images pass {given}[:, None]. {remedy}"
    raise refusal(
        batch.name,
        expected="shape (H, W), (C, H, W), (H, W, C) or a batch of these, with 1 or 3 channels, "
        "or 4 in uint8",
        got=f"{channels} channels in {describe(batch.pixels)} (N, H, W, C)",
        remedy=remedy,
    )


def _refuse_outside_unit(name: str, images: torch.Tensor) -> None:
    low, high = torch.stack(torch.aminmax(images)).tolist()
    if low < -UNIT_ROUNDING or high > 1 + UNIT_ROUNDING:
        ends = ("0", "255") if low >= 0 and 2 < high <= 255 else (f"{low:.4g}", f"{high:.4g}")
        raise refusal(
            name,
            expected="floating-point values in [0, 1]",
            got=f"values in [{low:.4g}, {high:.4g}]",
            remedy="Pass the mean= and std= they were normalised with, or "
            f"window=({ends[0]}, {ends[1]}) to show {ends[0]} as black and {ends[1]} as white.",
        )


def undo_normalisation(images: torch.Tensor, mean: Numbers, std: Numbers) -> torch.Tensor:
    """Return images (…, C) times `std` plus `mean`.

    Raises:
        ValueError: neither a number nor one for each channel.
    """
    if mean is None and std is None:
        return images.clone()
    scale = _of_channels("std", 1.0 if std is None else std, images)
    shift = _of_channels("mean", 0.0 if mean is None else mean, images)
    return images * scale + shift


def _of_channels(name: str, given: Any, images: torch.Tensor) -> torch.Tensor:
    channels, got = images.shape[-1], describe(given)
    try:
        numbers = torch.as_tensor(given, dtype=torch.float32, device="cpu").reshape(-1)
        fits = bool(numbers.isfinite().all())
        if fits and len(numbers) not in (1, channels):
            fits, got = False, f"{len(numbers)} numbers"
    except Exception:  # no list of numbers
        fits = False
    if not fits:
        raise refusal(
            name,
            expected=f"a number, or one for each of {channels} channels",
            got=got,
            remedy="Pass what the data were normalised with.",
        )
    return numbers[0] if len(numbers) == 1 else numbers.to(images.device)
