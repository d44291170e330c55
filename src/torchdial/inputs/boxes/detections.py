"""What a detector found, in any of the usual forms, as one `Detections` an image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from torchdial.inputs.boxes.boxes import BoxFormat, array_in
from torchdial.inputs.boxes.class_names import ClassNames, ids_of, num_labels
from torchdial.inputs.boxes.detection_fields import (
    BoxReading,
    ImageId,
    check_images,
    field,
    fields_of,
    group_by_image,
    is_coco_list,
    names_of,
    to_each,
    to_masks,
    to_numbers,
    to_sizes,
)
from torchdial.inputs.boxes.lazy_masks import LazyMasks
from torchdial.inputs.boxes.raw_heads import ROTATED, head_in, read_head
from torchdial.inputs.errors import describe, refusal


@dataclass(frozen=True, eq=False)
class Detections:
    """The boxes a detector found in one image.

    Attributes:
        boxes: (N, 4) float32, x1, y1, x2, y2 in pixels.
        scores: (N,) float32 in [0, 1].
        labels: (N,) int64, as in the format: torchvision's start at 1, COCO's have gaps.
        masks: N instance masks, (N, H, W) bool or probabilities in the size they came, or
            `LazyMasks`; or None.
        after_nms: whether boxes have been suppressed already, so that an IoU dial can only
            tighten; None where the format does not tell.
        names: the names of labels, where the format has them.
        image_id: COCO's, where the format has it.
        index: (N,) int64, the place of each box in what was given; None where it is its own.
    """

    boxes: torch.Tensor
    scores: torch.Tensor
    labels: torch.Tensor
    masks: torch.Tensor | LazyMasks | None = None
    after_nms: bool | None = None
    names: dict[int, str] | None = None
    image_id: ImageId | None = None
    index: torch.Tensor | None = None

    def __len__(self) -> int:
        """Return N."""
        return len(self.boxes)


def to_detections(
    given: Any,
    *,
    box_format: BoxFormat | None = None,
    image_sizes: Sequence[Sequence[int]] | None = None,
    num_classes: int | None = None,
    class_names: ClassNames = None,
    image_ids: Sequence[ImageId] | None = None,
    after_nms: bool | None = None,
    score_floor: float = 0.0,
    absolute: bool = True,
) -> list[Detections]:
    """Return what was found in each image, in host memory; masks on the device where they were.

    Labels are kept as they are: neither shifted nor renumbered. COCO's category ids have gaps,
    and results and annotations that come with the same ids match without a mapping.

    Args:
        given: one of these, or a list with one of the first four for each image:

            - a dict with "boxes", "scores", "labels" and perhaps "masks", as from torchvision
              and from transformers' `post_process_object_detection`
            - a tuple (boxes, scores) or (boxes, scores, labels) of tensors or arrays
            - Ultralytics' `Results`, `supervision.Detections`, detectron2's `Instances` or the dict
              that holds them, mmdetection's `DetDataSample`: these are after NMS
            - a `Detections`
            - COCO results: a list of dicts with "image_id", "category_id", "bbox", "score"
            - a raw head, alone or in the tuple in which it comes, of the layouts that
              `torchdial.inputs.boxes.raw_heads.read_head` names; each box gets its best class
        box_format: "xyxy", "xywh" or "cxcywh" of boxes in dicts and tuples; None takes the format
            that boxes carry (`torchvision.tv_tensors`), else xyxy. The other kinds have their own.
        image_sizes: (H, W) of each image, if there has to be one `Detections` for each.
        num_classes: labels must be less than this; for a raw head, its number of classes.
        class_names: a name for each label, for labels that are names, and in place of
            `num_classes` for a raw head.
        image_ids: COCO results: which images, in which order; None takes those that occur,
            sorted. Pass it, since images in which nothing was found do not occur.
        after_nms: whether NMS has been done, for formats that do not tell.
        score_floor: boxes with a score of at most this are left out before they are checked; 0
            keeps all.
        absolute: whether to refuse boxes that look normalised.

    Raises:
        ValueError: another format, boxes, scores or labels that are not valid, lengths that
            differ, or another number of images.

    Example:
        >>> found = to_detections(([[10.0, 20.0, 30.0, 60.0]], [0.9]), box_format="xywh")
        >>> found[0].boxes
        tensor([[10., 20., 40., 80.]])
    """
    how = BoxReading(box_format, ids_of(class_names), score_floor)
    head_classes = num_labels(class_names) if num_classes is None else num_classes
    found = _read(to_each(given), how, head_classes, image_ids)
    check_images("detections", found, to_sizes(image_sizes), num_classes, absolute=absolute)
    if after_nms is None:
        return found
    return [replace(image, after_nms=after_nms) for image in found]


def _read(
    given: Any, how: BoxReading, num_classes: int | None, image_ids: Sequence[ImageId] | None
) -> list[Detections]:
    head = head_in(given)
    if head is not None:
        return [
            _canonical(
                f"detections[{i}]",
                replace(how, box_format=one.box_format),
                *(one.boxes, one.scores, one.labels, one.masks),
                after_nms=one.after_nms,
            )
            for i, one in enumerate(read_head(head, num_classes))
        ]
    if is_coco_list(given) or image_ids is not None:
        groups = group_by_image("detections", given, ("category_id", "bbox", "score"), image_ids)
        return [_from_entries(image_id, entries, how) for image_id, entries in groups]
    if isinstance(given, list) or (isinstance(given, tuple) and not _is_plain(given)):
        return [_from_one(f"detections[{i}]", one, how) for i, one in enumerate(given)]
    return [_from_one("detections", given, how)]


def _from_one(name: str, one: Any, how: BoxReading) -> Detections:
    """Read what one image has."""
    if isinstance(one, Detections):
        return one if how.score_floor <= 0 else _above(one, how.score_floor)
    if isinstance(one, tuple) and _is_plain(one):
        return _canonical(name, how, *one)
    fields = fields_of(one)
    needed = ("boxes", "scores", "labels") if isinstance(one, Mapping) else ("boxes", "scores")
    if not all(key in fields for key in needed):
        raise _unreadable(name, one)
    labels = fields.get("labels")
    # An object is what a library returns, with corners and after NMS; so is transformers' dict,
    # in this order, of models that need no NMS.
    is_dict = isinstance(one, Mapping) and field(one, "instances") is None
    after_nms = not is_dict or [*one] == ["scores", "labels", "boxes"] or None
    how = how if is_dict else replace(how, box_format=None)
    return _canonical(
        name,
        how,
        array_in(fields["boxes"]),
        fields["scores"],
        labels,
        fields.get("masks"),
        after_nms=after_nms,
        names=names_of(one, labels),
    )


def _canonical(
    name: str,
    how: BoxReading,
    boxes: Any,
    scores: Any,
    labels: Any = None,
    masks: Any = None,
    **known: Any,
) -> Detections:
    found, index = how.read(name, boxes, scores, labels)
    if not isinstance(masks, LazyMasks):
        masks = to_masks(f"{name}.masks", masks, len(scores))
    if masks is not None:
        masks = masks[index]
    return Detections(*found, masks, index=index if how.score_floor > 0 else None, **known)


def _above(one: Detections, floor: float) -> Detections:
    index = (one.scores > floor).nonzero().squeeze(1)
    return replace(
        one,
        boxes=one.boxes[index],
        scores=one.scores[index],
        labels=one.labels[index],
        masks=None if one.masks is None else one.masks[index],
        index=index if one.index is None else one.index[index],
    )


def _from_entries(
    image_id: ImageId, entries: list[Mapping[str, Any]], how: BoxReading
) -> Detections:
    name = f"detections[image_id={image_id!r}]"
    boxes = to_numbers(f"{name}.bbox", [e["bbox"] for e in entries], width=4)
    scores = to_numbers(f"{name}.score", [e["score"] for e in entries]).astype(float)
    labels = to_numbers(f"{name}.category_id", [e["category_id"] for e in entries])
    how = replace(how, box_format="xywh")
    return _canonical(name, how, boxes, scores, labels, image_id=image_id)


UNREADABLE = (  # attributes of a kind, its name, and how to turn it into one that is read
    (
        ("logits", "pred_boxes"),
        "the raw output of a DETR",
        "Pass processor.post_process_object_detection(outputs, threshold=0.0, "
        "target_sizes=[image.shape[-2:] for image in images]).",
    ),
    (
        ("object_prediction_list",),
        "SAHI's PredictionResult",
        "Pass [one for i, result in enumerate(results) for one in "
        "result.to_coco_predictions(image_id=i)] with image_ids=range(len(results)).",
    ),
    (
        ("detections",),
        "FiftyOne's Detections",
        "Pass for each image ([[x * W, y * H, w * W, h * H] for x, y, w, h in "
        "(d.bounding_box for d in sample.detections)], [d.confidence for d in sample.detections], "
        '[d.label for d in sample.detections]) with box_format="xywh" and class_names=.',
    ),
    (("probs",), "Results of a classification", "Use a model that detects or segments."),
    (("obb",), "Results without boxes along the axes", ROTATED),
    (("xyxy",), "boxes without scores", "They are targets: pass them as those."),
)


def _unreadable(name: str, one: Any) -> ValueError:
    got = f"only {sorted(map(str, one))}" if isinstance(one, Mapping) else describe(one)
    remedy = (
        "Pass (boxes, scores, labels) for one image or a list of them; read a json file with "
        "json.load."
    )
    for attributes, kind, conversion in UNREADABLE:
        if all(field(one, attribute) is not None for attribute in attributes):
            got, remedy = kind, conversion
            break
    return refusal(
        name,
        expected="a dict with boxes, scores, labels, a tuple (boxes, scores, labels), Ultralytics "
        "Results, supervision.Detections, or a raw head of shape (B, 4 + classes, N)",
        got=got,
        remedy=remedy,
    )


def _is_plain(given: tuple[Any, ...]) -> bool:
    """Whether a tuple is (boxes, scores) or (boxes, scores, labels) of one image."""
    return len(given) in (2, 3) and (hasattr(given[0], "shape") or isinstance(given[0], list))
