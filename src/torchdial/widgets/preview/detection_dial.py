"""What the detection widgets share: score and NMS dials over the boxes of one model or two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
import traitlets as t

from torchdial.array_types import Bytes
from torchdial.deprecation import RenamedAttribute
from torchdial.inputs.boxes.detection_targets import Annotations
from torchdial.inputs.images.display_window import Window
from torchdial.inputs.numbers import to_fraction
from torchdial.sweeps.boxes.detection_curves import DetectionCurves
from torchdial.sweeps.boxes.detection_frame import DetectionFrame
from torchdial.sweeps.boxes.detection_settings import DetectionSettings
from torchdial.sweeps.boxes.operating_point import OperatingPoint
from torchdial.sweeps.image_choice import ANY
from torchdial.sweeps.metric_formulas import Average
from torchdial.widgets.preview.detection_packing import (
    pack_config,
    pack_curves,
    pack_detections,
    pack_targets,
)
from torchdial.widgets.preview.number_traits import PERCENT_REMEDY, Fraction, Whole
from torchdial.widgets.preview.pasted_setting import detection_traits
from torchdial.widgets.preview.preview import PAGE_SIZE, ClassThresholds, Preview
from torchdial.widgets.preview.shown_images import ClassChoice, needed_counts

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

VIEWS = ("boxes", "errors", "ghosts")


class DetectionDial(Preview[DetectionFrame]):
    """Traits and messages of the dials; made by `DetectionPreview` and `compare`."""

    _STEM = "detection"
    _SETTABLE: ClassVar[Sequence[str]] = (
        "score_threshold",
        "nms_iou",
        "class_thresholds",
        "max_det",
        "label",
        "view",
    )
    _DIAL = "score_threshold"
    _BEST = "f1"
    _images: tuple[Bytes, ...]

    score_threshold = Fraction(0.25).tag(sync=True, echo_update=False)
    """A box is kept where score > score_threshold, both as float32; in [0, 1]."""

    nms_iou = Fraction(0.5).tag(sync=True, echo_update=False)
    """How much two boxes may overlap for both to be kept. Moves to the nearest stop, in [0, 1]."""

    max_det = Whole(300).tag(sync=True, echo_update=False)
    """At most this many boxes of an image, those with the highest scores, last of all; from 1."""

    view = t.Unicode("boxes").tag(sync=True, echo_update=False)
    """What is drawn: "boxes", "errors" (needs targets) or "ghosts" of suppressed boxes."""

    _targets = t.Dict(None, allow_none=True).tag(sync=True, echo_update=False)

    def __init__(
        self,
        pictures: Sequence[Bytes],
        targets: Sequence[Annotations] | None,
        frames: Sequence[DetectionFrame],
        *,
        names: Sequence[str],
        classes: Mapping[int, str],
        settings: DetectionSettings,
        curves: Sequence[DetectionCurves | None],
        score_threshold: float,
        nms_iou: float,
        max_det: int,
        class_thresholds: ClassThresholds,
        average: Average,
        after_nms: bool,
        window: Window | None,
    ) -> None:
        self._images = tuple(pictures)
        self._truth = None if targets is None else tuple(targets)
        self._labels = tuple(classes)
        self._class_names = tuple(classes.values())
        self._settings = settings
        self._given_curves = list(curves)
        self._average = average
        self._after_nms = after_nms
        self._window = window
        initial = {
            "score_threshold": self._to_own(score_threshold),
            "nms_iou": settings.nms.values[settings.nms.nearest(nms_iou, "nms_iou")],
            "class_thresholds": self._to_class_thresholds(class_thresholds),
            "max_det": max_det,
        }
        super().__init__(
            frames,
            len(pictures),
            _config=pack_config(pictures, classes, settings)
            | {
                "average": average,
                "has_targets": targets is not None,
                "after_nms": after_nms,
                "window": None if window is None else list(window),
                "page_size": PAGE_SIZE,
                "sources": list(names),
                "initial": initial,
            },
            _targets=None if targets is None else pack_targets(targets, self._labels),
            _curves=self._pack_curves(max_det),
            **initial,
        )
        self.observe(self._count_given, "max_det")

    def __repr__(self) -> str:
        """Return images, candidates and settings as text."""
        candidates = len(self._shown[1][0].boxes)
        return (
            f"{type(self).__name__}({len(self._images):,} images, {candidates:,} candidates, "
            f"score_threshold={self.score_threshold:.4g}, nms_iou={self.nms_iou:.4g})"
        )

    # Results at the position of the dials

    @property
    def pictures(self) -> tuple[Bytes, ...]:
        """The images as they are shown, uint8 (H, W, C) each."""
        return self._images

    @property
    def class_names(self) -> dict[int, str]:
        """The name of each class by its label."""
        return dict(zip(self._labels, self._class_names, strict=True))

    def kept(self, image: int, *, model: int = 0) -> dict[str, torch.Tensor]:
        """Return the boxes of an image that are drawn, by the rule of `torchdial.detect`.

        Where one class is shown these are its own among them: `max_det` counts all classes.

        Args:
            image: its index.
            model: which model, where two are compared.

        Returns:
            "boxes" float32 (M, 4) xyxy, "scores" float32 (M,), "labels" int64 (M,) and "indices"
            int64 (M,) into what was given, in descending score, on the CPU.

        Raises:
            ValueError: there is no such image or model.
        """
        frame = self._shown[1][self._to_model(model)]
        return frame.kept(self._to_image(image), self._remaining(frame))

    def errors(self, image: int, *, model: int = 0) -> dict[str, torch.Tensor]:
        """Return which boxes of `kept` are true positives, and which targets they miss.

        Args:
            image: its index.
            model: which model, where two are compared.

        Returns:
            "true" bool (M,), true positives; "ignored" bool (M,), those that took an ignored target
            and count as nothing; "missed" int64, indices of the image's targets.

        Raises:
            ValueError: there are no targets, or no such image or model.
        """
        needed_counts(self._truth)
        frame = self._shown[1][self._to_model(model)]
        return frame.errors(self._to_image(image), self._remaining(frame), self.label)

    @property
    def targets(self) -> tuple[Annotations, ...] | None:
        """The targets of each image."""
        return self._truth

    @property
    def track(self) -> DetectionCurves | None:
        """The curves under the dials, of the first model: given ones, or of the shown images."""
        given: DetectionCurves | None = self._given_curves[0]
        found = self._shown[1][0].curves if given is None else given
        return None if found is None else found.capped(self.max_det)

    def boxes_of(
        self,
        image: int,
        truth: ClassChoice = "any",
        predicted: ClassChoice = "any",
        *,
        model: int = 0,
    ) -> dict[str, torch.Tensor]:
        """Return the boxes that a cell of the confusion matrix counts in an image.

        Args:
            image: its index.
            truth: as for `images_of`.
            predicted: as for `images_of`.
            model: which model, where two are compared.

        Returns:
            "indices" int64, of detections in what was given, in descending score; and "targets"
            int64, the image's targets that these are counted with, or that are missed.
        """
        frame, place = self._shown[1][self._to_model(model)], self._to_image(image)
        cell = self._to_labels(*self._to_cell(truth, predicted))
        _, detections, targets = frame.count_cell(self._point().shown(frame), *cell)
        rows = frame.rows(place)
        return {
            "indices": frame.index[rows][detections[rows]],
            "targets": targets[frame.tally.of_target == place].nonzero().flatten(),
        }

    # Of each image

    def _count_cell(self, model: int, truth: int, predicted: int) -> torch.Tensor:
        frame = self._shown[1][model]
        cell = self._to_labels(truth, predicted)
        return frame.count_cell(self._point().shown(frame), *cell)[0]

    def _to_labels(self, *sides: int) -> tuple[int, ...]:
        """Return the labels of the sides of a cell; the background is the number of labels."""
        labels = {ANY: ANY, **dict(enumerate(self._labels))}
        return tuple(labels.get(side, self._settings.num_classes or 0) for side in sides)

    def _count_between(self, model: int, low: float, high: float) -> torch.Tensor:
        tally = self._shown[1][model].tally
        inside = (tally.scores > np.float32(low)) & (tally.scores <= np.float32(high))
        if self.label is not None:
            inside &= tally.labels == self.label
        return tally.of_image[inside].bincount(minlength=tally.num_images)

    def _image_table(self, model: int, label: int | None) -> dict[str, torch.Tensor]:
        frame = self._shown[1][model]
        needed_counts(self._truth)
        return frame.images_at(self._point().shown(frame), self.label if label is None else label)

    def to_matplotlib(self, ax: Axes | None = None) -> Figure:
        """Return a matplotlib figure of the first pictures and the curve, as they stand now."""
        from torchdial.figures.static import detection_picture as figures
        from torchdial.figures.static.canvas import MAX_IMAGES

        styles = figures.ERRORS
        if self.targets is None:
            styles = figures.class_styles(self.class_names.values())
        images = []
        for i, image in enumerate(self.pictures[:MAX_IMAGES]):
            kept = self.kept(i)
            if self.targets is None:
                boxes = figures.boxes_by_class(kept, self.class_names, styles)
            else:
                boxes = figures.boxes_by_error(kept, self.errors(i), self.targets[i].boxes)
            images.append(figures.ImageBoxes(image, boxes))
        position = None
        if self.track is not None:
            position = figures.Position(
                self.track, self.score_threshold, self.nms_iou, self.average, self.label
            )
        own = ", classes with their own" if self.class_thresholds else ""
        title = f"score > {self.score_threshold:.4g}{own}, NMS IoU {self.nms_iou:.4g}"
        return figures.detection_figure(images, styles, position, title, ax)

    shown_label = RenamedAttribute("label")

    def _point(self) -> OperatingPoint:
        own = zip(self._labels, self.class_thresholds, strict=False)
        return OperatingPoint(
            score_threshold=self.score_threshold,
            nms_iou=self.nms_iou,
            max_det=self.max_det,
            class_thresholds={label: value for label, value in own if value is not None},
            class_agnostic=self._settings.class_agnostic,
        )

    def _remaining(self, frame: DetectionFrame) -> torch.Tensor:
        """Return which candidates are drawn, bool (N,)."""
        shown, label = self._point().shown(frame), self.label
        return shown if label is None else shown & (frame.tally.labels == label)

    def _metrics_of(self, curves: DetectionCurves) -> dict[str, Any]:
        return self._point().measure(curves, self._average, self.label)

    # What is sent to the page

    def _pack_source(self, frame: DetectionFrame) -> dict[str, Any]:
        return pack_detections(frame, self._labels)

    def _pack_curves(self, max_det: int) -> list[dict[str, Any] | None]:
        return [
            None if c is None else pack_curves(c.capped(max_det), self._labels, self._average)
            for c in self._given_curves
        ]

    def _count_given(self, change: Any) -> None:
        """Count given curves anew: `max_det` governs them too."""
        if any(self._given_curves):
            self._curves = self._pack_curves(change["new"])

    def _keys_of_image(self, image: int) -> list[str]:
        masked = [any(mask is not None for mask in frame.masks) for frame in self._newest[1]]
        masks = [f"mask/{source}/{image}" for source, has_masks in enumerate(masked) if has_masks]
        return [f"image/{image}", *masks]

    def _planes(self, keys: Sequence[str]) -> list[Bytes]:
        return [self._plane_of(self._newest[1], key) for key in keys]

    def _plane_of(self, frames: Sequence[DetectionFrame], key: str) -> Bytes:
        """Return the pixels of an image, or the packed masks of a model's boxes there.

        Raises:
            KeyError: there are none.
        """
        kind, *numbers = key.split("/")
        try:
            index = [int(n) for n in numbers]
            if min(index) < 0:
                raise IndexError
            if kind == "image":
                (image,) = index
                return self._images[image]
            source, image = index
            mask = {"mask": frames[source].masks}[kind][image]
            return np.empty(0, np.uint8) if mask is None else mask
        except (IndexError, ValueError, KeyError) as error:
            raise KeyError(key) from error

    # What may be set

    def _to_traits(self, setting: Any) -> dict[str, Any]:
        return detection_traits(setting, self._labels, self._settings.class_agnostic)

    @t.validate("nms_iou")
    def _valid_nms_iou(self, proposal: Any) -> float:
        stops = self._settings.nms
        return stops.values[stops.nearest(proposal["value"], "nms_iou")]

    @t.validate("view")
    def _valid_view(self, proposal: Any) -> str:
        known = [view for view in VIEWS if view != "errors" or self._truth is not None]
        return self._to_view(proposal["value"], known)

    def _to_own(self, given: float) -> float:
        return to_fraction(self._DIAL, given, PERCENT_REMEDY)
