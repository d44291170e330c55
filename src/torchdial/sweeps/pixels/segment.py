"""The setting of a segmentation dial, applied to maps: one function for production."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from torchdial.deprecation import renamed_arguments
from torchdial.inputs.arguments import to_own_thresholds
from torchdial.inputs.errors import describe, refusal
from torchdial.inputs.numbers import to_fraction, to_whole
from torchdial.inputs.probability_maps import (
    Task,
    refuse_label_map,
    refuse_unknown_task,
    to_tensor,
    to_unit_interval,
)

PIXEL_RULE = "A pixel is on where its probability is above it."


@renamed_arguments(class_index="label")
def segment(
    probs: Any,
    threshold: float = 0.5,
    *,
    class_thresholds: Sequence[float] | None = None,
    task: Task | None = None,
    label: int | None = None,
) -> torch.Tensor:
    """Return masks by the rule of the dials: 255 where p > threshold, 0 where p ≤ threshold.

    Maps and thresholds are compared in float32, on the device of the maps. Called with what
    `SegmentationPreview.export` returns, this gives the masks of `SegmentationPreview.mask`.

    Args:
        probs: probabilities, floating point in [0, 1]: of any shape for `task` None and "binary",
            else (N, C, H, W) or (C, H, W).
        threshold: a number in [0, 1].
        class_thresholds: in its place one for each channel of maps (N, C, H, W) or (C, H, W).
        task: how channels make one mask. None and "binary" compare each number by itself;
            "multilabel" is on where any channel is above its threshold; "multiclass" where the
            highest of the channels, the first of equal ones, is above its own.
        label: a channel, to return its mask alone.

    Returns:
        uint8 of the shape of `probs`, on its device; where channels make one mask or one is
        chosen, without that dimension.

    Raises:
        ValueError: values that are not finite or not in [0, 1], maps without channels for a task
            that needs them, or thresholds that are no numbers in [0, 1] or of another number than
            channels.

    Example:
        >>> segment(torch.tensor([[0.2, 0.5], [0.50001, 0.9]]), 0.5)
        tensor([[  0,   0],
                [255, 255]], dtype=torch.uint8)
    """
    maps = to_tensor("probs", probs)
    refuse_label_map("probs", maps)
    if task is not None:
        refuse_unknown_task(task)
    values = to_unit_interval("probs", maps.to(torch.float32))
    channels = values.shape[-3] if values.ndim in (3, 4) else 0
    if (label is not None or task not in (None, "binary")) and not channels:
        raise refusal(
            "probs",
            expected="maps (N, C, H, W) or (C, H, W)",
            got=describe(maps),
            remedy="Leave task and label out to compare each number by itself.",
        )
    given = _limits(threshold, class_thresholds, channels, values)
    limits = (
        torch.tensor(given, device="cpu") if isinstance(given, float) else values.new_tensor(given)
    )
    if label is not None:
        remedy = "Pass the index of a channel."
        chosen = to_whole("label", label, 0, channels - 1, remedy=remedy)
        on = values.select(-3, chosen) > (limits[chosen] if limits.ndim else limits)
    elif task == "multiclass":
        maximum, argmax = values.max(dim=-3)
        on = maximum > (limits[argmax] if limits.ndim else limits)
    else:
        on = values > (limits[:, None, None] if limits.ndim else limits)
        if task == "multilabel":
            on = on.any(dim=-3)
    return on.to(torch.uint8) * 255


def _limits(
    threshold: float,
    class_thresholds: Sequence[float] | None,
    channels: int,
    values: torch.Tensor,
) -> list[float] | float:
    if class_thresholds is None:
        return to_fraction("threshold", threshold, PIXEL_RULE)
    own = to_own_thresholds(class_thresholds)
    if len(own) != channels:
        raise refusal(
            "class_thresholds",
            expected="a threshold for each channel of maps (N, C, H, W) or (C, H, W)",
            got=f"{len(own)} for {describe(values)}",
            remedy="Pass threshold= to use one for all.",
        )
    return [to_fraction(f"class_thresholds[{c}]", t, PIXEL_RULE) for c, t in enumerate(own)]
