"""Probability maps: what a segmentation model predicts, as float32 (N, C, H, W)."""

from __future__ import annotations

from numbers import Integral
from typing import Any, Literal, get_args

import numpy as np
import torch

from torchdial.inputs.arguments import is_dense, one_of
from torchdial.inputs.errors import describe, refusal, refuse_non_finite

Task = Literal["binary", "multilabel", "multiclass"]

MAX_CLASSES = 255  # a label has to fit in one byte beside the mark of an ignored pixel
SHAPES = {
    "binary": "(H, W), (N, H, W) or (N, 1, H, W)",
    "multilabel": "(C, H, W) or (N, C, H, W)",
    "multiclass": "(C, H, W) or (N, C, H, W)",
}


def refuse_unknown_task(task: str) -> None:
    """Raise ValueError for a task that there is none."""
    remedy = "binary: one map; multilabel: a sigmoid per channel; multiclass: a softmax."
    one_of("task", task, get_args(Task), remedy)


def check_task(task: str, num_classes: int | None) -> int:
    """Return the number of channels C of a task: 1 for binary.

    Raises:
        ValueError: the task is unknown, or `num_classes` does not go with it.
    """
    refuse_unknown_task(task)
    if task == "binary":
        if num_classes not in (None, 1):
            raise refusal(
                "num_classes",
                expected="None for task='binary'",
                got=repr(num_classes),
                remedy="Pass task='multilabel' or task='multiclass' for several classes.",
            )
        return 1
    least = 2 if task == "multiclass" else 1
    whole = isinstance(num_classes, Integral) and not isinstance(num_classes, bool)
    if num_classes is None or not whole or not least <= num_classes <= MAX_CLASSES:
        raise refusal(
            "num_classes",
            expected=f"a whole number from {least} to {MAX_CLASSES} for task={task!r}",
            got=repr(num_classes),
            remedy="Pass the number of channels of the predictions.",
        )
    return int(num_classes)


def to_tensor(name: str, value: Any) -> torch.Tensor:
    """Return a detached tensor, from a tensor, an array, or a list of either of equal shape.

    Raises:
        ValueError: it is none of these, it is empty, or the shapes differ.
    """
    if isinstance(value, (list, tuple)) and value and hasattr(value[0], "shape"):
        value = _stack(name, list(value))
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf" and value.itemsize <= 8:
        native = value.dtype.newbyteorder("=")
        value = torch.from_numpy(np.require(value, native, ["C_CONTIGUOUS", "WRITEABLE"]))
    if not isinstance(value, torch.Tensor):
        raise refusal(
            name,
            expected="a torch tensor, a numpy array of numbers, or a list of them",
            got=describe(value),
            remedy="Convert it with torch.as_tensor(...).",
        )
    if not is_dense(value):
        raise refusal(
            name,
            expected="a dense tensor with its numbers at hand",
            got=f"{describe(value)}, which is sparse, nested, quantized or without data",
            remedy="Convert it with .to_dense(), .to_padded_tensor(0) or .dequantize().",
        )
    if value.numel() == 0:
        raise refusal(
            name,
            expected="at least one image",
            got=describe(value),
            remedy="Leave empty batches out.",
        )
    return value.detach()


def _stack(name: str, items: list[Any]) -> torch.Tensor:
    tensors = [to_tensor(f"{name}[{i}]", item) for i, item in enumerate(items)]
    sizes = {tuple(t.shape) for t in tensors}
    if len(sizes) > 1:
        raise refusal(
            name,
            expected="images of one size",
            got=f"{len(sizes)} different shapes, such as {sorted(sizes)[:2]}",
            remedy="Resize or pad them to one size, or make one preview for each size.",
        )
    return torch.stack(tensors)


def to_probabilities(
    preds: Any,
    task: Task = "binary",
    num_classes: int | None = None,
    *,
    from_logits: bool = False,
    name: str = "probs",
) -> torch.Tensor:
    """Return predictions as probabilities, float32 of shape (N, C, H, W), on their own device.

    They are cast to float32 first, whatever they were, and only then passed through a sigmoid
    (binary, multilabel) or a softmax over the channels (multiclass) if `from_logits`.

    Args:
        preds: floating-point maps. binary: (H, W), (N, H, W) or (N, 1, H, W); multilabel and
            multiclass: (C, H, W) or (N, C, H, W).
        task: "binary", "multilabel" or "multiclass".
        num_classes: C, for multilabel and multiclass; None takes the number of channels.
        from_logits: whether these are scores before the sigmoid or softmax; never guessed.
        name: what to call the argument in an error.

    Raises:
        ValueError: wrong type or shape, a label map, non-finite values, or values outside [0, 1].

    Example:
        >>> to_probabilities(torch.zeros(2, 4, 4), from_logits=True).shape
        torch.Size([2, 1, 4, 4])
    """
    refuse_unknown_task(task)
    tensor = to_tensor(name, preds)
    refuse_label_map(name, tensor)
    maps = _to_nchw(name, tensor, task, num_classes).to(torch.float32)
    if from_logits:
        refuse_non_finite(name, maps)
        return maps.softmax(dim=1) if task == "multiclass" else maps.sigmoid()
    refuse_outside_unit(name, maps)
    return maps


def refuse_label_map(name: str, tensor: torch.Tensor) -> None:
    """Raise if a tensor is not of floating point, or its numbers are not at hand."""
    if tensor.is_floating_point() and is_dense(tensor):
        return
    raise refusal(
        name,
        expected="floating-point probabilities or logits",
        got=describe(tensor),
        remedy="A label map has already been decided: no threshold can change it. Pass what the "
        "model gave before the argmax or the comparison.",
    )


def _to_nchw(name: str, tensor: torch.Tensor, task: Task, num_classes: int | None) -> torch.Tensor:
    shaped = tensor
    if task == "binary" and tensor.ndim in (2, 3):
        shaped = tensor.reshape(-1, 1, *tensor.shape[-2:])
    elif task != "binary" and tensor.ndim == 3:
        shaped = tensor[None]
    if shaped.ndim != 4:
        raise refusal(
            name,
            expected=f"shape {SHAPES[task]} for task={task!r}",
            got=describe(tensor),
            remedy="Add or remove the batch dimension.",
        )
    channels = (
        check_task(task, shaped.shape[1] if num_classes is None else num_classes)
        if task != "binary"
        else 1
    )
    if shaped.shape[1] != channels:
        raise refusal(
            name,
            expected=f"{channels} channel{'s' * (channels > 1)} in dimension 1 for task={task!r}",
            got=describe(tensor),
            remedy="For several channels pass task='multilabel' or 'multiclass'."
            if task == "binary"
            else "Pass num_classes as the number of channels.",
        )
    return shaped


def refuse_outside_unit(name: str, maps: torch.Tensor) -> None:
    """Raise if a tensor holds anything but finite values in [0, 1]."""
    if maps.numel() == 0:
        return
    low, high = (float(v) for v in torch.aminmax(maps))
    if low >= 0 and high <= 1:  # False for NaN
        return
    refuse_non_finite(name, maps)
    raise refusal(
        name,
        expected="probabilities in [0, 1]",
        got=f"values in [{low:.4g}, {high:.4g}]",
        remedy="If these are logits, pass from_logits=True; if they are 0 … 255, divide by 255.",
    )
