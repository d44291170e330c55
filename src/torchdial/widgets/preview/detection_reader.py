"""Reads detections and targets of a fixed set of images, at each refresh."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from torchdial.inputs import Annotations, Detections, to_annotations, to_detections
from torchdial.inputs.arguments import to_list
from torchdial.inputs.boxes.boxes import BoxFormat
from torchdial.inputs.boxes.class_names import MAX_LABEL, ClassNames, describe_labels, to_classes
from torchdial.inputs.boxes.detection_fields import ImageId, check_images, is_coco_list
from torchdial.inputs.errors import refusal
from torchdial.models.predictions import OutputSource
from torchdial.sweeps.boxes.detection_frame import DetectionFrame, measure_image
from torchdial.sweeps.boxes.detection_settings import DetectionSettings

Size = tuple[int, int]

OPENING_NMS_IOU = 0.5
MOST_AFTER_NMS = 0.75  # an NMS is hardly ever set to keep boxes that overlap by more


class DetectionReader:
    """Reads what a detector found in images of known sizes.

    Classes, and whether NMS has been done, are those of the first frame.

    Attributes:
        settings: how to count, with the number of classes once that is known.
        targets: of each image, if there are any.
        classes: the name of each class by its label.
        after_nms: whether NMS has been done, as the argument or the format says.
        score_threshold: the first position of the score dial, if none is given.
        nms_iou: the first position of the NMS dial, if none is given.
        box_format: of dicts and tuples.
        score_floor: candidates with a score of at most this are left out; 0 keeps all.
    """

    def __init__(
        self,
        sizes: Sequence[Size],
        targets: Any,
        settings: DetectionSettings,
        *,
        class_names: ClassNames,
        box_format: BoxFormat | None,
        after_nms: bool | None,
        score_floor: float,
        image_ids: Sequence[ImageId] | None,
    ) -> None:
        if image_ids is not None:
            remedy = "Pass the ids of COCO's file, in the order of the images."
            image_ids = to_list("image_ids", image_ids, expected="ids of images", remedy=remedy)
        self._sizes = sizes
        self.settings = settings
        self._given_names = class_names
        self.classes: Mapping[int, str] = {}
        self.box_format = box_format
        self._given_after_nms = after_nms
        self.after_nms = False
        self.score_threshold = 0.25
        self.nms_iou = OPENING_NMS_IOU
        self.score_floor = score_floor
        self.targets: list[Annotations] | None = None
        if targets is not None:
            of_coco = is_coco_list(targets) or (
                isinstance(targets, Mapping) and "annotations" in targets
            )
            self.targets = to_annotations(
                targets,
                box_format=box_format,
                image_sizes=sizes,
                num_classes=MAX_LABEL + 1,
                class_names=class_names,
                image_ids=image_ids if of_coco else None,
            )
            _check_sizes(self.targets, sizes)
        self._image_ids = image_ids or _ids_of(self.targets or [])

    def measure(self, source: OutputSource) -> DetectionFrame:
        """Return the frame of what a source gives now.

        Raises:
            ValueError: detections that are not valid, of another number of images, or of a class
                that the first frame did not have.
        """
        parts: list[DetectionFrame] = []
        names: dict[int, str] = {}
        after_nms_each: list[bool | None] = []
        for i, found in enumerate(self._images(source)):
            target = None if self.targets is None else self.targets[i]
            size = self._sizes[i]
            parts.append(measure_image(found, target, self.settings, size))
            names |= found.names or {}
            after_nms_each.append(found.after_nms)
        frame = DetectionFrame.cat(parts)
        if self.classes:
            _check_labels(frame.tally.labels.tolist(), self.classes)
        else:
            self._settle(frame, names, after_nms_each)
        return replace(frame, settings=self.settings)

    def _settle(
        self, frame: DetectionFrame, names: dict[int, str], each: Sequence[bool | None]
    ) -> None:
        """Set what holds for all frames."""
        given = self._given_after_nms
        self.after_nms = all(each) if given is None else given
        overlap = frame.overlap or 1.0
        if self.after_nms:  # show exactly what was passed
            self.score_threshold, self.nms_iou = 0.0, 1.0
        elif given is None and None in each and OPENING_NMS_IOU < overlap < MOST_AFTER_NMS:
            self.nms_iou = overlap  # the same, if an NMS has left these
        for target in self.targets or []:
            names |= target.names or {}
        tally = frame.tally
        labels = {*tally.labels.tolist(), *tally.target_labels.tolist()}
        self.classes = to_classes(self._given_names, labels, names)
        self.settings = replace(self.settings, num_classes=max(self.classes) + 1)

    def read(self, given: Any, num_classes: int | None = None) -> list[Detections]:
        """Return the canonical detections of some images.

        Args:
            given: of some images; see `to_detections`.
            num_classes: of the head that has made them, if that is known.
        """
        found = to_detections(
            given,
            box_format=self.box_format,
            num_classes=num_classes,
            class_names=self._given_names,
            image_ids=self._image_ids if is_coco_list(given) else None,
            score_floor=self.score_floor,
        )
        check_images("detections", found, None, MAX_LABEL + 1)
        return found

    def read_targets(self, given: Any) -> list[Annotations]:
        """Return the canonical targets of other images."""
        names, box_format = self._given_names, self.box_format
        return to_annotations(given, box_format=box_format, class_names=names, absolute=False)

    def _images(self, source: OutputSource) -> Iterator[Detections]:
        done = 0
        for output in source.batches():
            found = self.read(output, source.num_classes)
            done += len(found)
            if done > len(self._sizes):
                break
            yield from found
        if done != len(self._sizes):
            raise refusal(
                "detections",
                expected=f"one entry for each of {len(self._sizes)} images",
                got=f"{'at least ' * (done > len(self._sizes))}{done}",
                remedy="Pass an empty entry for an image without boxes; with COCO's format pass "
                "image_ids, which images and in which order.",
            )


def _check_labels(labels: Iterable[int], classes: Mapping[int, str]) -> None:
    unknown = sorted(set(labels) - set(classes))
    if not unknown:
        return
    raise refusal(
        "labels",
        expected=f"those of the first frame: {describe_labels(classes)}",
        got=f"also {describe_labels(unknown)}",
        remedy="Make the preview with class_names= for all labels that there may be.",
    )


def _check_sizes(targets: Sequence[Annotations], sizes: Sequence[Size]) -> None:
    for i, (target, size) in enumerate(zip(targets, sizes, strict=True)):
        if target.size not in (None, size):
            remedy = "Pass image_ids with the ids of the images, in their order."
            if target.size == (size[1], size[0]):
                remedy += " A picture that is stored turned, as its EXIF tag says, is turned by "
                remedy += f"PIL.ImageOps.exif_transpose(images[{i}])."
            raise refusal(
                f"images[{i}]",
                expected="{} × {}, as the file of the targets has it".format(*target.size or size),
                got="{} × {}".format(*size),
                remedy=remedy,
            )


def _ids_of(targets: Iterable[Annotations]) -> list[ImageId] | None:
    """Return the images' ids, if all have one."""
    ids = [target.image_id for target in targets]
    known = [image_id for image_id in ids if image_id is not None]
    return known if known and len(known) == len(ids) else None
