"""What reading detections and targets have in common: fields by their usual names, COCO's lists."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from torchdial.inputs.arguments import to_list
from torchdial.inputs.boxes.boxes import Boxes, BoxFormat, array_in, boxes_above, refuse_normalised
from torchdial.inputs.errors import describe, refusal
from torchdial.inputs.numbers import to_whole

ImageId = int | str

FIELD_NAMES = {  # of torchvision, supervision, Ultralytics, detectron2, mmdetection, transformers
    "boxes": ("xyxy", "boxes", "pred_boxes", "gt_boxes", "bboxes"),
    "scores": ("scores", "confidence", "conf"),
    "labels": ("labels", "class_id", "cls", "pred_classes", "gt_classes", "class_labels"),
    "masks": ("masks", "mask", "pred_masks", "gt_masks"),
}
HOLDERS = ("instances", "pred_instances", "gt_instances")  # of detectron2, mmdetection


@dataclass(frozen=True)
class BoxReading:
    """How boxes are read; see `to_detections` and `to_annotations`.

    Attributes:
        box_format: of those that carry none; None for xyxy.
        ids: the label of each class name, for labels that are names.
        score_floor: boxes with a score of at most this are left out before they are checked.
    """

    box_format: BoxFormat | None = None
    ids: Mapping[str, int] | None = None
    score_floor: float = 0.0

    def read(self, name: str, boxes: Any, scores: Any, labels: Any) -> tuple[Boxes, torch.Tensor]:
        """Return `boxes_above` the floor; an error says `name` before the argument."""
        how = {"score_floor": self.score_floor, "ids": self.ids}
        try:
            return boxes_above(boxes, scores, labels, self.box_format, **how)  # type: ignore[arg-type]
        except ValueError as error:
            raise ValueError(f"{name}.{error}") from None


def fields_of(one: Any) -> dict[str, Any]:
    """Return boxes, scores, labels and masks of one image, whatever library's dict or object.

    They are looked for under `FIELD_NAMES`; where they are one level further down, as in
    detectron2's "instances" or Ultralytics' `Results.boxes`, there.

    Args:
        one: a mapping, or an object with attributes.

    Returns:
        "boxes", "scores", "labels" and "masks", as far as there are any.

    Example:
        >>> fields_of({"instances": {"pred_boxes": [[0, 0, 9, 9]], "pred_classes": [2]}})
        {'boxes': [[0, 0, 9, 9]], 'labels': [2]}
    """
    inner = _first(one, HOLDERS)
    inner = one if inner is None else inner
    found = {key: _first(inner, names) for key, names in FIELD_NAMES.items()}
    found = {key: value for key, value in found.items() if value is not None}
    if hasattr(found.get("boxes"), "xyxy"):
        return found | fields_of(found["boxes"])
    return found


def field(one: Any, name: str) -> Any:
    """Return an entry of a mapping or an attribute of an object; None if there is none."""
    return one.get(name) if isinstance(one, Mapping) else getattr(one, name, None)


def _first(one: Any, names: Iterable[str]) -> Any:
    return next((v for v in (field(one, name) for name in names) if v is not None), None)


def names_of(one: Any, labels: Any) -> dict[int, str] | None:
    """Return the names of labels that come with one image: all, or those that occur in it."""
    named = field(one, "names")
    if isinstance(named, (Mapping, list, tuple)):
        return label_names(named)
    data = field(one, "data")  # of supervision
    names = data.get("class_name") if isinstance(data, Mapping) else None
    if names is None or labels is None:
        return None
    return label_names(dict(zip(labels, names, strict=False)))


def check_images(
    name: str,
    found: Sequence[Any],
    image_sizes: Sequence[Sequence[int]] | None,
    num_classes: int | None,
    *,
    absolute: bool = True,
) -> None:
    """Check `Detections` or `Annotations` of several images together.

    Raises:
        ValueError: not one entry for each image, normalised boxes where they have to be
            `absolute`, or labels out of range.
    """
    if num_classes is not None:
        remedy = "It is the largest label + 1."
        num_classes = to_whole("num_classes", num_classes, 1, remedy=remedy)
    if image_sizes is not None and len(found) != len(image_sizes):
        raise refusal(
            name,
            expected=f"one entry for each of {len(image_sizes)} images",
            got=str(len(found)),
            remedy="Pass an empty entry for an image without boxes; with COCO's format pass "
            "image_ids, which images and in which order.",
        )
    if absolute:
        refuse_normalised(all_boxes(found), f"{name}: boxes")
    for i, one in enumerate(found):
        _refuse_unknown_labels(f"{name}[{i}].labels", one.labels, num_classes)


def all_boxes(found: Sequence[Any]) -> torch.Tensor:
    """Return the boxes of `Detections` or `Annotations` together, float32 (N, 4)."""
    if not found:
        return torch.empty(0, 4)
    return torch.cat([one.boxes for one in found])


def to_sizes(image_sizes: Any) -> list[Any] | None:
    """Return the sizes of images as a list; None if None."""
    if image_sizes is None:
        return None
    expected, remedy = "(H, W) of each image", "Pass image.shape[-2:] of each."
    return to_list("image_sizes", image_sizes, expected=expected, remedy=remedy)


def label_names(names: Any) -> dict[int, str] | None:
    """Return the names of labels, from a dict or a list; None if there are none."""
    if not names:
        return None
    pairs = names.items() if isinstance(names, Mapping) else enumerate(names)
    return {int(label): str(name) for label, name in pairs}


def to_each(given: Any) -> Any:
    """Return the entries of a NumPy array of objects as a list, and anything else as it is."""
    return given.tolist() if isinstance(given, np.ndarray) and given.dtype == object else given


def is_coco_list(given: Any) -> bool:
    """Whether this is a list of COCO's dicts, one a box."""
    return (
        isinstance(given, list)
        and len(given) > 0
        and isinstance(given[0], Mapping)
        and "image_id" in given[0]
        and "bbox" in given[0]
    )


def group_by_image(
    name: str, entries: Any, keys: Iterable[str], image_ids: Sequence[ImageId] | None
) -> list[tuple[ImageId, list[Mapping[str, Any]]]]:
    """Return COCO's entries of each image with its id, in the order of `image_ids`, or sorted.

    Raises:
        ValueError: an entry lacks one of the keys, or none of them is of these images.
    """
    if not isinstance(entries, list):
        raise refusal(
            name,
            expected="a list of COCO's dicts, one a box",
            got=describe(entries),
            remedy="Read the file with json.load; pass image_ids with COCO's format only.",
        )
    for i, entry in enumerate(entries):
        refuse_missing_keys(f"{name}[{i}]", entry, ("image_id", *keys))
    wanted = sort_ids(e["image_id"] for e in entries) if image_ids is None else image_ids
    found: dict[ImageId, list[Mapping[str, Any]]] = {i: [] for i in wanted}
    for entry in entries:
        if entry["image_id"] in found:
            found[entry["image_id"]].append(entry)
    if entries and not any(found.values()):
        raise refusal(
            f"{name}: image_id",
            expected=f"some of {list(found)[:3]}",
            got=f"{entries[0]['image_id']!r} and others",
            remedy="Pass image_ids with the ids of the file, of the same type.",
        )
    return [(image_id, found[image_id]) for image_id in wanted]


def sort_ids(ids: Iterable[Any]) -> list[ImageId]:
    """Return ids once each, numbers before text, which is the order of torchvision's COCO.

    Raises:
        ValueError: an id is neither a whole number nor text.
    """
    ids = list(ids)
    for image_id in ids:
        if not isinstance(image_id, (int, str)):
            raise refusal(
                "image_id",
                expected="a whole number or text",
                got=describe(image_id),
                remedy="Check the program that wrote the file.",
            )
    return sorted(set(ids), key=lambda i: (isinstance(i, str), i))


def to_numbers(name: str, values: list[Any], width: int | None = None) -> np.ndarray:
    """Return json's numbers as float64 or int64, of shape (n,) or (n, width).

    Raises:
        ValueError: some are no numbers, or the shape is another.
    """
    shape = (len(values),) if width is None else (len(values), width)
    try:
        array = np.asarray(values) if values else np.zeros(shape)
    except ValueError:  # lists of different lengths
        array = np.empty(0, dtype=object)
    if array.shape == shape and array.dtype.kind in "biuf":
        return array
    raise refusal(
        name,
        expected="numbers" if width is None else f"{width} numbers for each box",
        got=f"{values!r:.60}",
        remedy="Check the program that wrote the file.",
    )


def to_masks(name: str, masks: Any, count: int) -> torch.Tensor | None:
    """Return instance masks as (N, H, W), bool or float, in the size they came; None if None.

    Args:
        name: what to call the argument in an error.
        masks: (N, H, W) or torchvision's (N, 1, H, W); whole numbers mean on where not 0.
        count: N, the number of boxes.

    Raises:
        ValueError: another shape, or another number of masks than of boxes.
    """
    if masks is None:
        return None
    remedy = (
        "Pass an array of one mask for each box, or no masks; of run lengths "
        "pycocotools.mask.decode(masks).transpose(2, 0, 1)."
    )
    tensor = as_tensor(name, masks, remedy)
    if tensor.ndim == 4 and tensor.shape[1] == 1:
        tensor = tensor[:, 0]
    if tensor.ndim != 3 or len(tensor) != count:
        raise refusal(
            name,
            expected=f"shape (N, H, W) or (N, 1, H, W) with N = {count} boxes",
            got=describe(masks),
            remedy=remedy,
        )
    return tensor if tensor.is_floating_point() else tensor != 0


def as_tensor(
    name: str, value: Any, remedy: str = "Convert it with torch.as_tensor(...)."
) -> torch.Tensor:
    """Return a detached tensor, from a tensor or from what numpy reads as an array of numbers.

    Raises:
        ValueError: it is neither; `remedy` says what to do.
    """
    value = array_in(value)
    if hasattr(value, "__array__") and not isinstance(value, torch.Tensor):
        value = np.asarray(value)
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf" and value.itemsize <= 8:
        native = value.dtype.newbyteorder("=")
        value = torch.from_numpy(np.require(value, native, ["C_CONTIGUOUS", "WRITEABLE"]))
    if isinstance(value, torch.Tensor):
        return value.detach().as_subclass(torch.Tensor)
    raise refusal(
        name, expected="a tensor or an array of numbers", got=describe(value), remedy=remedy
    )


def refuse_missing_keys(name: str, entry: Any, keys: Iterable[str]) -> None:
    """Raise if an entry is no dict with all of these keys."""
    if isinstance(entry, Mapping) and all(key in entry for key in keys):
        return
    got = f"only {sorted(map(str, entry))}" if isinstance(entry, Mapping) else describe(entry)
    raise refusal(
        name,
        expected=f"a dict with {', '.join(keys)}",
        got=got,
        remedy="Rename or add what is missing; image_ids goes with COCO's format only.",
    )


def _refuse_unknown_labels(name: str, labels: torch.Tensor, num_classes: int | None) -> None:
    """Raise if a label is negative, or not less than `num_classes` if that is given."""
    unknown = labels < 0
    if num_classes is not None:
        unknown |= labels >= num_classes
    if not bool(unknown.any()):
        return
    raise refusal(
        name,
        expected="labels of at least 0" if num_classes is None else f"labels 0 … {num_classes - 1}",
        got=f"also {torch.unique(labels[unknown])[:5].tolist()} at {int(unknown.sum()):,} boxes",
        remedy="num_classes is the largest label + 1: torchvision counts the background, and "
        "COCO's category ids have gaps.",
    )
