"""Targets of a segmentation: what is true at each pixel, with ignored pixels told apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from torchdial.inputs.errors import describe, refusal
from torchdial.inputs.numbers import to_whole
from torchdial.inputs.probability_maps import Task, refuse_unknown_task, to_tensor

LEFT_OUT = "Pass the label to leave out, such as 255 or -100, or None."
IGNORED = 255  # in canonical targets; labels are 0 … 254


def to_targets(
    target: Any,
    shape: Sequence[int],
    task: Task = "binary",
    *,
    ignore_index: int | None = None,
    name: str = "targets",
) -> torch.Tensor:
    """Return targets as uint8 on their own device, ignored pixels as 255.

    Args:
        target: bool, integer or whole-numbered float. binary: 0 and 1, in the shape of the
            predictions with or without their channel; multilabel: 0 and 1, (C, H, W) or
            (N, C, H, W); multiclass: labels 0 … C - 1, (H, W), (N, H, W) or (N, 1, H, W).
        shape: (N, C, H, W) of the canonical predictions that the target belongs to.
        task: "binary", "multilabel" or "multiclass".
        ignore_index: a label that enters no count, such as 255 or -100.
        name: what to call the argument in an error.

    Returns:
        uint8 of shape (N, C, H, W); for multiclass (N, H, W).

    Raises:
        ValueError: wrong type or shape, or labels that the task does not know.

    Example:
        >>> to_targets(torch.tensor([[0, 1], [1, -1]]), (1, 1, 2, 2), ignore_index=-1)
        tensor([[[[  0,   1],
                  [  1, 255]]]], dtype=torch.uint8)
    """
    refuse_unknown_task(task)
    num_images, num_classes, *size = shape
    channels = [] if task == "multiclass" else [num_classes]
    labels = _to_labels(name, to_tensor(name, target))
    labels = _reshape(name, labels, [num_images, *channels, *size])
    count = num_classes if task == "multiclass" else 2
    if ignore_index is None:
        _refuse_unknown_labels(name, labels, count)
        return labels.to(torch.uint8)
    ignored = _equals(labels, to_whole("ignore_index", ignore_index, remedy=LEFT_OUT))
    _refuse_unknown_labels(name, labels.masked_fill(ignored, 0), count)
    return labels.to(torch.uint8).masked_fill_(ignored, IGNORED)


def _to_labels(name: str, tensor: torch.Tensor) -> torch.Tensor:
    if tensor.dtype in (torch.uint16, torch.uint32, torch.uint64):  # torch can do little with them
        return tensor.to(torch.int64)
    if tensor.is_complex():
        raise refusal(
            name,
            expected="bool, integer or whole-numbered float labels",
            got=describe(tensor),
            remedy="Pass a label for each pixel.",
        )
    return tensor


def _equals(labels: torch.Tensor, value: int) -> torch.Tensor:
    """Compare as whole numbers: in torch a uint8 156 == -100, which wraps round."""
    if labels.is_floating_point() or labels.dtype == torch.bool:
        return labels == value
    held = torch.iinfo(labels.dtype)
    if held.min <= value <= held.max:
        return labels == value
    return torch.zeros_like(labels, dtype=torch.bool)


def _reshape(name: str, tensor: torch.Tensor, shape: list[int]) -> torch.Tensor:
    """Take the shape of the predictions, with or without batch and channel of size one."""
    if _without_ones(tensor.shape) != _without_ones(shape):
        raise refusal(
            name,
            expected=f"one label for each pixel: shape {tuple(shape)}",
            got=describe(tensor),
            remedy="Targets must have the number and the size of the predictions; resize labels "
            "with nearest neighbours.",
        )
    return tensor.reshape(shape)


def _without_ones(shape: Sequence[int]) -> list[int]:
    return [n for n in shape[:-2] if n != 1] + list(shape[-2:])


def _refuse_unknown_labels(name: str, labels: torch.Tensor, count: int) -> None:
    if labels.dtype == torch.bool:
        return
    low, high = torch.aminmax(labels)
    whole = not labels.is_floating_point() or bool((labels == labels.round()).all())
    if bool(low >= 0) and bool(high < count) and whole:
        return
    unknown = (labels < 0) | (labels >= count) | (labels != labels.round())
    raise refusal(
        name,
        expected=f"labels 0 … {count - 1}",
        got=f"also {torch.unique(labels[unknown])[:5].tolist()} at {int(unknown.sum()):,} pixels",
        remedy="Pass ignore_index= for a label to leave out; for masks of 0 and 255, pass "
        "target > 0.",
    )
