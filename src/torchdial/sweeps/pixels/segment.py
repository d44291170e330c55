"""The setting of a segmentation dial, applied to maps: one function for production."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from torchdial.deprecation import renamed_arguments
from torchdial.inputs.arguments import to_own_thresholds
from torchdial.inputs.errors import describe, refusal, refuse_non_finite
from torchdial.inputs.min_sizes import Connectivity, to_connectivity, to_min_size
from torchdial.inputs.numbers import to_fraction, to_number, to_whole
from torchdial.inputs.probability_maps import (
    Task,
    refuse_label_map,
    refuse_unknown_task,
    to_tensor,
    to_unit_interval,
)
from torchdial.sweeps.pixels.area_opening import open_maps

PIXEL_RULE = "A pixel is on where its probability is above it."


@renamed_arguments(class_index="label")
def segment(
    probs: Any,
    threshold: float = 0.5,
    *,
    class_thresholds: Sequence[float] | None = None,
    task: Task | None = None,
    label: int | None = None,
    min_size: int = 0,
    connectivity: Connectivity = 4,
    of_scores: bool = False,
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
        min_size: connected parts of fewer pixels are off. Of several channels each has its own
            parts, before they make one mask.
        connectivity: 4 connects pixels along edges, 8 along corners too.
        of_scores: whether `probs` and the threshold are scores of any range, such as an anomaly
            map, for `task` None and "binary".

    Returns:
        uint8 of the shape of `probs`, on its device; where channels make one mask or one is
        chosen, without that dimension.

    Raises:
        ValueError: values that are not finite or not in [0, 1], maps without channels for a task
            that needs them, thresholds that are no numbers in [0, 1] or of another number than
            channels, a minimum size for what has no height and width, or scores for several
            classes.

    Example:
        >>> segment(torch.tensor([[0.2, 0.5], [0.50001, 0.9]]), 0.5)
        tensor([[  0,   0],
                [255, 255]], dtype=torch.uint8)
    """
    maps = to_tensor("probs", probs)
    refuse_label_map("probs", maps)
    if task is not None:
        refuse_unknown_task(task)
    values = _to_values(maps, task, label, class_thresholds, of_scores)
    channels = values.shape[-3] if values.ndim in (3, 4) else 0
    if (label is not None or task not in (None, "binary")) and not channels:
        raise refusal(
            "probs",
            expected="maps (N, C, H, W) or (C, H, W)",
            got=describe(maps),
            remedy="Leave task and label out to compare each number by itself.",
        )
    least, connectivity = to_min_size("min_size", min_size), to_connectivity(connectivity)
    if least and values.ndim < 2:
        raise refusal(
            "min_size",
            expected="0 for what is no map (…, H, W)",
            got=f"{least} for {describe(maps)}",
            remedy="Pass maps, whose last two dimensions are height and width.",
        )
    given = (
        to_number("threshold", threshold, remedy="A pixel is on where its score is above it.")
        if of_scores
        else _limits(threshold, class_thresholds, channels, values)
    )
    limits = (
        torch.tensor(given, device="cpu") if isinstance(given, float) else values.new_tensor(given)
    )
    if label is not None:
        remedy = "Pass the index of a channel."
        chosen = to_whole("label", label, 0, channels - 1, remedy=remedy)
        on = values.select(-3, chosen) > (limits[chosen] if limits.ndim else limits)
        return _mask(on, least, connectivity)
    if task == "multiclass":
        maximum, argmax = values.max(dim=-3)
        return _mask(
            maximum > (limits[argmax] if limits.ndim else limits), least, connectivity, argmax
        )
    masks = _mask(values > (limits[:, None, None] if limits.ndim else limits), least, connectivity)
    return masks.amax(dim=-3) if task == "multilabel" else masks


def _to_values(
    maps: torch.Tensor, task: Task | None, label: Any, class_thresholds: Any, of_scores: bool
) -> torch.Tensor:
    """Return probabilities, or finite scores, as float32."""
    values = maps.to(torch.float32)
    by_class = task not in (None, "binary") or label is not None or class_thresholds is not None
    if not of_scores:
        return to_unit_interval("probs", values, scores_by=None if by_class else "of_scores=True")
    if by_class:
        raise refusal(
            "of_scores",
            expected="False for several classes",
            got="True",
            remedy="Compare one map with one threshold: segment(scores, threshold, "
            "of_scores=True).",
        )
    refuse_non_finite("probs", values)
    return values


def _mask(
    on: torch.Tensor,
    min_size: int,
    connectivity: Connectivity,
    labels: torch.Tensor | None = None,
) -> torch.Tensor:
    """Return 255 where pixels are on, in parts that are large enough."""
    return open_maps(on.to(torch.uint8), min_size, connectivity, labels) * 255


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
