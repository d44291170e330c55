"""Boxes of one image: float32 xyxy corners, float32 scores and int64 labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import torch

from torchdial.inputs.arguments import is_dense, one_of
from torchdial.inputs.device_copies import copy_together
from torchdial.inputs.errors import describe, refusal, refuse_non_finite

BoxFormat = Literal["xyxy", "xywh", "cxcywh"]

SCORE_ROUNDING = 1e-3  # a score this far outside [0, 1] is a rounding error, not a logit


class Boxes(NamedTuple):
    """The boxes of one image in canonical form, in host memory, where NMS and matching run.

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
    box_format: BoxFormat | None = None,
    *,
    absolute: bool = True,
) -> Boxes:
    """Return the boxes of one image in canonical form, in host memory.

    Numbers are cast to float32 first, whatever their type; only then are corners computed.

    Args:
        boxes: (N, 4) numbers in pixels: tensor, array or list.
        scores: (N,) floating-point numbers in [0, 1].
        labels: (N,) whole numbers; None makes all of them 0.
        box_format: "xyxy" (corners), "xywh" (upper left corner and size) or "cxcywh" (centre and
            size). None takes the format that the boxes carry, as
            `torchvision.tv_tensors.BoundingBoxes` do, and xyxy for others.
        absolute: whether to refuse boxes that look normalised; see `looks_normalised`. Pass False
            where the result does not depend on the scale.

    Raises:
        ValueError: wrong types or shapes, lengths that differ, a `box_format` that contradicts the
            boxes' own, values that are not finite, x2 < x1 or y2 < y1, normalised boxes, scores
            outside [0, 1], or labels that are not whole numbers.

    Example:
        >>> to_boxes([[10, 20, 5, 5]], [0.9], box_format="xywh").boxes
        tensor([[10., 20., 15., 25.]])
    """
    found, _ = boxes_above(boxes, scores, labels, box_format)
    if absolute:
        refuse_normalised(found.boxes)
    return found


def boxes_above(
    boxes: Any,
    scores: Any,
    labels: Any = None,
    box_format: BoxFormat | None = None,
    *,
    score_floor: float = 0.0,
    ids: Mapping[str, int] | None = None,
) -> tuple[Boxes, torch.Tensor]:
    """Return boxes with a score above a floor in canonical form, and their indices.

    Coordinates of the boxes that are left out may be anything, NaN included.

    Args:
        boxes: as for `to_boxes`.
        scores: as for `to_boxes`.
        labels: as for `to_boxes`, or names of classes.
        box_format: as for `to_boxes`.
        score_floor: boxes with a score of at most this are left out; 0 keeps all.
        ids: the label of each class name, for labels that are names.

    Returns:
        The boxes, and int64 indices into what was given.

    Raises:
        ValueError: as `to_boxes`; normalised boxes are returned.
    """
    box_format = format_of(boxes, box_format)
    given = _to_numbers("boxes", boxes, "(N, 4)")
    labels = torch.zeros(len(given)) if labels is None else _to_ids(labels, ids)
    scores, labels = _to_numbers("scores", scores, "(N,)"), _to_numbers("labels", labels, "(N,)")
    given, scores, labels = copy_together("cpu", given, scores, labels)
    canonical = _to_scores(scores, len(given))
    whole = _to_labels(labels, len(given))
    above = torch.ones_like(canonical, dtype=torch.bool)
    if score_floor > 0:
        above = canonical > score_floor
        given = torch.where(above[:, None], given, torch.zeros_like(given))
    corners = _to_corners(given, box_format, canonical)
    index = above.nonzero().squeeze(1)
    return Boxes(corners[index], canonical[index], whole[index]), index


def device_of(boxes: Any) -> torch.device:
    """Return the device of boxes, the CPU for what is no tensor."""
    held = array_in(boxes)
    return held.device if isinstance(held, torch.Tensor) else torch.device("cpu")


def refuse_unknown_format(box_format: str | None) -> None:
    """Raise ValueError for an unknown format of boxes."""
    remedy = "xyxy: corners; xywh: upper left corner and size; cxcywh: centre and size."
    if box_format is not None:
        one_of("box_format", box_format, get_args(BoxFormat), remedy)


def format_of(boxes: Any, box_format: BoxFormat | None) -> BoxFormat:
    """Return the format of boxes: what they carry, or else what is given, or else xyxy.

    Args:
        boxes: any; `torchvision.tv_tensors.BoundingBoxes` carry their `format`.
        box_format: the argument, None if it was not given.

    Raises:
        ValueError: an unknown format, one that contradicts the boxes' own, or rotated boxes.

    Example:
        >>> format_of([[10, 20, 5, 5]], "xywh")
        'xywh'
    """
    refuse_unknown_format(box_format)
    carried = getattr(boxes, "format", None)
    own = str(getattr(carried, "name", carried)).lower()
    if carried is None or callable(carried):
        return box_format or "xyxy"
    if own not in get_args(BoxFormat):
        raise refusal(
            "boxes",
            expected=f"boxes along the axes, with the format {' | '.join(get_args(BoxFormat))}",
            got=f"the format {own}",
            remedy="Rotated boxes cannot be shown. For the boxes around them convert to xyxyxyxy; "
            "then c = boxes.as_subclass(torch.Tensor).view(-1, 4, 2) and "
            "torch.cat([c.amin(1), c.amax(1)], 1).",
        )
    if box_format not in (None, own):
        raise refusal(
            "box_format",
            expected=f"{own!r}, the format that the boxes carry",
            got=repr(box_format),
            remedy="Leave box_format out: boxes are read by the format they carry, others as xyxy.",
        )
    return own  # type: ignore[return-value]


def looks_normalised(boxes: torch.Tensor) -> bool:
    """Return whether boxes look as if they were given as fractions of the image.

    They do if no coordinate lies outside [-0.5, 1.5] and at least one box has an area: no object
    of a scene is that small, and padding with zeros is no box. One real image may still hold
    nothing but a speck in its corner, so pass the boxes of all images at once where there are more.

    Args:
        boxes: float32 (N, 4) xyxy.

    Example:
        >>> looks_normalised(torch.tensor([[0.0, 0.0, 640.0, 480.0]]))
        False
    """
    if len(boxes) == 0:
        return False
    low, high = (float(v) for v in torch.aminmax(boxes))
    has_area = ((boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])).any()
    return low >= -0.5 and high <= 1.5 and bool(has_area)


def refuse_normalised(boxes: torch.Tensor, name: str = "boxes") -> None:
    """Raise ValueError if boxes look normalised; see `looks_normalised`."""
    if not looks_normalised(boxes):
        return
    low, high = (float(v) for v in torch.aminmax(boxes))
    raise refusal(
        name,
        expected="absolute coordinates, in pixels",
        got=f"only values in [{low:.4g}, {high:.4g}], which look normalised",
        remedy="Multiply x and widths by the width of the image, y and heights by its height.",
    )


def array_in(value: Any) -> Any:
    """Return the array that a library's own class of boxes or masks holds; other values as is.

    detectron2 and mmdetection hold it as `tensor`, Ultralytics as `data`, mmdetection's masks as
    `masks`. An array of objects becomes one of numbers, if its objects are any.
    """
    if isinstance(value, np.ndarray) and value.dtype == object:
        try:
            return np.array(value.tolist())
        except ValueError:  # of different lengths
            return value
    if isinstance(value, (torch.Tensor, np.ndarray, list, tuple)):
        return value
    held = (getattr(value, name, None) for name in ("tensor", "data", "masks"))
    return next((v for v in held if isinstance(v, (torch.Tensor, np.ndarray))), value)


def _to_ids(labels: Any, ids: Mapping[str, int] | None) -> Any:
    """Return the labels of class names; other labels as they are."""
    is_array = isinstance(labels, np.ndarray) and labels.ndim == 1 and labels.dtype.kind in "OUT"
    names = list(labels) if is_array or isinstance(labels, (list, tuple)) else []
    if not any(isinstance(name, str) for name in names):
        return labels
    known = ids or {}
    unknown = [name for name in names if name not in known]
    if not unknown:
        return [known[name] for name in names]
    raise refusal(
        "labels",
        expected="whole numbers" if ids is None else f"names of {list(ids)[:8]}",
        got=f"names such as {unknown[0]!r}",
        remedy="Pass class_names= with a name for each label, or the labels themselves: "
        "[class_names.index(name) for name in labels].",
    )


def _to_numbers(name: str, value: Any, shape: str) -> torch.Tensor:
    """Return a detached plain tensor of `shape`, "(N, 4)" or "(N,)"; an empty list fits both."""
    width = 4 if shape == "(N, 4)" else None
    try:
        value = array_in(value)
        if isinstance(value, np.ndarray):
            native = value.dtype.newbyteorder("=")
            value = np.require(value, native, ["C_CONTIGUOUS", "WRITEABLE"])
        tensor = torch.as_tensor(value).detach().as_subclass(torch.Tensor)
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
            remedy="Pass one image at a time, as a tensor, an array or a list of numbers; for a "
            "batch list(zip(boxes, scores, labels)).",
        )
    return tensor


def _to_corners(given: torch.Tensor, box_format: str, scores: torch.Tensor) -> torch.Tensor:
    numbers = given.to(torch.float32)
    infinite = ~torch.isfinite(numbers).all(dim=1)
    remedy = "Look for a division by zero or an overflow in float16"
    _refuse_rows(infinite, "finite values", "not finite", numbers, scores, remedy)
    if box_format == "xyxy":
        corners = numbers
    else:
        place, size = numbers[:, :2], numbers[:, 2:]
        start = place if box_format == "xywh" else place - size / 2
        end = place + (size if box_format == "xywh" else size / 2)
        corners = torch.cat([start, end], dim=1)
    inverted = (corners[:, 2:] < corners[:, :2]).any(dim=1)
    problem = f"the other way round, read as box_format={box_format!r}"
    remedy = f"Pass another box_format ({', '.join(get_args(BoxFormat))}) if they have one"
    _refuse_rows(inverted, "x1 ≤ x2 and y1 ≤ y2", problem, corners, scores, remedy)
    return corners


def _refuse_rows(
    bad: torch.Tensor,
    expected: str,
    problem: str,
    boxes: torch.Tensor,
    scores: torch.Tensor,
    remedy: str,
) -> None:
    if not bool(bad.any()):
        return
    first = int(bad.nonzero()[0])
    numbers = ", ".join(f"{v:g}" for v in boxes[first].tolist())
    highest = float(scores[bad].max())
    others = f"only scores > {highest:.9g} (score_floor={highest:.9g} in a preview)"
    raise refusal(
        "boxes",
        expected=expected,
        got=f"{int(bad.sum()):,} of {len(bad):,} boxes {problem}, the first at index {first}: "
        f"({numbers})",
        remedy=f"{remedy}, or leave them out: keep {others if highest < 1 else 'the others'}.",
    )


def _to_scores(given: torch.Tensor, count: int) -> torch.Tensor:
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
    if low >= -SCORE_ROUNDING and high <= 1 + SCORE_ROUNDING:
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


def _to_labels(given: torch.Tensor, count: int) -> torch.Tensor:
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
