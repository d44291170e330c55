"""Masks and boxes that are drawn over a picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from torchdial.array_types import Bytes
from torchdial.inputs.arguments import to_list
from torchdial.inputs.boxes.boxes import BoxFormat
from torchdial.inputs.boxes.class_names import ClassNames
from torchdial.inputs.boxes.detection_targets import to_annotations
from torchdial.inputs.errors import describe, refusal
from torchdial.inputs.probability_maps import to_tensor


@dataclass(frozen=True, eq=False)
class Overlay:
    """Masks and boxes of one picture.

    Attributes:
        mask: number of the colour at each pixel, 0 for none, uint8 (H, W); or None.
        boxes: corners and label, float32 (M, 5); or None.
        instances: the label of each number of the mask, from 1 on, where these count objects, or
            of more than 255 objects their classes; None where they are labels themselves.
    """

    mask: Bytes | None = None
    boxes: npt.NDArray[np.float32] | None = None
    instances: tuple[int, ...] | None = None

    def mask_for(self, pixels: Bytes) -> Bytes | None:
        """Return the mask if it is of the picture's size."""
        fits = self.mask is not None and self.mask.shape == pixels.shape[:2]
        return self.mask if fits else None

    def box_bytes(self) -> Bytes | None:
        """Return the boxes as little-endian bytes."""
        return None if self.boxes is None else self.boxes.astype("<f4").view(np.uint8)


NO_OVERLAY = Overlay()
INTEGER_TYPES = (torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)


def to_overlays(
    targets: Any,
    count: int,
    box_format: BoxFormat | None = None,
    class_names: ClassNames = None,
) -> list[Overlay]:
    """Return an overlay for each of `count` pictures.

    Args:
        targets: for each picture a label map or bool mask (H, W) or (1, H, W), torchvision's dict
            of boxes, labels and perhaps masks, or None.
        count: how many pictures there are.
        box_format: of the boxes; None takes the format that they carry, else xyxy.
        class_names: a name for each label, for labels that are names.

    Raises:
        ValueError: another number of them, or one that is neither.

    Example:
        >>> to_overlays([torch.ones(4, 4, dtype=torch.bool), None], 2)[0].mask.max()
        np.uint8(1)
    """
    expected, remedy = f"one for each of {count} pictures", "Pass None for a picture without one."
    if isinstance(targets, Mapping):
        targets = [targets]
    each = to_list("targets", targets, expected=expected, remedy=remedy)
    if len(each) != count:
        raise refusal("targets", expected=expected, got=f"{len(each)}", remedy=remedy)
    return [
        _to_overlay(f"targets[{i}]", one, box_format, class_names) for i, one in enumerate(each)
    ]


def _to_overlay(
    name: str, target: Any, box_format: BoxFormat | None, class_names: ClassNames
) -> Overlay:
    if target is None:
        return NO_OVERLAY
    if not isinstance(target, Mapping):
        return Overlay(mask=_to_mask(name, target))
    (found,) = to_annotations(target, box_format=box_format, class_names=class_names)
    numbers = torch.cat([found.boxes, found.labels[:, None]], dim=1).numpy()
    mask, instances = None, None
    if found.masks is not None and len(found) > 0:
        labels, each = found.labels, torch.arange(len(found))
        if len(found) > 255:  # more than a byte numbers: objects of a class share theirs
            labels, each = torch.unique(found.labels, return_inverse=True)
        number = 1 + each[:, None, None] % 255
        mask = (found.masks.cpu() > 0.5).long().mul(number).amax(0).to(torch.uint8).numpy()
        instances = tuple(labels[:255].tolist())
    return Overlay(mask, numbers, instances)


def _to_mask(name: str, target: Any) -> Bytes:
    try:
        mask = to_tensor(name, target).cpu()
    except ValueError:  # refused below, with what an overlay may be
        mask = torch.empty(0)
    mask = mask.squeeze(0) if mask.ndim == 3 else mask
    fits = mask.ndim == 2 and mask.numel() > 0 and mask.dtype in INTEGER_TYPES
    if fits and mask.dtype != torch.bool:
        mask = mask.masked_fill(mask == -1, 0)  # an ignored label is not drawn
    if not fits or int(mask.min()) < 0 or int(mask.max()) > 255:
        raise refusal(
            name,
            expected="a label map or bool mask (H, W) with labels -1 … 255, or a dict with boxes",
            got=describe(target),
            remedy=_to_map(name, mask),
        )
    found: Bytes = mask.to(torch.uint8).numpy()
    return found


def _to_map(name: str, mask: torch.Tensor) -> str:
    given = f"torch.as_tensor({name})"
    if mask.ndim == 2 and mask.dtype in INTEGER_TYPES:
        return f"Colours repeat, so pass the labels modulo 256: {given} % 256."
    if mask.ndim == 3:
        return f"Pass one map, such as that of the highest channel: {given}.argmax(0)."
    return f"Threshold probabilities: {given} > 0.5."
