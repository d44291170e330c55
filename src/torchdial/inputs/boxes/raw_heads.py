"""The raw output of a YOLO head: which numbers of each box are its place, classes and mask."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch

from torchdial.inputs.boxes.boxes import BoxFormat
from torchdial.inputs.boxes.detection_fields import as_tensor
from torchdial.inputs.boxes.lazy_masks import PrototypeMasks
from torchdial.inputs.errors import describe, refusal


class HeadBoxes(NamedTuple):
    """What a head gives for one image.

    Attributes:
        boxes: (N, 4).
        scores: (N,), of the best class.
        labels: (N,).
        masks: of a -seg head, or None.
        box_format: of the boxes.
        after_nms: whether the head has chosen among boxes that overlap.
    """

    boxes: torch.Tensor
    scores: torch.Tensor
    labels: torch.Tensor
    masks: PrototypeMasks | None = None
    box_format: BoxFormat = "cxcywh"
    after_nms: bool = False


class RawHead(NamedTuple):
    """What a YOLO model returns.

    Attributes:
        head: float (B, C, N) or (B, N, C).
        maps: 4-dimensional tensors beside it, such as feature maps and prototypes (B, M, h, w).
        path: where the head is in what was returned, `out`.
    """

    head: torch.Tensor
    maps: list[torch.Tensor]
    path: str


def head_in(given: Any) -> RawHead | None:
    """Return the head in what a YOLO model returns; None if there is none.

    Ultralytics' and YOLOv5's models return it alone or first in nested tuples, with feature maps,
    prototypes of masks, lists or dicts of them after it.

    Example:
        >>> head_in((torch.zeros(1, 84, 99), [torch.zeros(1, 144, 8, 8)])).path
        'out[0]'
    """
    first: Any = given
    rest: list[Any] = []
    path = "out"
    while isinstance(first, (tuple, list)) and len(first) > 0:
        first, rest, path = first[0], [*first[1:], *rest], f"{path}[0]"
    if getattr(first, "ndim", None) != 3 or any(getattr(part, "ndim", 4) != 4 for part in rest):
        return None
    inside = [p for part in rest for p in (part if isinstance(part, (tuple, list)) else [part])]
    maps = [as_tensor("detections", p) for p in inside if getattr(p, "ndim", None) == 4]
    return RawHead(as_tensor("detections", first), maps, path)


def has_chosen_boxes(head: torch.Tensor) -> bool:
    """Return whether rows are x1, y1, x2, y2, score, class, …: the best of a head without NMS.

    Such a head returns the highest scores in descending order, and whole numbers as classes.

    Example:
        >>> has_chosen_boxes(torch.tensor([[[0, 0, 9, 9, 0.9, 2], [5, 5, 9, 9, 0.4, 0]]]))
        True
    """
    _, count, width = head.shape
    if width < 6 or count == 0 or (width > 6 and width >= count):
        return False
    scores, labels = head[..., 4], head[..., 5]
    in_order = (scores[:, 1:] <= scores[:, :-1]).all() & (scores >= 0).all() & (scores <= 1).all()
    return bool(in_order & (labels == labels.round()).all())


def read_head(given: RawHead, num_classes: int | None) -> list[HeadBoxes]:
    """Return the boxes of each image.

    These layouts are read: (B, 4 + C, N) of Ultralytics, cxcywh and C class scores for each box,
    and the same with a mask coefficient for each prototype after them; (B, N, 4 + C), the same
    transposed; (B, N, 5 + C) of YOLOv5, where an objectness comes before the class scores, by
    which they are multiplied; and (B, N, 6), rows of x1, y1, x2, y2, score, class.

    Args:
        given: see `head_in`.
        num_classes: C. Without it layouts cannot be told apart.

    Raises:
        ValueError: another layout, or `num_classes` is missing.
    """
    head, maps, path = given
    _, channels, last = head.shape
    if num_classes is not None and channels == 4 + num_classes:
        return _best_classes(head.mT, num_classes)
    if has_chosen_boxes(head):
        return _chosen_boxes(head, path)
    if num_classes is None:
        raise refusal(
            "detections",
            expected="class_names= or num_classes= with the raw output of a head",
            got=f"{describe(head)}, in which class scores cannot be told from the angle of a "
            "rotated box, from mask coefficients or keypoints, nor (B, 4 + C, N) from YOLOv5's "
            "(B, N, 5 + C)",
            remedy="Pass class_names=model.names in a preview, else num_classes=len(model.names).",
        )
    spare = channels - 4 - num_classes
    prototypes = [p for p in maps if spare > 1 and p.shape[1] == spare]
    if prototypes:
        return _best_classes(head.mT, num_classes, prototypes[0])
    if last == 4 + num_classes:
        return _best_classes(head, num_classes)
    if last != 5 + num_classes:
        raise _unknown_layout(head, path, num_classes)
    scores = head[..., 5:] * head[..., 4:5]
    return _best_classes(torch.cat([head[..., :4], scores], dim=2), num_classes)


def _best_classes(
    head: torch.Tensor, num_classes: int, prototypes: torch.Tensor | None = None
) -> list[HeadBoxes]:
    """Return boxes and their best classes, of a head (B, N, 4 + C + M)."""
    best = head[..., 4 : 4 + num_classes].to(torch.float32).max(dim=2)
    found = []
    for i, rows in enumerate(head):
        masks = None
        if prototypes is not None:
            masks = PrototypeMasks(rows[:, 4 + num_classes :], prototypes[i])
        found.append(HeadBoxes(rows[:, :4], best.values[i], best.indices[i], masks))
    return found


def _chosen_boxes(head: torch.Tensor, path: str) -> list[HeadBoxes]:
    width = head.shape[2]
    if width == 6:
        return [
            HeadBoxes(rows[:, :4], rows[:, 4], rows[:, 5], box_format="xyxy", after_nms=True)
            for rows in head
        ]
    if width == 7:
        raise refusal(
            "detections",
            expected="boxes along the axes",
            got=f"{describe(head)}, rows of cx, cy, width, height, score, class, angle",
            remedy=ROTATED,
        )
    raise refusal(
        "detections",
        expected="rows of x1, y1, x2, y2, score, class",
        got=f"{describe(head)}, with {width - 6} numbers more in each row: mask coefficients or "
        "keypoints",
        remedy=_cut(f"{path}[..., :6]"),
    )


ROTATED = (
    "Rotated boxes cannot be shown. For the boxes around them pass [(r.obb.xyxy, r.obb.conf, "
    "r.obb.cls) for r in model.predict(images)]."
)


def _cut(head: str) -> str:
    return f"Leave them out: pass {head}, or output=lambda out: {head} in from_model."


def _unknown_layout(head: torch.Tensor, path: str, num_classes: int) -> ValueError:
    _, channels, last = head.shape
    width, rows = min((channels, ":"), (last, "..."))
    spare = width - 4 - num_classes
    if spare == 1:
        got, remedy = "one number more for each box: the angle of rotated boxes (-obb)", ROTATED
    elif spare > 1:
        got = f"{spare} numbers more for each box: mask coefficients (-seg) or keypoints (-pose)"
        remedy = _cut(f"{path}[{rows}, :{4 + num_classes}]")
    elif width < 5:
        got, remedy = "no class scores", "Pass boxes and class scores of the head as one tensor."
    else:
        got = f"scores of {width - 4} classes"
        remedy = f"Pass the head with num_classes={width - 4}, or class_names of as many."
    return refusal(
        "detections",
        expected=f"a raw head of shape (B, 4 + {num_classes}, N), or YOLOv5's (B, N, 5 + "
        f"{num_classes})",
        got=f"{describe(head)}, with {got}",
        remedy=remedy,
    )
