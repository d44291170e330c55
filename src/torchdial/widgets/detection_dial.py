"""What the detection widgets share: score and NMS dials over the boxes of one model or two."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import traitlets as t

from torchdial.inputs.annotations import Annotations
from torchdial.inputs.refusal import refusal
from torchdial.sweeps.detection_curves import DetectionCurves
from torchdial.sweeps.detection_frames import DetectionFrame
from torchdial.sweeps.detection_points import errors_at
from torchdial.sweeps.detection_settings import DetectionSettings
from torchdial.sweeps.formulas import Average
from torchdial.widgets.bundle import bundle
from torchdial.widgets.detection_wire import pack_curves, pack_detections, pack_targets
from torchdial.widgets.preview import PAGE_SIZE, Bytes, ClassThresholds, Preview

if TYPE_CHECKING:
    from matplotlib.figure import Figure

VIEWS = ("boxes", "errors", "ghosts")


class DetectionDial(Preview[DetectionFrame]):
    """Traits and messages of the dials; made by `DetectionPreview` and `compare`."""

    _esm = bundle("detection.js")
    _css = bundle("detection.css")
    _SETTABLE = (
        "score_threshold",
        "nms_iou",
        "class_thresholds",
        "max_det",
        "shown_class",
        "view",
    )
    _DIAL = "score_threshold"

    score_threshold = t.Float(0.25).tag(sync=True, echo_update=False)
    """A box is kept where score > score_threshold, both as float32; in [0, 1]."""

    nms_iou = t.Float(0.5).tag(sync=True, echo_update=False)
    """How much two boxes may overlap for both to be kept. Moves to the nearest stop, in [0, 1]."""

    max_det = t.Int(300).tag(sync=True, echo_update=False)
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
    ) -> None:
        self._images = tuple(pictures)
        self._truth = None if targets is None else tuple(targets)
        self._labels = tuple(classes)
        self._class_names = tuple(classes.values())
        self._settings = settings
        self._given_curves = list(curves)
        self._average = average
        self._after_nms = after_nms
        initial = {
            "score_threshold": self._to_own(score_threshold),
            "nms_iou": settings.nms.values[settings.nms.nearest(nms_iou)],
            "class_thresholds": self._to_class_thresholds(class_thresholds),
            "max_det": max_det,
        }
        super().__init__(
            frames,
            len(pictures),
            _config=self._describe() | {"sources": list(names), "initial": initial},
            _targets=None if targets is None else pack_targets(targets, self._labels),
            _curves=self._pack_curves(max_det),
            **initial,
        )
        self.observe(self._count_given, "max_det")

    def __repr__(self) -> str:
        """Say what is shown, for places that cannot show it."""
        candidates = len(self._shown[1][0].boxes)
        return (
            f"{type(self).__name__}({len(self._images):,} images, {candidates:,} candidates, "
            f"score_threshold={self.score_threshold:.4g}, nms_iou={self.nms_iou:.4g})"
        )

    # What the dials say of their position

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
            int64 (M,) into what was handed over, in descending score, on the CPU.
        """
        frame = self._shown[1][model]
        rows = frame.rows(range(len(self._images))[image])
        shown = self._remaining(frame)[rows]
        return {
            "boxes": frame.boxes[rows][shown],
            "scores": frame.tally.scores[rows][shown],
            "labels": frame.tally.labels[rows][shown].long(),
            "indices": frame.index[rows][shown],
        }

    def errors(self, image: int, *, model: int = 0) -> dict[str, torch.Tensor]:
        """Return what is true of the boxes that `kept` returns, and which targets they miss.

        Args:
            image: its index.
            model: which model, where two are compared.

        Returns:
            "true" bool (M,), true positives; "ignored" bool (M,), those that took an ignored target
            and count as nothing; "missed" int64, indices of the image's targets.

        Raises:
            ValueError: there are no targets.
        """
        if self._truth is None:
            raise ValueError("errors: expected targets, got none. Pass targets= to the preview.")
        frame = self._shown[1][model]
        image = range(len(self._images))[image]
        shown, rows = self._remaining(frame), frame.rows(image)
        true, ignored, missed = errors_at(frame.tally, shown, self._settings.match_iou)
        label = self.shown_label
        if label is not None:
            missed &= frame.tally.target_labels == label
        of_image = frame.tally.of_target == image
        return {
            "true": true[rows][shown[rows]],
            "ignored": ignored[rows][shown[rows]],
            "missed": missed[of_image].nonzero().flatten(),
        }

    @property
    def targets(self) -> tuple[Annotations, ...] | None:
        """What is true in each image."""
        return self._truth

    @property
    def track(self) -> DetectionCurves | None:
        """The curves under the dials, of the first model: given ones, or of the shown images."""
        given: DetectionCurves | None = self._given_curves[0]
        found = self._shown[1][0].curves if given is None else given
        return None if found is None else found.capped(self.max_det)

    @property
    def shown_label(self) -> int | None:
        """The label of the class that is shown, None for all of them."""
        return None if self.shown_class is None else self._labels[self.shown_class]

    def to_matplotlib(self) -> Figure:
        """Return a matplotlib figure of the first pictures and the curve, as they stand now."""
        from torchdial.figures.detection import detection_figure

        return detection_figure(self)

    def _remaining(self, frame: DetectionFrame) -> torch.Tensor:
        """Return which candidates are drawn, bool (N,)."""
        thresholds = torch.tensor(self._thresholds(self._settings.num_classes), dtype=torch.float64)
        stop = self._settings.nms.nearest(self.nms_iou)
        shown = frame.shown(stop, thresholds.to(torch.float32), self.max_det)
        label = self.shown_label
        return shown if label is None else shown & (frame.tally.labels == label)

    def _own_thresholds(self) -> dict[int, float]:
        """Return the thresholds of classes that have their own, by label."""
        own = zip(self._labels, self.class_thresholds, strict=False)
        return {label: threshold for label, threshold in own if threshold is not None}

    def _thresholds(self, num_classes: int | None) -> list[float]:
        own = self._own_thresholds()
        return [own.get(label, self.score_threshold) for label in range(num_classes or 0)]

    def _metrics_of(self, curves: DetectionCurves) -> dict[str, Any]:
        stop = self._settings.nms.nearest(self.nms_iou)
        label, match_iou = self.shown_label, self._settings.match_iou
        found = curves.capped(self.max_det).at(
            self._thresholds(curves.num_classes), self.nms_iou, self._average, label
        )

        def ap(iou: float | None) -> float:
            if label is None:
                return float(curves.average_precision(iou)[stop])
            return float(curves.average_precision(iou, average=None)[label, stop])

        return found | {
            "score_threshold": self.score_threshold,
            "class_thresholds": self._own_thresholds(),
            "max_det": self.max_det,
            "match_iou": match_iou,
            "ap": ap(match_iou),
            "ap_coco": ap(None),
        }

    # The wire

    def _describe(self) -> dict[str, Any]:
        """Return what never changes."""
        settings, sizes = self._settings, [picture.shape[:2] for picture in self._images]
        zero_division = settings.zero_division
        return {
            "class_names": list(self._class_names),
            "stops": list(settings.nms.values),
            "score_stops": list(settings.scores.values),
            "num_images": len(sizes),
            "sizes": [list(size) for size in sizes],
            "height": max(height for height, _ in sizes),
            "width": max(width for _, width in sizes),
            "channels": self._images[0].shape[2],
            "average": self._average,
            "zero_division": None if math.isnan(zero_division) else zero_division,
            "has_targets": self._truth is not None,
            "page_size": PAGE_SIZE,
            "match_iou": settings.match_iou,
            "class_agnostic": settings.class_agnostic,
            "after_nms": self._after_nms,
        }

    def _pack_source(self, source: int, frame: DetectionFrame) -> dict[str, Any]:
        return pack_detections(frame, self._labels) | {"tiles": self._tiles(f"mask/{source}/")}

    def _pack_curves(self, max_det: int) -> list[dict[str, Any] | None]:
        return [
            None if c is None else pack_curves(c.capped(max_det), self._labels, self._average)
            for c in self._given_curves
        ]

    def _count_given(self, change: Any) -> None:
        """Count given curves anew: `max_det` governs them too."""
        if any(self._given_curves):
            self._curves = self._pack_curves(change["new"])

    def _keys_of_image(self, image: int) -> Iterator[str]:
        yield f"image/{image}"
        for source, frame in enumerate(self._shown[1]):
            if frame.masks is not None:
                yield f"mask/{source}/{image}"

    def _plane(self, key: str) -> Bytes:
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
            masks = {"mask": self._shown[1][source].masks}[kind]
            none = [np.empty(0, np.uint8)] * len(self._images)
            return (none if masks is None else masks)[image]
        except (IndexError, ValueError, KeyError) as error:
            raise KeyError(key) from error

    # What may be set

    @t.validate("score_threshold")
    def _valid_score_threshold(self, proposal: Any) -> float:
        return self._to_own(proposal["value"])

    @t.validate("nms_iou")
    def _valid_nms_iou(self, proposal: Any) -> float:
        stops = self._settings.nms
        return stops.values[stops.nearest(proposal["value"])]

    @t.validate("max_det")
    def _valid_max_det(self, proposal: Any) -> int:
        if proposal["value"] < 1:
            raise t.TraitError(f"max_det: expected at least 1, got {proposal['value']}.")
        return int(proposal["value"])

    @t.validate("view")
    def _valid_view(self, proposal: Any) -> str:
        known = [view for view in VIEWS if view != "errors" or self._truth is not None]
        if proposal["value"] not in known:
            raise t.TraitError(
                f"view: expected {' | '.join(known)}, got {proposal['value']!r}. "
                "The errors view needs targets."
            )
        return str(proposal["value"])

    def _to_own(self, given: float) -> float:
        if not isinstance(given, Real) or not math.isfinite(given):
            raise refusal(
                self._DIAL,
                expected="a finite number",
                got=repr(given),
                remedy="Pass a number in [0, 1].",
            )
        return min(max(float(given), 0.0), 1.0)

    def _keys_of_classes(self) -> list[tuple[Any, ...]]:
        return list(zip(self._class_names, self._labels, strict=True))
