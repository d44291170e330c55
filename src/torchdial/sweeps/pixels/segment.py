"""What a segmentation dial is set to, as one function for production."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from torchdial.inputs.arguments import to_own_thresholds
from torchdial.inputs.errors import describe, refusal
from torchdial.inputs.numbers import to_fraction
from torchdial.inputs.probability_maps import refuse_label_map, refuse_outside_unit, to_tensor

REMEDY = "A pixel is on where its probability is above it."


def segment(
    probs: Any, threshold: float = 0.5, *, class_thresholds: Sequence[float] | None = None
) -> torch.Tensor:
    """Return masks by the rule of the dials: 255 where p > threshold, 0 where p ≤ threshold.

    Maps and thresholds are compared in float32, on the device of the maps.

    Args:
        probs: probabilities of any shape; floating point in [0, 1].
        threshold: a number in [0, 1].
        class_thresholds: in its place one for each channel of maps (N, C, H, W) or (C, H, W), as
            `SegmentationPreview.export` gives them.

    Returns:
        uint8 of the shape of `probs`, on its device.

    Raises:
        ValueError: values that are not finite or not in [0, 1], or thresholds that are no numbers
            in [0, 1] or of another number than channels.

    Example:
        >>> segment(torch.tensor([[0.2, 0.5], [0.50001, 0.9]]), 0.5)
        tensor([[  0,   0],
                [255, 255]], dtype=torch.uint8)
    """
    maps = to_tensor("probs", probs)
    refuse_label_map("probs", maps)
    values = maps.to(torch.float32)
    refuse_outside_unit("probs", values)
    limits = torch.tensor(_limits(threshold, class_thresholds, values), device=values.device)
    if class_thresholds is not None:
        limits = limits[:, None, None]
    return (values > limits).to(torch.uint8) * 255


def _limits(
    threshold: float, class_thresholds: Sequence[float] | None, values: torch.Tensor
) -> list[float] | float:
    if class_thresholds is None:
        return to_fraction("threshold", threshold, REMEDY)
    channels = values.shape[-3] if values.ndim in (3, 4) else 0
    own = to_own_thresholds(class_thresholds)
    if len(own) != channels:
        raise refusal(
            "class_thresholds",
            expected="a threshold for each channel of maps (N, C, H, W) or (C, H, W)",
            got=f"{len(own)} for {describe(values)}",
            remedy="Pass threshold= to use one for all.",
        )
    return [to_fraction(f"class_thresholds[{c}]", t, REMEDY) for c, t in enumerate(own)]
