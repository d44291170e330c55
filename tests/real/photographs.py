"""Photographs that scikit-image carries with it."""

from __future__ import annotations

import torch
from skimage import data

NAMES = ("astronaut", "chelsea", "coffee", "rocket")


def photograph(name: str, height: int, width: int) -> torch.Tensor:
    """Return a photograph as float32 (3, H, W) in [0, 1]."""
    pixels = torch.from_numpy(getattr(data, name)()).permute(2, 0, 1)[None] / 255
    resized = torch.nn.functional.interpolate(pixels, (height, width), mode="area")
    return resized[0].contiguous()


def photographs(height: int, width: int) -> torch.Tensor:
    """Return all of them as one batch (4, 3, H, W)."""
    return torch.stack([photograph(name, height, width) for name in NAMES])
