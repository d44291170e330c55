"""The setting of the detection dials, applied to boxes: one function for production."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral
from typing import Any

import torch

from torchdial.inputs.arguments import to_own_thresholds
from torchdial.inputs.boxes.boxes import Boxes, device_of, to_boxes
from torchdial.inputs.device_copies import copy_together
from torchdial.inputs.errors import describe, refusal
from torchdial.inputs.numbers import to_fraction, to_number, to_whole
from torchdial.inputs.stops import Stops
from torchdial.sweeps.boxes.nms import kept_at

IOU_REMEDY = "0 keeps no two boxes that overlap, 1 keeps all."
THRESHOLD_REMEDY = "Scores lie in [0, 1], and a box is kept if its score is above the threshold."

LabelThresholds = Mapping[int, float] | Sequence[float | None] | None


def detect(
    boxes: Any,
    scores: Any,
    labels: Any = None,
    *,
    score_threshold: float,
    nms_iou: float,
    class_thresholds: LabelThresholds = None,
    class_agnostic: bool = False,
    max_det: int = 300,
) -> dict[str, torch.Tensor]:
    """Return the detections of one image, by the rule of the dials.

    In this order: greedy NMS as in `nms_sweep`, at any IoU; the boxes whose score is above the
    threshold of their class; of these the `max_det` highest scores, ties in the order given. Scores
    and their thresholds are compared in float32, an IoU in float32 with `nms_iou` in float64, as
    in `torchvision.ops.nms` on the CPU.

    Args:
        boxes: (N, 4) corners x1, y1, x2, y2, in pixels or any other unit.
        scores: (N,) floating-point numbers in [0, 1].
        labels: (N,) whole numbers; None makes all boxes one class.
        score_threshold: a box needs a higher score than this.
        nms_iou: in [0, 1], the most that two boxes may overlap for both to be kept.
        class_thresholds: thresholds of single classes, in place of `score_threshold`: a dict by
            label, or a list whose index is the label, with None for a class without one.
        class_agnostic: whether boxes of different classes suppress each other.
        max_det: the most detections of one image.

    Returns:
        "boxes" float32 (M, 4), "scores" float32 (M,), "labels" int64 (M,) and "indices" int64 (M,)
        into what was given, in descending score, on the device of `boxes`.

    Raises:
        ValueError: boxes, scores or labels that `to_boxes` refuses, or a setting out of its range.

    Example:
        >>> boxes = torch.tensor([[0, 0, 10, 10], [0, 0, 10, 8], [40, 0, 50, 10]])
        >>> scores = torch.tensor([0.7, 0.9, 0.2])
        >>> detect(boxes, scores, score_threshold=0.1, nms_iou=0.5)["indices"]
        tensor([1, 2])
    """
    found = to_boxes(boxes, scores, labels, absolute=False)
    default = to_number("score_threshold", score_threshold, remedy=THRESHOLD_REMEDY)
    own = _to_own(class_thresholds)
    stops = Stops((to_fraction("nms_iou", nms_iou, IOU_REMEDY),))
    limits = _limits(found, default, own)
    possible = found.scores > min([default, *own.values()])  # others suppress none of these
    indices = possible.nonzero().squeeze(1)
    candidates = Boxes(*(part[indices] for part in found))
    kept = kept_at(candidates, stops, class_agnostic=class_agnostic)[:, 0]
    kept &= candidates.scores > limits[indices]
    indices = indices[kept]
    order = found.scores[indices].sort(descending=True, stable=True).indices
    most = to_whole("max_det", max_det, 1, remedy="Pass a large one to keep all detections.")
    indices = indices[order[:most]]
    kept_boxes = (*(part[indices] for part in found), indices)
    names = ("boxes", "scores", "labels", "indices")
    return dict(zip(names, copy_together(device_of(boxes), *kept_boxes), strict=True))


def _limits(found: Boxes, default: float, own: dict[int, float]) -> torch.Tensor:
    """Return the threshold of each box, float32 (N,)."""
    limits = torch.full_like(found.scores, default)
    for label, threshold in own.items():
        limits[found.labels == label] = threshold
    return limits


def _to_own(given: LabelThresholds) -> dict[int, float]:
    if given is None:
        return {}
    items: Iterable[tuple[Any, Any]] = (
        given.items() if isinstance(given, Mapping) else enumerate(to_own_thresholds(given))
    )
    return {
        _label(label): to_number(f"class_thresholds[{label!r}]", value, remedy=THRESHOLD_REMEDY)
        for label, value in items
        if value is not None
    }


def _label(value: Any) -> int:
    if isinstance(value, Integral):
        return int(value)
    raise refusal(
        "class_thresholds",
        expected="labels as keys",
        got=describe(value),
        remedy="A label is the index of a class; only previews take names of classes.",
    )
