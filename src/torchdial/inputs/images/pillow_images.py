"""Pillow images as arrays, by Pillow's own rules; Pillow itself is imported only where needed."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt

PLAIN = ("1", "L", "RGB", "RGBA", "I", "I;16", "I;16L", "I;16B", "I;16N", "F")
ORIENTATION = 0x0112  # the EXIF tag; 1 and absence mean that nothing is turned
TURNED = (5, 6, 7, 8)  # orientations that swap height and width


def is_pillow(value: Any) -> bool:
    """Return whether a value is a Pillow image."""
    return all(hasattr(value, name) for name in ("mode", "convert", "getexif"))


def pillow_pixels(name: str, image: Any, size: tuple[int, int] | None = None) -> npt.NDArray[Any]:
    """Return the pixels of a picture: grey, RGB or RGBA in 8 bits, or one channel of more bits.

    Palettes, CMYK, YCbCr, HSV and LAB are converted to RGB, as Pillow does it.

    Args:
        name: what to call the argument in a warning.
        image: a Pillow image.
        size: (H, W) of the maps that lie over it. An EXIF orientation that turns the picture is
            applied where only the turned picture has this size. Otherwise it is not applied, as in
            `numpy.asarray` and `torchvision.io`, and a warning says so.
    """
    upright = _upright(name, image, size)
    return np.asarray(upright if upright.mode in PLAIN else _to_rgb(upright))


def _to_rgb(image: Any) -> Any:
    has_alpha = image.mode in ("LA", "La", "PA", "RGBa") or "transparency" in image.info
    return image.convert("RGBA" if has_alpha else "RGB")


def _upright(name: str, image: Any, size: tuple[int, int] | None) -> Any:
    orientation = image.getexif().get(ORIENTATION, 1)
    if orientation in (0, 1):
        return image
    width, height = image.size
    if size == (width, height) != (height, width) and orientation in TURNED:
        from PIL import ImageOps

        return ImageOps.exif_transpose(image)
    if size is None or orientation not in TURNED or width == height:
        warnings.warn(
            f"{name}: the EXIF orientation {orientation} is not applied, as in numpy.asarray. To "
            "apply it pass PIL.ImageOps.exif_transpose(image).",
            stacklevel=2,
        )
    return image
