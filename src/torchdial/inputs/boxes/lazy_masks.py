"""Instance masks that are computed when indexed: of thousands of candidates few are shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional


@dataclass(frozen=True, eq=False)
class PrototypeMasks:
    """Masks as a YOLO -seg head gives them: sums of prototypes, on above 0.

    Attributes:
        coefficients: (N, M), the weight of each prototype for each box.
        prototypes: (M, h, w), in fewer pixels than the image.
    """

    coefficients: torch.Tensor
    prototypes: torch.Tensor

    def __len__(self) -> int:
        """Return N."""
        return len(self.coefficients)

    def __getitem__(self, index: Any) -> Any:
        """Return one mask, bool (h, w), or the masks of several boxes as `PrototypeMasks`."""
        chosen = self.coefficients[index]
        if chosen.ndim == 2:
            return PrototypeMasks(chosen, self.prototypes)
        return torch.einsum("m,mhw->hw", chosen, self.prototypes.to(chosen.dtype)) > 0


@dataclass(frozen=True, eq=False)
class BoxMasks:
    """Masks as Mask R-CNN's head gives them: of each box, in few pixels, as probabilities.

    Attributes:
        masks: (N, m, m).
        boxes: (N, 4), x1, y1, x2, y2 in pixels of the image.
        size: height and width of the image.
    """

    masks: torch.Tensor
    boxes: torch.Tensor
    size: tuple[int, int]

    def __len__(self) -> int:
        """Return N."""
        return len(self.boxes)

    def __getitem__(self, index: Any) -> Any:
        """Return one mask, float (H, W), or the masks of several boxes as `BoxMasks`."""
        box = self.boxes[index]
        if box.ndim == 2:
            return BoxMasks(self.masks[index], box, self.size)
        return _pasted(self.masks[index], box, self.size)


LazyMasks = PrototypeMasks | BoxMasks


def _pasted(mask: torch.Tensor, box: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """Return a box's mask in the image, as torchvision's `paste_masks_in_image` rounds it."""
    padded = functional.pad(mask, (1, 1, 1, 1))
    centre, half = (box[2:] + box[:2]) * 0.5, (box[2:] - box[:2]) * 0.5
    half = half * (len(padded) / len(mask))
    corners = torch.cat([centre - half, centre + half]).to(torch.int64).tolist()
    (left, top), (right, below) = corners[:2], (corners[2] + 1, corners[3] + 1)
    shape = (max(below - top, 1), max(right - left, 1))
    large = functional.interpolate(padded[None, None], shape, mode="bilinear")[0, 0]
    image = torch.zeros(size, dtype=mask.dtype, device=mask.device)
    rows = slice(max(top, 0), max(min(below, size[0]), 0))
    columns = slice(max(left, 0), max(min(right, size[1]), 0))
    if rows.start < rows.stop and columns.start < columns.stop:
        image[rows, columns] = large[
            rows.start - top : rows.stop - top, columns.start - left : columns.stop - left
        ]
    return image
