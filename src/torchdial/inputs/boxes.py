"""Boxes: what a detector hands over, as float32 xyxy corners, float32 scores and int64 labels."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import torch

from torchdial.inputs.arguments import is_dense, one_of
from torchdial.inputs.errors import describe, refusal, refuse_non_finite

BoxFormat = Literal["xyxy", "xywh", "cxcywh"]

ALMOST = 1e-3  # a score this far outside [0, 1] is a rounding error, not a logit


class Boxes(NamedTuple):
    """The boxes of one image in canonical form, all on one device.

    Attributes:
        boxes: float32 (N, 4), corners x1, y1, x2, y2 with x1 ≤ x2 and y1 ≤ y2.
        scores: float32 (N,) in [0, 1].
        labels: int64 (N,).
    """

    boxes: torch.Tensor
    scores: torch.Tensor
    labels: torch.Tensor


def to_boxes(
    boxes: Any,
    scores: Any,
    labels: Any = None,
    box_format: BoxFormat = "xyxy",
    *,
    absolute: bool = True,
) -> Boxes:
    """Return the boxes of one image in canonical form, on the device of `boxes`.

    Numbers are cast to float32 first, whatever they were; only then are corners computed.

    Args:
        boxes: (N, 4) numbers in pixels: tensor, array or list.
        scores: (N,) floating-point numbers in [0, 1].
        labels: (N,) whole numbers; None makes all of them 0.
        box_format: "xyxy" (corners), "xywh" (upper left corner and size) or "cxcywh" (centre and
            size).
        absolute: whether to refuse boxes that look normalised; see `refuse_normalised`. For what
            does not depend on the scale.

    Raises:
        ValueError: wrong types or shapes, lengths that differ, values that are not finite, x2 < x1
            or y2 < y1, normalised boxes, scores outside [0, 1], or labels that are not whole.

    Example:
        >>> to_boxes([[10, 20, 5, 5]], [0.9], box_format="xywh").boxes
        tensor([[10., 20., 15., 25.]])
    """
    given = _to_numbers("boxes", boxes, "(N, 4)")
    corners = _to_corners(given, box_format)
    _refuse_negative_sizes(corners, box_format)
    if absolute:
        refuse_normalised(corners)
    count, device = len(corners), corners.device
    if labels is None:
        labels = torch.zeros(count, dtype=torch.int64)
    return Boxes(
        corners, _to_scores(scores, count).to(device), _to_labels(labels, count).to(device)
    )


def refuse_unknown_format(box_format: str) -> None:
    """Raise ValueError for a format of boxes that there is none."""
    remedy = "xyxy: corners; xywh: upper left corner and size; cxcywh: centre and size."
    one_of("box_format", box_format, get_args(BoxFormat), remedy)


def refuse_normalised(boxes: torch.Tensor, name: str = "boxes") -> None:
    """Raise if boxes look as if they were given as fractions of the image.

    They do if no coordinate lies outside [-0.5, 1.5] and at least one box has an area: no object
    of a scene is that small, and padding with zeros is no box. One real image may yet hold nothing
    but a speck in its corner, so show this the boxes of all images at once where there are more.

    Args:
        boxes: float32 (N, 4) xyxy.
        name: what to call the argument in an error.

    Raises:
        ValueError: they look normalised.

    Example:
        >>> refuse_normalised(torch.tensor([[0.0, 0.0, 640.0, 480.0]]))
    """
    if len(boxes) == 0:
        return
    low, high = (float(v) for v in torch.aminmax(boxes))
    has_area = ((boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])).any()
    if low < -0.5 or high > 1.5 or not bool(has_area):
        return
    raise refusal(
        name,
        expected="absolute coordinates, in pixels",
        got=f"only values in [{low:.4g}, {high:.4g}], which look normalised",
        remedy="Multiply x by the width of the image and y by its height.",
    )


def _to_numbers(name: str, value: Any, shape: str) -> torch.Tensor:
    """Return a detached tensor of `shape`, "(N, 4)" or "(N,)"; an empty list will do for both."""
    width = 4 if shape == "(N, 4)" else None
    try:
        if isinstance(value, np.ndarray):
            native = value.dtype.newbyteorder("=")
            value = np.require(value, native, ["C_CONTIGUOUS", "WRITEABLE"])
        tensor = torch.as_tensor(value).detach()
    except (TypeError, ValueError, RuntimeError):
        tensor = None
    if tensor is not None and not is_dense(tensor):
        tensor = None
    if tensor is not None and width and tensor.shape == (0,):
        tensor = tensor.reshape(0, 4)
    fits = tensor is not None and tensor.shape[1:] == ((width,) if width else ())
    if tensor is None or not fits or tensor.ndim == 0 or tensor.is_complex():
        raise refusal(
            name,
            expected=f"numbers of shape {shape}",
            got=describe(value),
            remedy="Pass one image at a time, as a tensor, an array or a list of numbers.",
        )
    return tensor


def _to_corners(given: torch.Tensor, box_format: str) -> torch.Tensor:
    refuse_unknown_format(box_format)
    numbers = given.to(torch.float32)
    refuse_non_finite("boxes", numbers)
    if box_format == "xyxy":
        return numbers
    place, size = numbers[:, :2], numbers[:, 2:]
    start = place if box_format == "xywh" else place - size / 2
    end = place + (size if box_format == "xywh" else size / 2)
    return torch.cat([start, end], dim=1)


def _refuse_negative_sizes(corners: torch.Tensor, box_format: str) -> None:
    bad = (corners[:, 2:] < corners[:, :2]).any(dim=1).nonzero().squeeze(1)
    if len(bad) == 0:
        return
    first = int(bad[0])
    numbers = ", ".join(f"{v:g}" for v in corners[first].tolist())
    raise refusal(
        "boxes",
        expected="x1 ≤ x2 and y1 ≤ y2",
        got=f"{len(bad):,} of {len(corners):,} boxes the other way round, the first at index "
        f"{first} with corners ({numbers})",
        remedy=f"They were read as box_format={box_format!r}: pass another one of "
        f"{', '.join(get_args(BoxFormat))} if they are not.",
    )


def _to_scores(scores: Any, count: int) -> torch.Tensor:
    given = _to_numbers("scores", scores, "(N,)")
    _refuse_other_length("scores", given, count)
    if count and not given.is_floating_point():
        raise refusal(
            "scores",
            expected="floating-point numbers",
            got=describe(given),
            remedy="Whole numbers look like labels: the order is boxes, scores, labels.",
        )
    canonical = given.to(torch.float32)
    refuse_non_finite("scores", canonical)
    if count:
        _refuse_outside_unit(canonical)
    return canonical


def _refuse_outside_unit(scores: torch.Tensor) -> None:
    low, high = (float(v) for v in torch.aminmax(scores))
    if low >= 0 and high <= 1:
        return
    if low >= -ALMOST and high <= 1 + ALMOST:
        remedy = "Rounding has carried them over the edge: pass scores.clamp(0, 1)."
    elif low >= 0 and 1.5 < high <= 100:
        remedy = "If these are logits, pass scores.sigmoid(); if they are per cent, divide by 100."
    else:
        remedy = "They look like logits: pass scores.sigmoid(), or the softmax over the classes."
    raise refusal(
        "scores",
        expected="scores in [0, 1]",
        got=f"values in [{low:.6g}, {high:.6g}]",
        remedy=remedy,
    )


def _to_labels(labels: Any, count: int) -> torch.Tensor:
    given = _to_numbers("labels", labels, "(N,)")
    _refuse_other_length("labels", given, count)
    whole = given.to(torch.int64)
    if given.is_floating_point() and bool((given != whole).any()):  # NaN differs too
        bad = given[given != whole]
        raise refusal(
            "labels",
            expected="whole numbers",
            got=f"also {bad[:5].tolist()} at {len(bad):,} of {count:,} boxes",
            remedy="Pass the index of each box's class; the order is boxes, scores, labels.",
        )
    return whole


def _refuse_other_length(name: str, tensor: torch.Tensor, count: int) -> None:
    if len(tensor) == count:
        return
    raise refusal(
        name,
        expected=f"one for each of the {count:,} boxes",
        got=f"{len(tensor):,}",
        remedy="Filter boxes, scores and labels with the same mask.",
    )
