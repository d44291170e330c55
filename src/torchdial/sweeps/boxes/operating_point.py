"""The setting of the detection dials: what remains, its metrics, and arguments for libraries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import torch

from torchdial.inputs.errors import refusal
from torchdial.sweeps.boxes.detection_curves import DetectionCurves
from torchdial.sweeps.boxes.detection_frame import DetectionFrame
from torchdial.sweeps.metric_formulas import Average

ExportTarget = Literal["torchdial", "faster_rcnn", "retinanet", "ultralytics"]
EXPORT_TARGETS: tuple[ExportTarget, ...] = get_args(ExportTarget)

_NAMES = {  # of score_threshold, nms_iou and max_det
    "faster_rcnn": ("box_score_thresh", "box_nms_thresh", "box_detections_per_img"),
    "retinanet": ("score_thresh", "nms_thresh", "detections_per_img"),
    "ultralytics": ("conf", "iou", "max_det"),
}


@dataclass(frozen=True)
class OperatingPoint:
    """A setting of the dials; its attributes are arguments of `torchdial.detect`.

    Attributes:
        score_threshold: a box needs a higher score.
        nms_iou: a stop of the NMS dial.
        max_det: the most boxes of an image.
        class_thresholds: score thresholds of single classes, by label.
        class_agnostic: whether boxes of different classes suppress each other.
    """

    score_threshold: float
    nms_iou: float
    max_det: int
    class_thresholds: Mapping[int, float]
    class_agnostic: bool

    def shown(self, frame: DetectionFrame) -> torch.Tensor:
        """Return which candidates of a frame remain, bool (N,)."""
        settings = frame.settings
        thresholds = torch.tensor(self.thresholds(settings.num_classes or 0), dtype=torch.float64)
        stop = settings.nms.nearest(self.nms_iou)
        return frame.shown(stop, thresholds.to(torch.float32), self.max_det)

    def thresholds(self, num_classes: int) -> list[float]:
        """Return the score threshold of each label 0 … C - 1."""
        own = self.class_thresholds
        return [own.get(label, self.score_threshold) for label in range(num_classes)]

    def measure(
        self, curves: DetectionCurves, average: Average, label: int | None
    ) -> dict[str, Any]:
        """Return counts, metrics and AP here, of all classes or of one label.

        AP is COCO's at the NMS IoU, over all scores: "ap" at the curves' match IoU, "ap_coco" the
        mean over 0.50 … 0.95.
        """
        thresholds = self.thresholds(curves.num_classes)
        found = curves.capped(self.max_det).at(thresholds, self.nms_iou, average, label)
        stop, match_iou = curves.settings.nms.nearest(self.nms_iou), curves.settings.match_iou

        def ap(iou: float | None) -> float:
            if label is None:
                return float(curves.average_precision(iou)[stop])
            return float(curves.average_precision(iou, average=None)[label, stop])

        return found | {
            "score_threshold": self.score_threshold,
            "class_thresholds": dict(self.class_thresholds),
            "max_det": self.max_det,
            "match_iou": match_iou,
            "ap": ap(match_iou),
            "ap_coco": ap(None),
        }

    def export(self, to: ExportTarget = "torchdial") -> dict[str, Any]:
        """Return keyword arguments to paste.

        Args:
            to: whose:

                - "torchdial": of `torchdial.detect`
                - "faster_rcnn": of torchvision's Faster, Mask and Keypoint R-CNN
                - "retinanet": of torchvision's RetinaNet, FCOS and SSD
                - "ultralytics": of Ultralytics' `predict`

        Raises:
            ValueError: an unknown target, or one that cannot express the setting: only torchdial
                has thresholds of single classes, and torchvision no NMS across classes.

        Example:
            >>> point = OperatingPoint(0.25, 0.5, 300, {}, class_agnostic=False)
            >>> point.export("faster_rcnn")
            {'box_score_thresh': 0.25, 'box_nms_thresh': 0.5, 'box_detections_per_img': 300}
        """
        if to == "torchdial":
            own = {"class_thresholds": dict(self.class_thresholds)} if self.class_thresholds else {}
            return {
                "score_threshold": self.score_threshold,
                "nms_iou": self.nms_iou,
                **own,
                "class_agnostic": self.class_agnostic,
                "max_det": self.max_det,
            }
        self._check_expressible(to)
        values = (self.score_threshold, self.nms_iou, self.max_det)
        arguments = dict(zip(_NAMES[to], values, strict=True))
        return arguments | ({"agnostic_nms": self.class_agnostic} if to == "ultralytics" else {})

    def _check_expressible(self, to: str) -> None:
        if to not in EXPORT_TARGETS:
            raise refusal(
                "to",
                expected=" | ".join(EXPORT_TARGETS),
                got=repr(to),
                remedy="Choose one of these.",
            )
        if self.class_thresholds:
            raise refusal(
                "class_thresholds",
                expected=f"none, since to={to!r} has one threshold for all classes",
                got=repr(dict(self.class_thresholds)),
                remedy="Use export() with torchdial.detect, or set class_thresholds = [].",
            )
        if self.class_agnostic and to != "ultralytics":
            raise refusal(
                "class_agnostic",
                expected=f"False, since to={to!r} runs NMS in each class",
                got="True",
                remedy="Use export() with torchdial.detect.",
            )
