"""What a detector found, in any of the forms people have it, as one `Detections` an image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from torchdial.inputs.boxes import BoxFormat
from torchdial.inputs.detection_fields import (
    ImageId,
    as_tensor,
    check_images,
    group_by_image,
    is_coco_list,
    read_boxes,
    refuse_missing_keys,
    to_masks,
    to_names,
    to_numbers,
)
from torchdial.inputs.errors import describe, refusal


@dataclass(frozen=True, eq=False)
class Detections:
    """The boxes a detector found in one image.

    Attributes:
        boxes: (N, 4) float32, x1, y1, x2, y2 in pixels.
        scores: (N,) float32 in [0, 1].
        labels: (N,) int64, as in the format: torchvision's start at 1, COCO's have gaps.
        masks: (N, H, W) instance masks, bool or probabilities, in the size they came; or None.
        after_nms: whether boxes have been suppressed already; an IoU dial can then only tighten.
        names: the names of labels, where the format has them.
        image_id: COCO's, where the format has it.
    """

    boxes: torch.Tensor
    scores: torch.Tensor
    labels: torch.Tensor
    masks: torch.Tensor | None = None
    after_nms: bool = False
    names: dict[int, str] | None = None
    image_id: ImageId | None = None

    def __len__(self) -> int:
        """Return N."""
        return len(self.boxes)


def to_detections(
    given: Any,
    *,
    box_format: BoxFormat = "xyxy",
    image_sizes: Sequence[Sequence[int]] | None = None,
    num_classes: int | None = None,
    image_ids: Sequence[ImageId] | None = None,
    after_nms: bool | None = None,
) -> list[Detections]:
    """Return what was found in each image, on the device where it was.

    Labels are kept as they are: neither shifted nor renumbered. COCO's category ids have gaps,
    and results and annotations that come with the same ids match without a mapping.

    Args:
        given: one of these, or a list with one of the first four for each image:

            - a dict with "boxes", "scores", "labels" and perhaps "masks", as from torchvision
              and from transformers' `post_process_object_detection`
            - a tuple (boxes, scores) or (boxes, scores, labels) of tensors or arrays
            - an Ultralytics `Results` or a `supervision.Detections`: these are after NMS
            - a `Detections`
            - COCO results: a list of dicts with "image_id", "category_id", "bbox", "score"
            - an Ultralytics raw head, cxcywh and class scores of shape (B, 4 + classes, N), or
              the tuple in which it comes; each box gets its best class
        box_format: "xyxy", "xywh" or "cxcywh" of boxes in dicts and tuples; the other formats
            have their own.
        image_sizes: (H, W) of each image, if there has to be one `Detections` for each.
        num_classes: labels must be less than this; for a raw head, its number of classes.
        image_ids: COCO results: which images, in which order; None takes those that occur,
            sorted. Pass it, since images in which nothing was found do not occur.
        after_nms: whether NMS has been done, for formats that do not tell; None takes it as
            done for `Results` and `supervision.Detections` alone.

    Raises:
        ValueError: another format, boxes, scores or labels that cannot be meant, lengths that
            differ, or another number of images.

    Example:
        >>> found = to_detections(([[10.0, 20.0, 30.0, 60.0]], [0.9]), box_format="xywh")
        >>> found[0].boxes
        tensor([[10., 20., 40., 80.]])
    """
    found = _read(given, box_format, num_classes, image_ids)
    check_images("detections", found, image_sizes, num_classes)
    if after_nms is None:
        return found
    return [replace(image, after_nms=after_nms) for image in found]


def _read(
    given: Any,
    box_format: BoxFormat,
    num_classes: int | None,
    image_ids: Sequence[ImageId] | None,
) -> list[Detections]:
    head = _head_in(given)
    if head is not None:
        return _from_head(head, num_classes)
    if is_coco_list(given) or image_ids is not None:
        return _from_coco(given, image_ids)
    if isinstance(given, list) or (isinstance(given, tuple) and not _is_plain(given)):
        return [_from_one(f"detections[{i}]", one, box_format) for i, one in enumerate(given)]
    return [_from_one("detections", given, box_format)]


def _from_one(name: str, one: Any, box_format: BoxFormat) -> Detections:
    """Read what one image has."""
    if isinstance(one, Detections):
        return one
    if isinstance(one, Mapping):
        return _from_dict(name, one, box_format)
    if isinstance(one, tuple) and _is_plain(one):
        return _canonical(name, *one, box_format=box_format)
    if hasattr(one, "xyxy") and hasattr(one, "confidence"):
        return _from_supervision(name, one)
    if hasattr(one, "boxes") and hasattr(one, "names"):
        return _from_results(name, one)
    raise refusal(
        name,
        expected="a dict with boxes, scores and labels, a tuple (boxes, scores, labels), "
        "Ultralytics Results, supervision.Detections, or a raw head of shape (B, 4 + classes, N)",
        got=describe(one),
        remedy="Pass (boxes, scores, labels) for one image or a list of them; read a json file "
        "with json.load.",
    )


def _canonical(
    name: str,
    boxes: Any,
    scores: Any,
    labels: Any = None,
    masks: Any = None,
    *,
    box_format: BoxFormat = "xyxy",
    **known: Any,
) -> Detections:
    found = read_boxes(name, boxes, scores, labels, box_format)
    return Detections(*found, to_masks(f"{name}.masks", masks, len(found[0])), **known)


def _from_dict(name: str, one: Mapping[str, Any], box_format: BoxFormat) -> Detections:
    refuse_missing_keys(name, one, ("boxes", "scores", "labels"))
    fields = (one["boxes"], one["scores"], one["labels"], one.get("masks"))
    return _canonical(name, *fields, box_format=box_format)


def _from_results(name: str, one: Any) -> Detections:
    """Read an Ultralytics `Results`; its masks may be smaller than the image."""
    boxes = one.boxes
    if boxes is None:
        raise refusal(
            name,
            expected="Results with boxes",
            got="boxes=None",
            remedy="Classification and oriented boxes (Results.obb) cannot be shown; use a "
            "model that detects or segments.",
        )
    masks = getattr(one, "masks", None)
    return _canonical(
        name,
        boxes.xyxy,
        boxes.conf,
        boxes.cls,
        None if masks is None else masks.data,
        after_nms=True,
        names=to_names(one.names),
    )


def _from_supervision(name: str, one: Any) -> Detections:
    if one.confidence is None:
        raise refusal(
            name,
            expected="supervision.Detections with confidence",
            got="confidence=None",
            remedy="Boxes without scores are targets: pass them as those.",
        )
    return _canonical(
        name,
        one.xyxy,
        one.confidence,
        one.class_id,
        getattr(one, "mask", None),
        after_nms=True,
        names=_names_beside(one.class_id, getattr(one, "data", None)),
    )


def _names_beside(labels: Any, data: Mapping[str, Any] | None) -> dict[int, str] | None:
    """Return the names of the classes that occur, which is all that supervision keeps."""
    names = (data or {}).get("class_name")
    if names is None or labels is None:
        return None
    return to_names(dict(zip(labels, names, strict=False)))


def _from_coco(given: Any, image_ids: Sequence[ImageId] | None) -> list[Detections]:
    found = group_by_image("detections", given, ("category_id", "bbox", "score"), image_ids)
    return [_from_entries(image_id, entries) for image_id, entries in found]


def _from_entries(image_id: ImageId, entries: list[Mapping[str, Any]]) -> Detections:
    name = f"detections[image_id={image_id!r}]"
    boxes = to_numbers(f"{name}.bbox", [e["bbox"] for e in entries], width=4)
    scores = to_numbers(f"{name}.score", [e["score"] for e in entries]).astype(float)
    labels = to_numbers(f"{name}.category_id", [e["category_id"] for e in entries])
    return _canonical(name, boxes, scores, labels, box_format="xywh", image_id=image_id)


def _head_in(given: Any) -> torch.Tensor | None:
    """Return an Ultralytics raw head, alone or in the pair (head, feature maps) of eval mode."""
    pair = isinstance(given, tuple) and len(given) == 2 and not hasattr(given[1], "shape")
    head = given[0] if pair else given
    return as_tensor("detections", head) if getattr(head, "ndim", None) == 3 else None


def _from_head(head: torch.Tensor, num_classes: int | None) -> list[Detections]:
    """Read a raw head. Nothing found shares its memory, since Ultralytics' NMS writes into it."""
    _check_head(head, num_classes)
    best = head[:, 4:].to(torch.float32).max(dim=1)
    boxes = head[:, :4].mT
    return [
        _canonical(f"detections[{i}]", *fields, box_format="cxcywh")
        for i, fields in enumerate(zip(boxes, best.values, best.indices, strict=True))
    ]


def _check_head(head: torch.Tensor, num_classes: int | None) -> None:
    _, channels, count = head.shape
    if channels >= 5 and (
        channels <= count if num_classes is None else channels == 4 + num_classes
    ):
        return
    classes = "classes" if num_classes is None else num_classes
    raise refusal(
        "detections",
        expected=f"a raw head of shape (B, 4 + {classes}, N)",
        got=describe(head),
        remedy="Rows of x1, y1, x2, y2, score, class are after NMS: pass them as a tuple "
        "(boxes, scores, labels) for each image."
        if head.shape[2] == 6
        else "Transpose it with .mT if boxes come before channels, pass num_classes= if there are "
        "few boxes, and leave mask coefficients out with head[:, :4 + classes].",
    )


def _is_plain(given: tuple[Any, ...]) -> bool:
    """Whether a tuple is (boxes, scores) or (boxes, scores, labels) of one image."""
    return len(given) in (2, 3) and (hasattr(given[0], "shape") or isinstance(given[0], list))
