"""A setting of the detection dials as the keyword arguments of what runs without them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from torchdial.inputs.refusal import refusal

Target = Literal["torchdial", "faster_rcnn", "retinanet", "ultralytics"]
TARGETS: tuple[Target, ...] = get_args(Target)

_NAMES = {  # of score_threshold, nms_iou and max_det
    "faster_rcnn": ("box_score_thresh", "box_nms_thresh", "box_detections_per_img"),
    "retinanet": ("score_thresh", "nms_thresh", "detections_per_img"),
    "ultralytics": ("conf", "iou", "max_det"),
}


@dataclass(frozen=True)
class DetectionSetting:
    """Where the dials stand; see `torchdial.detect`, whose arguments these are.

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

    def export(self, to: Target = "torchdial") -> dict[str, Any]:
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
            >>> setting = DetectionSetting(0.25, 0.5, 300, {}, class_agnostic=False)
            >>> setting.export("faster_rcnn")
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
        values = (self.score_threshold, _as_double(self.nms_iou), self.max_det)
        arguments = dict(zip(_NAMES[to], values, strict=True))
        return arguments | ({"agnostic_nms": self.class_agnostic} if to == "ultralytics" else {})

    def _check_expressible(self, to: str) -> None:
        if to not in TARGETS:
            raise refusal(
                "to", expected=" | ".join(TARGETS), got=repr(to), remedy="Choose one of these."
            )
        if self.class_thresholds:
            raise refusal(
                "class_thresholds",
                expected=f"none, since to={to!r} knows one threshold for all classes",
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


def _as_double(stop: float) -> float:
    """Return a stop that decides alike where a float32 IoU is compared with it as a double.

    torchvision's CPU kernel does. A stop that float32 rounds up would suppress at equality.
    """
    rounded = float(np.float32(stop))
    return max(stop, rounded)
