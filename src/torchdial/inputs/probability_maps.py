"""Probability maps: what a segmentation model predicts, as float32 (N, C, H, W)."""

from __future__ import annotations

import warnings
from typing import Any, Literal, get_args

import numpy as np
import torch

from torchdial.inputs.arguments import is_dense, is_masked_array, one_of
from torchdial.inputs.errors import describe, refusal, refuse_non_finite
from torchdial.inputs.numbers import to_whole

Task = Literal["binary", "multilabel", "multiclass"]

MAX_CLASSES = 255  # a label has to fit in one byte beside the mark of an ignored pixel
LABEL_MAP = (
    "A label map cannot be thresholded: pass what the model returns before the argmax or the "
    "comparison."
)
ROUNDING = 1e-3  # how far outside [0, 1] probabilities are clamped, as after a softmax in float16
SHAPES = {
    "binary": "(H, W), (N, H, W) or (N, 1, …, H, W)",
    "multilabel": "(C, H, W) or (N, C, …, H, W)",
    "multiclass": "(C, H, W) or (N, C, …, H, W)",
}


def refuse_unknown_task(task: str) -> None:
    """Raise ValueError for an unknown task."""
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
    remedy = f"Pass the number of channels of the predictions, for task={task!r}."
    return to_whole("num_classes", num_classes, least, MAX_CLASSES, remedy=remedy)


def check_background(include_background: bool, task: str) -> bool:
    """Return whether class 0 is averaged.

    Raises:
        ValueError: it is to be left out of a task that has no background class.
    """
    if not isinstance(include_background, bool):
        raise refusal(
            "include_background",
            expected="True or False",
            got=describe(include_background),
            remedy="Pass include_background=False to leave class 0 out of the averages.",
        )
    if not include_background and task != "multiclass":
        raise refusal(
            "include_background",
            expected=f"True for task={task!r}, whose classes have no background among them",
            got="False",
            remedy="Leave it out, or pass task='multiclass' for a softmax.",
        )
    return include_background


def to_tensor(name: str, value: Any) -> torch.Tensor:
    """Return a detached tensor, from a tensor, an array, or a list of either of equal shape.

    Raises:
        ValueError: it is none of these, it is empty, it has masked values, or the shapes differ.
    """
    if isinstance(value, (list, tuple)) and value and _is_array(value[0]):
        value = _stack(name, list(value))
    elif _is_array(value) and not isinstance(value, (torch.Tensor, np.ndarray)):
        value = np.asarray(value)  # Pillow
    if is_masked_array(value) and np.ma.is_masked(value):
        raise refusal(
            name,
            expected="an array without masked values",
            got=f"{describe(value)} with {int(np.ma.getmaskarray(value).sum()):,} masked",
            remedy=f"Pass {name}.filled(0). Pixels that are to enter no count are masked in the "
            f"targets: np.ma.masked_array(targets, {name}.mask).",
        )
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf" and value.itemsize <= 8:
        native = value.dtype.newbyteorder("=")
        value = torch.from_numpy(np.require(value, native, ["C_CONTIGUOUS", "WRITEABLE"]))
    if not isinstance(value, torch.Tensor):
        raise refusal(
            name,
            expected="a torch tensor, a numpy array of numbers, or a list of them",
            got=describe(value),
            remedy=_to_numbers(name, value),
        )
    if not is_dense(value):
        raise refusal(
            name,
            expected="a dense tensor",
            got=f"{describe(value)}, which is sparse, nested, quantized or on the meta device",
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


def as_tensor_call(name: str, value: Any) -> str:
    """Return how to write an argument, in a remedy, as a tensor."""
    return name if isinstance(value, torch.Tensor) else f"torch.as_tensor({name})"


def _is_array(value: Any) -> bool:
    known = isinstance(value, (torch.Tensor, np.ndarray))
    return known or hasattr(value, "__array_interface__")  # Pillow's, and numpy's scalars


def _to_numbers(name: str, value: Any) -> str:
    if isinstance(value, (str, bytes)):
        return f"Open a file first, such as {name} = PIL.Image.open({name})."
    if isinstance(value, np.ndarray) and value.dtype == object:
        return f"Stack arrays of one shape with numpy.stack({name}.tolist())."
    if isinstance(value, np.ndarray) and value.dtype.kind == "c":
        return f"If the real part is meant, pass {name}.real."
    return f"Convert numbers with torch.as_tensor({name})."


def _stack(name: str, items: list[Any]) -> torch.Tensor:
    tensors = [to_tensor(f"{name}[{i}]", item) for i, item in enumerate(items)]
    sizes = {tuple(t.shape) for t in tensors}
    if len(sizes) > 1:
        raise refusal(
            name,
            expected="arrays of one shape",
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
    scores_by: str | None = None,
) -> torch.Tensor:
    """Return predictions as probabilities, float32 (N, C, …, H, W), on their own device.

    They are cast to float32 first, whatever they were, and only then passed through a sigmoid
    (binary, multilabel) or a softmax over the channels (multiclass) if `from_logits`. Images have
    two spatial dimensions, volumes three.

    Args:
        preds: floating-point maps. binary: (H, W), (N, H, W) or (N, 1, …, H, W); multilabel and
            multiclass: (C, H, W) or (N, C, …, H, W). A logit of -inf is a probability of 0.
        task: "binary", "multilabel" or "multiclass".
        num_classes: C, for multilabel and multiclass; None takes the number of channels.
        from_logits: whether these are scores before the sigmoid or softmax; never guessed.
        name: what to call the argument in an error.
        scores_by: the argument by which the caller takes scores of any range, for the error.

    Raises:
        ValueError: wrong type or shape, a label map, values that are not finite, or more than
            0.001 outside [0, 1].

    Example:
        >>> to_probabilities(torch.randn(2, 4, 4), from_logits=True).shape
        torch.Size([2, 1, 4, 4])
    """
    maps = shape_maps(preds, task, num_classes, name)
    if not bool(maps_are_valid(maps, from_logits=from_logits)):
        maps = check_maps(name, maps, task, from_logits=from_logits, scores_by=scores_by)
    return activate(maps, task) if from_logits else maps


def shape_maps(preds: Any, task: Task, num_classes: int | None, name: str) -> torch.Tensor:
    """Return predictions as float32 (N, C, …, H, W), whatever their values.

    Raises:
        ValueError: wrong type or shape, or a label map.
    """
    refuse_unknown_task(task)
    tensor = to_tensor(name, preds)
    refuse_label_map(name, tensor)
    return _to_nchw(name, tensor, task, num_classes).to(torch.float32)


def maps_are_valid(
    maps: torch.Tensor, *, from_logits: bool, of_scores: bool = False
) -> torch.Tensor:
    """Return whether `check_maps` has nothing to do, as a bool on the device of the maps."""
    low, high = torch.aminmax(maps)  # NaN if any value is, and comparisons with it are False
    if of_scores:
        return (low > -torch.inf) & (high < torch.inf)
    return (low < 0) & (high < torch.inf) if from_logits else (low >= 0) & (high <= 1)


def check_maps(
    name: str,
    maps: torch.Tensor,
    task: Task,
    *,
    from_logits: bool,
    of_scores: bool = False,
    scores_by: str | None = None,
) -> torch.Tensor:
    """Return float32 maps: logits, scores of any range, or probabilities in [0, 1].

    Raises:
        ValueError: values that are not finite, or probabilities more than 0.001 outside [0, 1].
    """
    if of_scores:
        refuse_non_finite(name, maps)
        return maps
    if not from_logits:
        return to_unit_interval(name, maps, "from_logits=True", scores_by)
    refuse_non_finite(name, maps.masked_fill(maps == -torch.inf, 0))  # exp(-inf) is 0
    if task != "multiclass":
        _warn_without_negatives(name, maps)
    return maps


def activate(logits: torch.Tensor, task: Task) -> torch.Tensor:
    """Return the probabilities of float32 logits (N, C, …, H, W)."""
    if task != "multiclass":
        return logits.sigmoid()
    return logits.softmax(dim=1).nan_to_num_(0.0)  # NaN where all logits are -inf


def refuse_label_map(name: str, tensor: torch.Tensor) -> None:
    """Raise if a tensor is not of floating point, or not dense."""
    if tensor.is_floating_point() and is_dense(tensor):
        return
    most = {torch.uint8: 255, torch.uint16: 65535}.get(tensor.dtype)
    stored = most is not None and float(tensor.to(torch.float32).max()) > 1
    raise refusal(
        name,
        expected="floating-point probabilities or logits",
        got=describe(tensor),
        remedy=f"{_divided(name, most) if stored else ''}{LABEL_MAP}",
    )


def _divided(name: str, most: int | None) -> str:
    return f"For probabilities stored as 0 … {most} pass {name} / {most}. "


def to_unit_interval(
    name: str, maps: torch.Tensor, logits_by: str | None = None, scores_by: str | None = None
) -> torch.Tensor:
    """Return float32 probabilities in [0, 1]; what rounding put up to 0.001 outside is clamped.

    Args:
        name: what to call the argument in an error.
        maps: of any shape.
        logits_by: how the caller takes logits, for the error; None suggests a sigmoid.
        scores_by: how it takes scores of any range; None suggests to scale them.

    Raises:
        ValueError: values that are not finite, or further outside.

    Example:
        >>> to_unit_interval("probs", torch.tensor([0.25, 1.0]))
        tensor([0.2500, 1.0000])
    """
    if maps.numel() == 0:
        return maps
    if bool(maps_are_valid(maps, from_logits=False)):
        return maps
    refuse_non_finite(name, maps)
    low, high = torch.stack(torch.aminmax(maps)).tolist()
    if low >= -ROUNDING and high <= 1 + ROUNDING:
        warnings.warn(
            f"{name}: values up to {ROUNDING:g} outside [0, 1] are taken as rounding and clamped.",
            stacklevel=3,
        )
        return maps.clamp(0, 1)
    raise refusal(
        name,
        expected="probabilities in [0, 1]",
        got=f"values in [{low:.4g}, {high:.4g}]",
        remedy=_to_interval(name, maps, low, high, logits_by, scores_by),
    )


def _to_interval(
    name: str,
    maps: torch.Tensor,
    low: float,
    high: float,
    logits_by: str | None,
    scores_by: str | None,
) -> str:
    if low >= 0 and high <= 255 and bool((maps == maps.round()).all()):
        return f"{_divided(name, 255)}{LABEL_MAP}"
    sigmoid = f"{name}.sigmoid(), or {name}.softmax(dim) over several classes"
    logits = f"If these are logits, pass {logits_by or sigmoid}. " if low < 0 else ""
    width = (high - low) * (1 + 1e-6) or 1.0
    return (
        f"{logits}Scores of any range, such as anomaly scores or distances, are no probabilities: "
        f"pass {scores_by or f'({name} - {low:.9g}) / {width:.9g}'}."
    )


def _warn_without_negatives(name: str, logits: torch.Tensor) -> None:
    if not bool((logits < 0).any()):
        warnings.warn(
            f"{name}: from_logits=True, but no value is negative, so every probability is at least "
            "0.5. If these are probabilities, pass from_logits=False.",
            stacklevel=4,
        )


def _to_nchw(name: str, tensor: torch.Tensor, task: Task, num_classes: int | None) -> torch.Tensor:
    shaped = tensor
    if task == "binary" and tensor.ndim in (2, 3):
        shaped = tensor.reshape(-1, 1, *tensor.shape[-2:])
    elif task != "binary" and tensor.ndim == 3:
        shaped = tensor[None]
    if shaped.ndim < 4:
        raise refusal(
            name,
            expected=f"shape {SHAPES[task]} for task={task!r}",
            got=describe(tensor),
            remedy=_to_shape(name, tensor, task),
        )
    channels = 1 if task == "binary" else _channels(name, shaped, task, num_classes)
    if shaped.shape[1] != channels:
        raise refusal(
            name,
            expected=f"{channels} channel{'s' * (channels > 1)} in dimension 1 for task={task!r}",
            got=describe(tensor),
            remedy=_to_channels(name, shaped, task, channels),
        )
    return shaped


def _to_shape(name: str, tensor: torch.Tensor, task: Task) -> str:
    given = f"torch.as_tensor({name})"
    if tensor.ndim == 2:
        return "Pass task='binary' for a single map."
    row = f"{given}.reshape(1, -1)" if task == "binary" else f"{given}.reshape(-1, 1, 1)"
    return f"Give it the dimensions of an image: {row}."


def _channels(name: str, maps: torch.Tensor, task: Task, num_classes: int | None) -> int:
    count = maps.shape[1] if num_classes is None else num_classes
    if num_classes is None and count > MAX_CLASSES:
        raise refusal(
            name,
            expected=f"at most {MAX_CLASSES} classes",
            got=f"{count} channels",
            remedy=f"Keep those of interest: torch.as_tensor({name})[..., [3, 7], :, :] with "
            "task='multilabel'.",
        )
    return check_task(task, count)


def _to_channels(name: str, maps: torch.Tensor, task: Task, channels: int) -> str:
    if maps.shape[-1] == channels and maps.ndim >= 4:
        return f"Move the channels to dimension 1: torch.as_tensor({name}).movedim(-1, 1)."
    if task == "binary":
        return (
            "For several classes pass task='multilabel' or 'multiclass'; for volumes (N, D, H, W) "
            f"torch.as_tensor({name})[:, None]."
        )
    return f"Pass num_classes={maps.shape[1]}, the number of channels."
