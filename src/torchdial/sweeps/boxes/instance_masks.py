"""Instance masks, each cropped to its box: one bit a pixel."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import torch

from torchdial.inputs.errors import describe, refusal


def pack_masks(
    masks: Iterable[torch.Tensor], boxes: torch.Tensor, size: tuple[int, int]
) -> npt.NDArray[np.uint8]:
    """Return masks within their boxes, one after the other, each from a byte of its own.

    Of each mask these are the pixels from floor(x1), floor(y1) up to ceil(x2), ceil(y2), as far
    as they lie in the image, row after row, the first in the lowest bit.

    Args:
        masks: N of bool, or of probabilities that are on above 0.5, (h, w) in any size of the
            image's proportions; iterated once, so that they may be computed one at a time.
        boxes: xyxy (N, 4), in pixels of the image.
        size: height and width of the image.

    Raises:
        ValueError: the masks have other proportions than the image.

    Example:
        >>> mask = torch.tensor([[True, False], [True, True]])
        >>> pack_masks([mask], torch.tensor([[0.0, 0.0, 2.0, 2.0]]), (2, 2))
        array([13], dtype=uint8)
    """
    starts, ends = _corners(boxes, size)
    packed = [np.empty(0, np.uint8)]
    for mask, start, end in zip(masks, starts.tolist(), ends.tolist(), strict=True):
        _check_proportions(mask, size)
        bits = _resized(mask, start, end, size)
        packed.append(np.packbits(bits.cpu().numpy(), bitorder="little"))
    return np.concatenate(packed)


def _corners(boxes: torch.Tensor, size: tuple[int, int]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the first (x, y) of each box and what comes after its last, int64 (N, 2)."""
    ends = torch.tensor([size[1], size[0]], dtype=torch.float64)
    corners = boxes.to(torch.float64)
    first = torch.minimum(corners[:, :2].floor().clamp(min=0), ends)
    after = torch.minimum(corners[:, 2:].ceil().clamp(min=0), ends)
    return first.long(), after.long()


def _resized(
    mask: torch.Tensor, start: list[int], end: list[int], size: tuple[int, int]
) -> torch.Tensor:
    """Return a part of a mask in the size of the image, by nearest neighbours, bool (h, w)."""
    columns, rows = (
        ((torch.arange(a, b, device=mask.device) + 0.5) * have / want).long()
        for a, b, have, want in zip(start, end, mask.shape[::-1], size[::-1], strict=True)
    )
    part = mask[rows][:, columns]
    return part > 0.5 if part.is_floating_point() else part


def _check_proportions(mask: torch.Tensor, size: tuple[int, int]) -> None:
    height, width = size
    if abs(mask.shape[0] * width - mask.shape[1] * height) <= max(size):
        return
    raise refusal(
        "masks",
        expected=f"the proportions of the image, {height} × {width}",
        got=describe(mask),
        remedy="Resize them to the image; Ultralytics' predict takes retina_masks=True.",
    )
