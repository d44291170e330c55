"""The detection sweep: every position of the score dial and the NMS dial, batch by batch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import torch

from torchdial.deprecation import renamed_arguments
from torchdial.inputs.boxes.boxes import (
    Boxes,
    BoxFormat,
    looks_normalised,
    refuse_normalised,
    refuse_unknown_format,
)
from torchdial.inputs.boxes.class_names import MAX_LABEL
from torchdial.inputs.boxes.detection_fields import all_boxes, check_images, is_coco_list
from torchdial.inputs.boxes.detection_targets import Annotations, to_annotations
from torchdial.inputs.boxes.detections import Detections, to_detections
from torchdial.inputs.errors import describe, refusal
from torchdial.inputs.numbers import to_float, to_number, to_whole
from torchdial.inputs.stops import Stops, to_stops
from torchdial.sweeps.boxes.detection_curves import DetectionCurves
from torchdial.sweeps.boxes.detection_settings import DetectionSettings
from torchdial.sweeps.boxes.detection_tally import DetectionTally, tally_image
from torchdial.sweeps.boxes.nms import kept_at

MAX_DET_REMEDY = "300 boxes an image is the default of Ultralytics."


class DetectionSweep:
    """Finds true and false positives at every score threshold and NMS IoU, over any batches.

    Detections are candidates from before NMS. NMS and matching run on the CPU. Of each image it
    keeps, on the CPU, scores, labels, areas, where NMS keeps what, and the overlaps
    that are large enough to match: with 101 stops 29 bytes a detection, 14 a target and 16 an
    overlap, about 25 MB for 5,000 images of 100 detections. No boxes and no pictures.

    Args:
        num_classes: labels are 0 … C - 1; None takes one more than the highest label.
        nms_ious: stops of the NMS dial: a count of evenly spaced ones over [0, 1], or at
            most 255 increasing ones.
        match_iou: the IoU with a target that counts as found, in (0, 1].
        class_agnostic: whether boxes of different classes suppress each other.
        max_det: at most this many boxes an image, those with the highest scores, last of all.
            Governs precision, recall and F1; AP has COCO's own rule.
        score_thresholds: stops of the score dial at which curves are drawn. The dial itself is
            continuous: `DetectionCurves.at` is exact between them.
        box_format: "xyxy", "xywh" or "cxcywh" of boxes in dicts and tuples; None takes the format
            that boxes carry (`torchvision.tv_tensors`), else xyxy.
        zero_division: F1 where there is neither a detection nor a target.

    Raises:
        ValueError: a number out of range, or wrong stops.

    Example:
        >>> sweep = DetectionSweep(num_classes=2)
        >>> boxes = torch.tensor([[0.0, 0.0, 10.0, 10.0], [0.0, 0.0, 10.0, 8.0]])
        >>> found = {"boxes": boxes, "scores": torch.tensor([0.9, 0.6]), "labels": [1, 1]}
        >>> sweep.update([found], [{"boxes": boxes[:1], "labels": [1]}])
        >>> sweep.compute().best("f1")
        BestPoint(score_threshold=0.44, nms_iou=0.4, value=1.0)
    """

    @renamed_arguments(iou_thresholds="nms_ious")
    def __init__(
        self,
        *,
        num_classes: int | None = None,
        nms_ious: int | Sequence[float] | torch.Tensor | Stops = 101,
        match_iou: float = 0.5,
        class_agnostic: bool = False,
        max_det: int = 300,
        score_thresholds: int | Sequence[float] | torch.Tensor | Stops = 101,
        box_format: BoxFormat | None = None,
        zero_division: float = 1.0,
    ) -> None:
        refuse_unknown_format(box_format)
        self.settings = DetectionSettings(
            num_classes=None if num_classes is None else _num_classes(num_classes),
            nms=to_stops(nms_ious, name="nms_ious"),
            scores=to_stops(score_thresholds, name="score_thresholds"),
            match_iou=_match_iou(match_iou),
            class_agnostic=class_agnostic,
            max_det=to_whole("max_det", max_det, 1, remedy=MAX_DET_REMEDY),
            zero_division=_zero_division(zero_division),
        )
        self.box_format = box_format
        self._tallies: list[DetectionTally] = []

    @renamed_arguments(detections="preds", targets="target")
    def update(self, preds: Any, target: Any) -> None:
        """Count one batch.

        Boxes may be normalised, those of detections and targets alike: IoUs are the same. Areas
        then are fractions of the image, so that AP of small, medium and large boxes has no meaning.

        Args:
            preds: for each image, torchvision's dict of boxes (N, 4), scores (N,) and labels
                (N,); or another kind that `torchdial.inputs.to_detections` takes.
            target: for each image, torchvision's dict of boxes (G, 4), labels (G,) and perhaps
                iscrowd (G,) and area (G,); or another kind that `torchdial.inputs.to_annotations`
                takes.

        Raises:
            ValueError: the batch is refused as a whole; what was counted before is kept.
        """
        self._tallies.extend(tally_batch(preds, target, self.settings, self.box_format))

    def merge(self, other: DetectionSweep) -> None:
        """Add what another sweep of the same settings has counted, its images after these.

        Raises:
            ValueError: the settings differ.
        """
        for field in fields(self.settings):
            ours, theirs = (getattr(s.settings, field.name) for s in (self, other))
            if ours != theirs and repr(ours) != repr(theirs):  # NaN is not NaN
                raise refusal(
                    "merge",
                    expected=f"a sweep with {field.name}={ours!r:.60}",
                    got=f"{theirs!r:.60}",
                    remedy="Make both sweeps with the same arguments.",
                )
        self._tallies.extend(list(other._tallies))

    def tally(self) -> DetectionTally:
        """Return what is kept of the images so far.

        Raises:
            ValueError: nothing has been counted yet.
        """
        if not self._tallies:
            raise ValueError("compute: expected at least one update, got none. Call update first.")
        self._tallies = [DetectionTally.cat(self._tallies)]
        return self._tallies[0]

    def compute(self) -> DetectionCurves:
        """Return the curves over everything counted so far, on the CPU.

        Raises:
            ValueError: nothing has been counted yet.
        """
        return DetectionCurves(self.tally(), self.settings)


def tally_batch(
    detections: Any,
    targets: Any,
    settings: DetectionSettings,
    box_format: BoxFormat | None = None,
) -> list[DetectionTally]:
    """Validate one batch and decide it; see `DetectionSweep.update`."""
    num_classes = settings.num_classes or MAX_LABEL + 1
    true = to_annotations(targets, box_format=box_format, num_classes=num_classes, absolute=False)
    ids = [image.image_id for image in true if image.image_id is not None]
    found = to_detections(
        detections,
        box_format=box_format,
        num_classes=settings.num_classes,
        image_ids=ids if is_coco_list(detections) else None,
        absolute=False,
    )
    check_images("detections", found, None, num_classes, absolute=False)
    _refuse_two_scales(found, true)
    if len(found) != len(true):
        raise refusal(
            "targets",
            expected=f"one for each of {len(found)} images",
            got=f"{len(true)}",
            remedy="Pass an image without targets as one with no boxes.",
        )
    parts = []
    for image, target in zip(found, true, strict=True):
        boxes = Boxes(image.boxes, image.scores, image.labels)
        kept = kept_at(boxes, settings.nms, class_agnostic=settings.class_agnostic)
        parts.append(tally_image(boxes, kept, target, settings.match_iou))
    return parts


def _refuse_two_scales(found: Sequence[Detections], true: Sequence[Annotations]) -> None:
    """Raise ValueError if either detections or targets look normalised, and the others do not."""
    sides = {"detections": all_boxes(found), "targets": all_boxes(true)}
    if not all(len(boxes) for boxes in sides.values()):
        return
    normalised = [name for name, boxes in sides.items() if looks_normalised(boxes)]
    if len(normalised) == 1:
        refuse_normalised(sides[normalised[0]], f"{normalised[0]}: boxes")


def _num_classes(value: Any) -> int:
    remedy = "Pass the highest label + 1, or None to take it from the data."
    return to_whole("num_classes", value, 1, remedy=remedy)


def _zero_division(value: Any) -> float:
    if isinstance(value, float) and math.isnan(value):
        return value
    return to_number(
        "zero_division",
        value,
        expected="a number or NaN",
        remedy="1.0 counts an image without targets and detections as right.",
    )


def _match_iou(value: Any) -> float:
    number = to_float(value)
    if 0 < number <= 1:
        return number
    raise refusal(
        "match_iou",
        expected="a number in (0, 1]",
        got=describe(value),
        remedy="0.5 is usual: boxes that overlap by half.",
    )
