"""Targets of a segmentation: the label of each pixel, or that it is ignored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from torchdial.inputs.arguments import is_masked_array
from torchdial.inputs.errors import describe, refusal
from torchdial.inputs.numbers import to_whole
from torchdial.inputs.probability_maps import Task, refuse_unknown_task, to_tensor

IGNORE_REMEDY = "Pass the label to leave out, such as 255 or -100, or None."
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
        target: bool, integer or whole-numbered float; masked values of a `numpy.ma` array are
            ignored, and a Pillow image with a palette is its indices. binary: 0 and 1, in the
            shape of the predictions with or without their channel; multilabel: 0 and 1,
            (C, …, H, W) or (N, C, …, H, W); multiclass: labels 0 … C - 1, (…, H, W),
            (N, …, H, W) or (N, 1, …, H, W).
        shape: (N, C, …, H, W) of the canonical predictions that the target belongs to.
        task: "binary", "multilabel" or "multiclass".
        ignore_index: a label that enters no count, such as 255 or -100.
        name: what to call the argument in an error.

    Returns:
        uint8 of shape (N, C, …, H, W); for multiclass (N, …, H, W).

    Raises:
        ValueError: wrong type or shape, or labels that the task does not have.

    Example:
        >>> to_targets(torch.tensor([[0, 1], [1, -1]]), (1, 1, 2, 2), ignore_index=-1)
        tensor([[[[  0,   1],
                  [  1, 255]]]], dtype=torch.uint8)
    """
    labels, ignored = shape_labels(target, shape, task, ignore_index, name)
    if not bool(labels_are_known(labels, shape, task)):
        refuse_unknown_labels(name, labels, shape, task)
    return to_bytes(labels, ignored)


def shape_labels(
    target: Any, shape: Sequence[int], task: Task, ignore_index: int | None, name: str
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Return labels in canonical shape, whatever their values, 0 where ignored; and where that is.

    Raises:
        ValueError: wrong type or shape.
    """
    refuse_unknown_task(task)
    num_images, num_classes, *size = shape
    canonical = [num_images, *([] if task == "multiclass" else [num_classes]), *size]
    values, masked = _split_mask(target)
    given = to_tensor(name, values)
    if _without_ones(given.shape) != _without_ones(canonical):
        raise refusal(
            name,
            expected=f"one label for each pixel: shape {tuple(canonical)}",
            got=describe(given),
            remedy=_to_shape(name, given, shape, task),
        )
    labels = _to_labels(name, given).reshape(canonical)
    void = [] if masked is None else [to_tensor(name, masked).reshape(canonical)]
    if ignore_index is not None:
        index = to_whole("ignore_index", ignore_index, remedy=IGNORE_REMEDY)
        void.append(_equals(labels, index))
    if not void:
        return labels, None
    ignored = void[0] | void[-1]
    return labels.masked_fill(ignored, 0), ignored


def labels_are_known(labels: torch.Tensor, shape: Sequence[int], task: Task) -> torch.Tensor:
    """Return whether labels are whole and those of the task, as a bool on their device."""
    if labels.dtype == torch.bool:
        return torch.tensor(True)
    low, high = torch.aminmax(labels)
    known = (low >= 0) & (high < _num_labels(shape, task))
    return known & (labels == labels.round()).all() if labels.is_floating_point() else known


def to_bytes(labels: torch.Tensor, ignored: torch.Tensor | None) -> torch.Tensor:
    """Return known labels as uint8, ignored pixels as 255."""
    canonical = labels.to(torch.uint8)
    return canonical if ignored is None else canonical.masked_fill(ignored, IGNORED)


def _num_labels(shape: Sequence[int], task: Task) -> int:
    return shape[1] if task == "multiclass" else 2


def _split_mask(target: Any) -> tuple[Any, Any]:
    """Return values, and the mask of a masked array or of a list of these, else None."""
    if isinstance(target, (list, tuple)) and any(map(is_masked_array, target)):
        parts = [_split_mask(one) for one in target]
        masks = [np.zeros(np.shape(v), bool) if mask is None else mask for v, mask in parts]
        return [values for values, _ in parts], masks
    if is_masked_array(target):
        return target.filled(0), np.ma.getmaskarray(target)
    return target, None


def _to_labels(name: str, tensor: torch.Tensor) -> torch.Tensor:
    if tensor.dtype in (torch.uint16, torch.uint32, torch.uint64):  # torch can do little with them
        return tensor.to(torch.int64)
    if tensor.is_complex():
        raise refusal(
            name,
            expected="bool, integer or whole-numbered float labels",
            got=describe(tensor),
            remedy=f"If the real part is meant, pass {name}.real.",
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


def _without_ones(shape: Sequence[int]) -> list[int]:
    """Return a shape without batch and channel of size one: targets may lack these."""
    return [n for n in shape[:-2] if n != 1] + list(shape[-2:])


def _to_shape(name: str, given: torch.Tensor, shape: Sequence[int], task: Task) -> str:
    """Return the line that brings labels of another shape into the right one."""
    num_images, num_classes, *size = shape
    tensor, alone = f"torch.as_tensor({name})", f"Pass the targets of these {num_images} images"
    if given.ndim < len(size):
        return f"{alone}, in the shape {tuple(shape)}."
    same = _without_ones([num_images, *size])
    first, last = list(given.shape[: -len(size)]), given.shape[-1]
    if _without_ones(given.shape[:-1]) == same:  # channels last
        if last == 1:
            return f"Drop the last dimension: {tensor}.squeeze(-1)."
        if task == "multilabel" and last == num_classes:
            return f"Move the channels before height and width: {tensor}.movedim(-1, -3)."
        if last == num_classes and _is_one_hot(given, -1):
            return f"Turn one-hot targets into labels: {tensor}.argmax(-1)."
        if last in (3, 4):
            return (
                "Turn colours into labels with a palette (C, 3), a colour for each label: "
                f"({tensor}[..., None, :3] == torch.as_tensor(palette)).all(-1).int().argmax(-1)."
            )
    if list(given.shape[-len(size) :]) == size and task != "multilabel":
        dim = -len(size) - 1
        if first[-1:] == [num_classes] and given.numel() == num_classes * np.prod(same):
            return f"Turn one-hot targets into labels: {tensor}.argmax({dim})."
        if task == "binary" and first[-1:] == [2]:
            return f"Keep the channel of the class: {tensor}.select({dim}, 1)."
    height, width = given.shape[-2:]
    if [height, width] != size[-2:] and given.numel() % (num_images * height * width) == 0:
        return (
            "Resize labels with nearest neighbours: torch.nn.functional.interpolate("
            f"{tensor}.float().reshape({num_images}, -1, {height}, {width}), {tuple(size)})."
        )
    return f"{alone} alone, in the shape {tuple(shape)}."


def _is_one_hot(values: torch.Tensor, dim: int) -> bool:
    numbers = values.to(torch.float32)
    return bool((numbers.sum(dim) == 1).all()) and bool((numbers.amax(dim) == 1).all())


def refuse_unknown_labels(
    name: str, labels: torch.Tensor, shape: Sequence[int], task: Task
) -> None:
    """Raise ValueError if there are labels that the task does not have."""
    if bool(labels_are_known(labels, shape, task)):
        return
    count = _num_labels(shape, task)
    unknown = (labels < 0) | (labels >= count) | (labels != labels.round())
    found = torch.unique(labels[unknown])
    raise refusal(
        name,
        expected=f"labels 0 … {count - 1}",
        got=f"also {found[:5].tolist()}, {int(unknown.sum()):,} of {unknown.numel():,} labels",
        remedy=_to_known(name, labels, found, count),
    )


def _to_known(name: str, labels: torch.Tensor, found: torch.Tensor, count: int) -> str:
    """Return the line that brings unknown labels into the task, or leaves them out."""
    value = found[0].item()
    others = torch.unique(labels).tolist()
    if count == 2 and len(found) == 1 and others in ([0, value], [value]) and value > 1:
        return f"For masks of 0 and {value:g} pass {name} > 0."
    if len(found) == 1 and float(value).is_integer():
        return f"To leave these out pass ignore_index={int(value)}."
    if count == 2 and bool((found > 0).all()) and bool((found < 1).all()):
        return f"For soft labels pass {name} > 0.5."
    return (
        "Mask these to leave them out: "
        f"numpy.ma.masked_array({name}, ~numpy.isin({name}, range({count})))."
    )
