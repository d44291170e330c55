"""The detection preview: score and NMS dials over boxes; js/src/detection.ts draws it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, NamedTuple, overload

import torch

from torchdial.deprecation import renamed_arguments
from torchdial.inputs.arguments import of_kind
from torchdial.inputs.boxes.boxes import BoxFormat
from torchdial.inputs.boxes.class_names import ClassNames
from torchdial.inputs.boxes.detection_fields import ImageId, is_coco_list
from torchdial.inputs.errors import refusal
from torchdial.inputs.images.preview_images import ImageReader, Numbers
from torchdial.inputs.loader_batches import Unpack, pairs_of
from torchdial.models.inference import Model, Output
from torchdial.models.predictions import (
    Given,
    ModelDetections,
    check_batch_size,
    check_model,
    next_source,
    to_inputs,
    with_source,
)
from torchdial.models.raw_candidates import check_floor, has_raw_candidates
from torchdial.sweeps.boxes.box_step_counts import BoxStepCounts
from torchdial.sweeps.boxes.detection_curves import BestPoint, DetectionCurves
from torchdial.sweeps.boxes.detection_frame import DetectionFrame
from torchdial.sweeps.boxes.detection_settings import DetectionMetric, DetectionSettings
from torchdial.sweeps.boxes.detection_sweep import DetectionSweep
from torchdial.sweeps.boxes.operating_point import ExportTarget
from torchdial.sweeps.metric_formulas import Average, check_average
from torchdial.widgets.preview.detection_dial import DetectionDial
from torchdial.widgets.preview.detection_packing import pack_step
from torchdial.widgets.preview.detection_reader import DetectionReader
from torchdial.widgets.preview.plane_coding import (
    CodedPlane,
    Pictures,
    check_pictures,
    code_planes,
)
from torchdial.widgets.preview.preview import (
    ClassThresholds,
    Display,
    needed,
    to_display,
)
from torchdial.widgets.steps.kept_boxes import KeptBoxes
from torchdial.widgets.steps.step_preview import KEEP_BYTES, StepPreview


class BestBoxStep(NamedTuple):
    """The step of a training at which a metric is best, and where."""

    step: int
    score_threshold: float
    nms_iou: float
    value: float
    has_picture: bool


class DetectionPreview(DetectionDial, StepPreview[DetectionFrame]):
    """Shows what a score threshold and an NMS IoU make of a detector's candidates.

    In this order: greedy NMS, the boxes whose score is above the threshold of their class, of these
    the `max_det` highest scores; see `torchdial.detect`. Every position of the dials is computed
    once; moving one recomputes nothing in the kernel.

    Args:
        images: a list with one for each image, which may differ in size, or a batch; see
            `torchdial.inputs.to_images`.
        detections: candidates from before NMS; see `torchdial.inputs.to_detections`. Instance
            masks are shown within their boxes.
        targets: of each image; see `torchdial.inputs.to_annotations`.
        class_names: a name for each label, as a list of those of 0 … C - 1 or a dict by label. By
            default those of the formats that have names, and the labels that occur. Labels may be
            names of these.
        box_format: "xyxy", "xywh" or "cxcywh" of boxes in dicts and tuples; None takes the format
            that boxes carry (`torchvision.tv_tensors`), else xyxy.
        score_threshold: the first position of the score dial, in [0, 1]. None is 0.25, and 0 after
            NMS.
        nms_iou: the first position of the NMS dial; it moves to the nearest stop. None is 1.0 after
            NMS, so that everything is shown that was passed. Otherwise it is 0.5; or, where the
            format does not tell and the largest overlap of two boxes of a class lies between 0.5
            and 0.75, as NMS may have left it, that overlap.
        class_thresholds: for some classes their own score threshold, as a list with None or a dict
            by name or label.
        max_det: at most this many boxes an image.
        nms_ious: stops of the NMS dial: a count of evenly spaced ones over [0, 1], or at
            most 255 increasing ones.
        match_iou: the IoU with a target that counts as found, in (0, 1].
        class_agnostic: whether boxes of different classes suppress each other.
        curves: `DetectionSweep.compute()` over a larger set, for metrics and curves.
        average: how metrics are averaged: "micro" (pooled counts), "macro" (mean over classes
            present) or "image" (mean over images).
        after_nms: whether boxes have been suppressed already, so that the NMS dial can only
            tighten. None takes it as true for what libraries return after their NMS (Ultralytics'
            `Results`, `supervision.Detections`, detectron2's and mmdetection's instances) or
            without one (transformers' dicts, rows of an end-to-end head).
        score_floor: candidates with a score of at most this are left out, such as the thousands
            near 0 of a raw head; the score dial has no effect below it. They are not checked.
        image_ids: COCO's formats: the ids of `images`, in their order.
        mean: what was subtracted from `images`, to undo it for display.
        std: what `images` were divided by.
        window: the values of `images` shown as black and as white; None takes 0 and 1 of floats,
            and of integers beyond 8 bits the lowest and the highest value, for all images and
            over refreshes. A caption says it.
        pictures: how large colour pictures are sent to the page: "compact", as JPEG, or "exact".
            All other values are exact, and so is `pictures` of the preview.
        keep: the frames of how many training steps are kept, for the step dial: 1, the newest
            alone, or at least 4. Counts are kept of every refresh, with the `max_det` at that
            time. The first, the newest and the best step stay, by micro F1; the others are spread
            evenly over the steps.
        keep_bytes: how many bytes these frames take at most, besides the newest; from 1. The
            first and the best stay in any case.
        monitor: a `TrainingMonitor`, whose step each refresh has, and in whose panel a click
            moves the step dial.

    Raises:
        ValueError: any argument that is not valid, with the reason and a remedy.

    Example:
        >>> boxes = torch.tensor([[2, 2, 30, 30], [2, 2, 30, 24], [40, 8, 60, 28]])
        >>> found = [(boxes, torch.tensor([0.9, 0.8, 0.4]))]
        >>> preview = DetectionPreview(torch.rand(1, 3, 32, 64), found)
        >>> preview.nms_iou = 0.7
        >>> preview.kept(0)["indices"]
        tensor([0, 2])
    """

    _SETTABLE = (*DetectionDial._SETTABLE, "step")

    @renamed_arguments(iou_thresholds="nms_ious")
    def __init__(
        self,
        images: Any,
        detections: Any,
        targets: Any = None,
        *,
        class_names: ClassNames = None,
        box_format: BoxFormat | None = None,
        score_threshold: float | None = None,
        nms_iou: float | None = None,
        class_thresholds: ClassThresholds = None,
        max_det: int = 300,
        nms_ious: int | Sequence[float] | torch.Tensor = 101,
        match_iou: float = 0.5,
        class_agnostic: bool = False,
        curves: DetectionCurves | None = None,
        average: Average = "micro",
        after_nms: bool | None = None,
        score_floor: float = 0.0,
        image_ids: Sequence[ImageId] | None = None,
        mean: Numbers = None,
        std: Numbers = None,
        window: tuple[float, float] | None = None,
        pictures: Pictures = "compact",
        keep: int = 1,
        keep_bytes: int = KEEP_BYTES,
        monitor: Any = None,
    ) -> None:
        self._set_keeping(keep, keep_bytes, monitor)
        check_average(average)
        self._average = average
        check_pictures(pictures)
        check_floor(score_floor)
        if curves is not None:
            remedy = "Pass what compute() of a DetectionSweep returns."
            of_kind("curves", curves, DetectionCurves, expected="DetectionCurves", remedy=remedy)
        sweep = DetectionSweep(
            nms_ious=nms_ious,
            match_iou=match_iou,
            class_agnostic=class_agnostic,
            max_det=max_det,
            score_thresholds=101 if curves is None else curves.settings.scores,
            zero_division=1.0 if curves is None else curves.settings.zero_division,
        )
        reader = ImageReader(mean, std, window)
        self._to_pictures = reader.each
        shown = reader.each(images)
        self._pictures_as = pictures
        given = isinstance(detections, ModelDetections)
        self._source = detections if given else Given(detections)
        self._reader = DetectionReader(
            [picture.shape[:2] for picture in shown],
            targets,
            sweep.settings,
            class_names=class_names,
            box_format=box_format,
            after_nms=after_nms,
            score_floor=score_floor,
            image_ids=image_ids,
        )
        frame = self._measure(self._source)
        if curves is not None:
            _check_curves(curves, self._reader.settings)
        super().__init__(
            shown,
            self._reader.targets,
            [frame],
            names=["model"],
            classes=self._reader.classes,
            settings=self._reader.settings,
            curves=[curves],
            score_threshold=(
                self._reader.score_threshold if score_threshold is None else score_threshold
            ),
            nms_iou=self._reader.nms_iou if nms_iou is None else nms_iou,
            max_det=self._reader.settings.max_det,
            class_thresholds=class_thresholds,
            average=average,
            after_nms=self._reader.after_nms,
            window=reader.window,
        )

    @classmethod
    @renamed_arguments(adapter="output")
    def from_model(
        cls,
        model: Model,
        images: Any,
        targets: Any = None,
        *,
        output: Output = None,
        display: Display = None,
        batch_size: int = 8,
        score_floor: float = 0.01,
        **options: Any,
    ) -> DetectionPreview:
        """Return a preview of a detector's current weights; `refresh()` runs it again.

        It runs on the model's own device, in eval mode and without gradients; every submodule's
        mode, the random state and autocast are put back. torchvision's detectors are called with a
        list of images, inside `torchdial.raw_candidates`, a Mask R-CNN with its masks. Any other
        model is called with the images as they are here, and has to return candidates from before
        NMS. Of the raw output of a YOLO head the number of classes is that of the model's last
        module with an attribute `nc`, or of `class_names`.

        Args:
            model: a detector, as an `nn.Module` or callable. A plain function is called as it
                stands: put the model in it into eval mode yourself.
            images: the model's input, a batch (N, C, H, W) or a list of (C, H, W), which may
                differ in size; pass `mean=` and `std=` to undo a normalisation for display.
            targets: as for `DetectionPreview`.
            output: what to take of the model's output for a batch, as a key, an index or a
                function of it: something that `torchdial.inputs.to_detections` reads, in pixels of
                the images. None takes all of it.
            display: what to show in place of the model's input, such as three of its bands:
                images of the same number and sizes, or a function of `images` that returns them.
            batch_size: images at a time.
            score_floor: candidates with a score of at most this are left out.
            **options: further arguments of `DetectionPreview`. Pass `class_names` if the model may
                give labels later that neither its first frame nor the targets have.

        Raises:
            ValueError: as for `DetectionPreview`.
        """
        check_batch_size(batch_size)
        check_model(model)
        source = ModelDetections(model, to_inputs(images), output, batch_size, score_floor)
        if has_raw_candidates(model):
            options = {"after_nms": False} | options
        shown = to_display(images, display)
        preview = cls(shown, source, targets, score_floor=score_floor, **options)
        preview._display = display
        return preview

    @property
    def curves(self) -> DetectionCurves | None:
        """Counts and metrics at every stop: the given curves, or those of the shown images.

        They are counted with the dial's `max_det`, and their labels are those that were given.
        """
        return self.track

    @property
    def metrics(self) -> dict[str, Any]:
        """Counts and metrics at the dials' position, for what is shown, with AP and its set.

        It has score_threshold, class_thresholds (by label), nms_iou, max_det; tp, fp, fn;
        precision, recall, f1, and their average; match_iou, ap (COCO's at match_iou, over the
        scores of all candidates) and ap_coco (the mean over 0.50 … 0.95); num_images.

        Raises:
            ValueError: there are neither targets nor curves.
        """
        return self._metrics_of(self._needed_curves())

    @overload
    def best(
        self,
        metric: DetectionMetric = ...,
        at_least: Mapping[DetectionMetric, float] | None = ...,
        *,
        over: None = ...,
    ) -> BestPoint: ...

    @overload
    def best(
        self,
        metric: DetectionMetric = ...,
        at_least: Mapping[DetectionMetric, float] | None = ...,
        *,
        over: Literal["steps"],
    ) -> BestBoxStep: ...

    def best(
        self,
        metric: DetectionMetric = "f1",
        at_least: Mapping[DetectionMetric, float] | None = None,
        *,
        over: Literal["steps"] | None = None,
    ) -> BestPoint | BestBoxStep:
        """Return the score threshold and NMS IoU where a metric of what is shown is best, and it.

        Thresholds of single classes are left out of this.

        Args:
            metric: what to maximise.
            at_least: lower bounds of other metrics, such as {"recall": 0.9}.
            over: "steps" looks at every refresh that `keep=` counts, and returns the step too, the
                earliest of equals, and whether its picture is kept. It counts the shown images,
                also where there are given curves.

        Raises:
            ValueError: no stop meets the demands, or there are neither targets nor curves.
        """
        if over is None:
            curves = self._needed_curves()
            return curves.best(metric, at_least, self._average, self.label)
        needed(self.targets, "DetectionSweep")
        record, (score, nms_iou, value) = self._best_step(
            over, lambda counts: counts.best(metric, at_least, self.label)
        )
        return BestBoxStep(record.step, score, nms_iou, value, record.frame is not None)

    def refresh(self, detections: Any = None, *, step: int | None = None) -> bool:
        """Show the model's current weights, or new detections, for the same images.

        Settings of the dials are kept. A frame that is refused leaves the last good one and a
        notice on the widget; nothing is raised into a training loop.

        Args:
            detections: new ones, for a preview that was made of detections.
            step: of the training, for the step dial; None takes the monitor's, or the next one.
                An earlier step takes the place of all from it on.

        Returns:
            Whether the frame is shown.

        Raises:
            TypeError: detections are missing, or are given to a preview of a model.
            ValueError: `step` is no whole number from 0.
        """
        source = next_source(self._source, detections, what="detections", argument="detections")
        return self._refresh_at(step, lambda: self._measure(source))

    def evaluate(self, loader: Iterable[Any], *, unpack: Unpack = None) -> dict[str, Any]:
        """Return counts and metrics of the chosen setting on other data, as `metrics` has them.

        Args:
            loader: batches of (images, targets) for a preview of a model, else of
                (detections, targets).
            unpack: for other batches a function that returns such a pair, or the two keys or
                indices, such as ("image", "boxes").

        Raises:
            ValueError: a batch is refused, or there are none.
        """
        settings = self._settings
        sweep = DetectionSweep(
            num_classes=settings.num_classes,
            nms_ious=settings.nms,
            match_iou=settings.match_iou,
            class_agnostic=settings.class_agnostic,
            max_det=self.max_det,
            score_thresholds=settings.scores,
            box_format=self._reader.box_format,
            zero_division=settings.zero_division,
        )
        for given, targets in pairs_of(loader, unpack):
            sweep.update(self._run(given), self._reader.read_targets(targets))
        return self._metrics_of(sweep.compute())

    def export(self, to: ExportTarget = "torchdial") -> dict[str, Any]:
        """Return the setting as keyword arguments to paste.

        Args:
            to: "torchdial" (`torchdial.detect`), "faster_rcnn" (torchvision's Faster, Mask and
                Keypoint R-CNN), "retinanet" (its RetinaNet, FCOS and SSD) or "ultralytics".

        Raises:
            ValueError: an unknown target, or one that cannot express the setting: only torchdial
                has thresholds of single classes, and torchvision no NMS across classes.
        """
        return self._point().export(to)

    def _measure(self, source: Any) -> DetectionFrame:
        return with_source(source, lambda: self._reader.measure(source))

    def _run(self, given: Any) -> Any:
        """Return the detections of each image; COCO's results as they are."""
        if isinstance(self._source, Given):
            if is_coco_list(given):  # to be read with the ids of its targets
                return given
            source = Given(given)
        else:
            source = replace(self._source, images=to_inputs(given))
        outputs = with_source(source, lambda: list(source.batches()))
        read, num_classes = self._reader.read, source.num_classes
        return [found for output in outputs for found in read(output, num_classes)]

    # The step dial

    def _count_step(self, frame: DetectionFrame) -> tuple[BoxStepCounts, float]:
        max_det = self.max_det if self._records.all else frame.settings.max_det
        counts = BoxStepCounts.of(frame, tuple(self._reader.classes), max_det, self._average)
        return counts, counts.best_f1

    def _pack_step(self, counts: BoxStepCounts) -> dict[str, Any]:
        return pack_step(counts)

    def _compress(self, frame: DetectionFrame) -> KeptBoxes:
        return KeptBoxes(replace(frame))  # without the curves that it caches

    def _code_kept(self, kept: Any, keys: Sequence[str]) -> list[CodedPlane]:
        planes = [self._plane_of((kept.restore(),), key) for key in keys]
        return code_planes(planes, [False] * len(planes))

    def _needed_curves(self) -> DetectionCurves:
        return needed(self.curves, "DetectionSweep")


def _check_curves(curves: DetectionCurves, ours: DetectionSettings) -> None:
    theirs = curves.settings
    alike = {
        "nms_ious": theirs.nms.values == ours.nms.values,
        "match_iou": theirs.match_iou == ours.match_iou,
        "class_agnostic": theirs.class_agnostic == ours.class_agnostic,
    }
    different = [name for name, same in alike.items() if not same]
    if curves.num_classes < (ours.num_classes or 0):
        different.append(f"num_classes (at least {ours.num_classes})")
    if different:
        raise refusal(
            "curves",
            expected="a DetectionSweep made with the settings of the preview",
            got=f"different {' and '.join(different)}",
            remedy="Make the sweep and the preview with the same arguments.",
        )
