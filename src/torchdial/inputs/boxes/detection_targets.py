"""The targets of a detector, as one `Annotations` an image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Any

import numpy as np
import torch

from torchdial.inputs.boxes.boxes import BoxFormat, array_in, format_of
from torchdial.inputs.boxes.class_names import ClassNames, ids_of
from torchdial.inputs.boxes.detection_fields import (
    BoxReading,
    ImageId,
    as_tensor,
    check_images,
    field,
    fields_of,
    group_by_image,
    is_coco_list,
    label_names,
    names_of,
    refuse_missing_keys,
    sort_ids,
    to_each,
    to_masks,
    to_numbers,
    to_sizes,
)
from torchdial.inputs.device_copies import copy_together
from torchdial.inputs.errors import describe, refusal, refuse_non_finite


@dataclass(frozen=True, eq=False)
class Annotations:
    """The true boxes of one image.

    Attributes:
        boxes: (M, 4) float32, x1, y1, x2, y2 in pixels: for pictures.
        xywh: (M, 4) float64, the same before any rounding: for COCO's IoU.
        labels: (M,) int64, as in the format: torchvision's start at 1, COCO's have gaps.
        iscrowd: (M,) bool, boxes around a crowd; COCO divides by the detection's area there.
        ignore: (M,) bool, boxes that count neither as found nor as missed: crowds, and those
            marked "ignore" (which pycocotools itself forgets).
        area: (M,) float64 in square pixels: what was given, or else width x height.
        masks: (M, H, W) instance masks, in the size they came; or None.
        names: the names of labels, where the format has them.
        image_id: COCO's, where the format has it.
        size: (H, W) of the image, where the format has it.
    """

    boxes: torch.Tensor
    xywh: torch.Tensor
    labels: torch.Tensor
    iscrowd: torch.Tensor
    ignore: torch.Tensor
    area: torch.Tensor
    masks: torch.Tensor | None = None
    names: dict[int, str] | None = None
    image_id: ImageId | None = None
    size: tuple[int, int] | None = None

    def __len__(self) -> int:
        """Return M."""
        return len(self.boxes)


def to_annotations(
    given: Any,
    *,
    box_format: BoxFormat | None = None,
    image_sizes: Sequence[Sequence[int]] | None = None,
    num_classes: int | None = None,
    class_names: ClassNames = None,
    image_ids: Sequence[ImageId] | None = None,
    absolute: bool = True,
) -> list[Annotations]:
    """Return the targets of each image, in host memory; masks on the device where they were.

    Labels are kept as they are: neither shifted nor renumbered.

    Args:
        given: one of these:

            - a dict with "boxes", "labels" and perhaps "iscrowd", "area", "ignore", "masks",
              "image_id", as torchvision has them, or a list with one for each image
            - transformers' dict of "class_labels" and normalised cxcywh "boxes" for a DETR;
              `supervision.Detections`; what detectron2 and mmdetection have under "instances" or
              "gt_instances"; or a list with one for each image
            - an `Annotations`, or a list with one for each image
            - COCO annotations: the dict with "images", "annotations", "categories" of a file, or
              its list of annotations, with "image_id", "category_id", "bbox" and perhaps
              "iscrowd", "area", "ignore"; segmentations are not read
        box_format: "xyxy", "xywh" or "cxcywh" of torchvision's dicts; None takes the format that
            boxes carry (`torchvision.tv_tensors`), else xyxy. The other kinds have their own.
        image_sizes: (H, W) of each image, if there has to be one `Annotations` for each.
        num_classes: labels must be less than this.
        class_names: a name for each label, for labels that are names.
        image_ids: COCO: which images, in which order; None takes all, sorted.
        absolute: whether to refuse boxes that look normalised.

    Raises:
        ValueError: another format, boxes, labels or areas that are not valid, lengths that
            differ, or another number of images.

    Example:
        >>> box = {"image_id": 7, "category_id": 90, "bbox": [10.5, 20, 30, 40], "area": 800.0}
        >>> true = to_annotations([box], image_ids=[7, 8])
        >>> true[0].boxes, true[0].area, len(true[1])
        (tensor([[10.5000, 20.0000, 40.5000, 60.0000]]), tensor([800.], dtype=torch.float64), 0)
    """
    sizes = to_sizes(image_sizes)
    how = BoxReading(box_format, ids_of(class_names))
    found = _read(to_each(given), how, sizes, image_ids)
    check_images("targets", found, sizes, num_classes, absolute=absolute)
    return found


def _read(
    given: Any,
    how: BoxReading,
    sizes: Sequence[Sequence[int]] | None,
    image_ids: Sequence[ImageId] | None,
) -> list[Annotations]:
    if isinstance(given, Mapping) and "annotations" in given:
        return _from_file(given, how, image_ids)
    if is_coco_list(given) or image_ids is not None:
        return _from_coco(given, how, image_ids)
    if isinstance(given, (list, tuple)):
        # another number of images is refused after
        each = zip_longest(given, (sizes or [])[: len(given)])
        return [_from_one(f"targets[{i}]", *one, how) for i, one in enumerate(each)]
    return [_from_one("targets", given, next(iter(sizes or []), None), how)]


def _from_one(name: str, one: Any, size: Sequence[int] | None, how: BoxReading) -> Annotations:
    """Read the targets of one image; `size` is its (H, W), if that is known."""
    if isinstance(one, Annotations):
        return one
    fields = fields_of(one)
    is_dict = isinstance(one, Mapping)
    if "boxes" not in fields or (is_dict and "labels" not in fields):
        raise refusal(
            name,
            expected="a dict with boxes, labels",
            got=f"only {sorted(fields)}" if is_dict else describe(one),
            remedy='Pass {"boxes": …, "labels": …} for each image; for FiftyOne\'s boxes multiply '
            "x and widths by the width of the image, y and heights by its height, with "
            'box_format="xywh"; image_ids goes with COCO\'s format only.',
        )
    fields["boxes"] = array_in(fields["boxes"])
    if not is_dict or field(one, "instances") is not None:
        how = replace(how, box_format=None)
        return _canonical(name, fields, how, names=names_of(one, fields.get("labels")))
    fields |= {key: one[key] for key in ("iscrowd", "ignore", "area") if key in one}
    if "class_labels" in one:
        fields, how = _in_pixels(name, one, fields, size), replace(how, box_format="cxcywh")
    return _canonical(name, fields, how, image_id=_plain_id(one.get("image_id")))


def _in_pixels(
    name: str, one: Mapping[str, Any], fields: dict[str, Any], shown: Sequence[int] | None
) -> dict[str, Any]:
    """Return the fields of transformers' targets in pixels of the image that is shown.

    Their boxes are fractions of the image, their areas in pixels of the resized one, whose (H, W)
    is `size`; `orig_size` is that of the file.
    """
    size, original = (
        None if one.get(key) is None else tuple(int(v) for v in one[key])
        for key in ("size", "orig_size")
    )
    is_original = shown is None or tuple(shown) == original
    height, width = (original if is_original else size) or size or shown or (1, 1)
    boxes = _float64(f"{name}.boxes", fields["boxes"]).reshape(-1, 4)
    fields = fields | {"boxes": boxes * boxes.new_tensor([width, height, width, height])}
    area = fields.pop("area", None)
    if area is None or size is None:
        return fields
    per_pixel = height * width / (size[0] * size[1])
    return fields | {"area": _float64(f"{name}.area", area) * per_pixel}


def _plain_id(image_id: Any) -> ImageId | None:
    """Return a number for a tensor of one number, as torchvision's tutorial makes it."""
    if isinstance(image_id, (torch.Tensor, np.ndarray, np.generic)):
        return int(image_id.item())
    return image_id  # type: ignore[no-any-return]


def _canonical(name: str, one: Mapping[str, Any], how: BoxReading, **known: Any) -> Annotations:
    how = replace(how, box_format=format_of(one["boxes"], how.box_format))
    one = _on_host(one)
    boxes = one["boxes"]
    many = hasattr(boxes, "__len__") and getattr(boxes, "shape", None) != ()
    scores = torch.ones(len(boxes) if many else 0)
    found, _ = how.read(name, boxes, scores, one.get("labels"))
    none = torch.zeros(len(found.boxes), dtype=torch.float64)
    xywh = _to_xywh(boxes, how.box_format)
    iscrowd = _column(f"{name}.iscrowd", one.get("iscrowd"), none) != 0
    ignore = _column(f"{name}.ignore", one.get("ignore"), none) != 0
    return Annotations(
        found.boxes,
        xywh,
        found.labels,
        iscrowd,
        iscrowd | ignore,
        _area(f"{name}.area", one.get("area"), xywh),
        to_masks(f"{name}.masks", one.get("masks"), len(none)),
        **known,
    )


def _on_host(one: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of one image with their tensors in host memory, masks as they are."""
    tensors = {key: v for key, v in one.items() if isinstance(v, torch.Tensor) and key != "masks"}
    plain = (tensor.detach().as_subclass(torch.Tensor) for tensor in tensors.values())
    return {**one, **dict(zip(tensors, copy_together("cpu", *plain), strict=True))}


def _area(name: str, given: Any, xywh: torch.Tensor) -> torch.Tensor:
    area = _column(name, given, xywh[:, 2] * xywh[:, 3])
    if not bool((area < 0).any()):
        return area
    raise refusal(
        name,
        expected="areas of at least 0",
        got=str(float(area.min())),
        remedy="Leave area out to take width x height.",
    )


def _to_xywh(boxes: Any, box_format: BoxFormat | None) -> torch.Tensor:
    """Return boxes in COCO's format and precision."""
    x, y, right, below = _float64("boxes", boxes).reshape(-1, 4).unbind(1)
    if box_format == "xyxy":
        return torch.stack((x, y, right - x, below - y), dim=1)
    if box_format == "cxcywh":
        return torch.stack((x - right / 2, y - below / 2, right, below), dim=1)
    return torch.stack((x, y, right, below), dim=1)


def _column(name: str, values: Any, default: torch.Tensor) -> torch.Tensor:
    """Return one finite float64 number for each box."""
    if values is None:
        return default
    column = _float64(name, values)
    if column.shape != default.shape:
        raise refusal(
            name,
            expected=f"one number for each of {len(default)} boxes",
            got=describe(values),
            remedy="Leave it out, or filter it together with the boxes.",
        )
    refuse_non_finite(name, column)
    return column


def _float64(name: str, values: Any) -> torch.Tensor:
    is_list = isinstance(values, (list, tuple))
    return as_tensor(name, np.asarray(values) if is_list else values).to(torch.float64)


def _from_file(
    given: Mapping[str, Any], how: BoxReading, image_ids: Sequence[ImageId] | None
) -> list[Annotations]:
    """Read the dict of a COCO file."""
    for i, image in enumerate(given.get("images", [])):
        refuse_missing_keys(f"targets['images'][{i}]", image, ["id"])
    for i, category in enumerate(given.get("categories", [])):
        refuse_missing_keys(f"targets['categories'][{i}]", category, ["id", "name"])
    images = {image["id"]: image for image in given.get("images", [])}
    names = label_names({c["id"]: c["name"] for c in given.get("categories", [])})
    if images and image_ids is None:
        image_ids = sort_ids(images)
    unknown = [i for i in image_ids or () if images and i not in images]
    if unknown:
        raise refusal(
            "image_ids",
            expected=f"ids of the {len(images)} images of the file, such as {list(images)[:3]}",
            got=f"also {unknown[:3]}",
            remedy="Take them from the file's images, of the same type.",
        )
    return [
        replace(one, names=names, size=_size_of(images.get(one.image_id, {})))
        for one in _from_coco(given["annotations"], how, image_ids)
    ]


def _size_of(image: Mapping[str, Any]) -> tuple[int, int] | None:
    if "height" not in image or "width" not in image:
        return None
    return int(image["height"]), int(image["width"])


def _from_coco(
    given: Any, how: BoxReading, image_ids: Sequence[ImageId] | None
) -> list[Annotations]:
    found = group_by_image("targets", given, ("category_id", "bbox"), image_ids)
    how = replace(how, box_format="xywh")
    return [_from_entries(image_id, entries, how) for image_id, entries in found]


def _from_entries(
    image_id: ImageId, entries: list[Mapping[str, Any]], how: BoxReading
) -> Annotations:
    name = f"targets[image_id={image_id!r}]"
    boxes = to_numbers(f"{name}.bbox", [e["bbox"] for e in entries], width=4)
    one = {
        "boxes": boxes,
        "labels": to_numbers(f"{name}.category_id", [e["category_id"] for e in entries]),
        "iscrowd": to_numbers(f"{name}.iscrowd", [e.get("iscrowd", 0) for e in entries]),
        "ignore": to_numbers(f"{name}.ignore", [e.get("ignore", 0) for e in entries]),
        "area": to_numbers(
            f"{name}.area",
            [e.get("area", w * h) for e, (_, _, w, h) in zip(entries, boxes, strict=True)],
        ),
    }
    return _canonical(name, one, how, image_id=image_id)
