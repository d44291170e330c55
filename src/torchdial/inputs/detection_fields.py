"""What reading detections and annotations have in common: numbers, masks, names, COCO's lists."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from torchdial.inputs.arguments import to_list
from torchdial.inputs.boxes import Boxes, BoxFormat, refuse_normalised, to_boxes
from torchdial.inputs.errors import describe, refusal
from torchdial.inputs.numbers import to_whole

ImageId = int | str
CLASSES = "It is the largest label + 1."


def check_images(
    name: str,
    found: Sequence[Any],
    image_sizes: Sequence[Sequence[int]] | None,
    num_classes: int | None,
) -> None:
    """Check what can be seen with all images, `Detections` or `Annotations`, side by side.

    Raises:
        ValueError: not one entry for each image, normalised boxes, or labels out of range.
    """
    if num_classes is not None:
        num_classes = to_whole("num_classes", num_classes, 1, remedy=CLASSES)
    if image_sizes is not None and len(found) != (count := len(_to_sizes(image_sizes))):
        raise refusal(
            name,
            expected=f"one entry for each of {count} images",
            got=str(len(found)),
            remedy="Pass an empty entry for an image without boxes; with COCO's format pass "
            "image_ids, which images and in which order.",
        )
    if found:
        device = found[0].boxes.device
        refuse_normalised(torch.cat([one.boxes.to(device) for one in found]), f"{name}: boxes")
    for i, one in enumerate(found):
        _refuse_unknown_labels(f"{name}[{i}].labels", one.labels, num_classes)


def _to_sizes(image_sizes: Any) -> list[Any]:
    expected, remedy = "(H, W) of each image", "Pass image.shape[-2:] of each."
    return to_list("image_sizes", image_sizes, expected=expected, remedy=remedy)


def read_boxes(name: str, boxes: Any, scores: Any, labels: Any, box_format: BoxFormat) -> Boxes:
    """Return one image's boxes, normalised or not; without scores all of them are 1.

    Raises:
        ValueError: as `to_boxes`, with `name` before the argument.
    """
    if scores is None:
        many = hasattr(boxes, "__len__") and getattr(boxes, "shape", None) != ()
        scores = torch.ones(len(boxes) if many else 0)
    try:
        return to_boxes(boxes, scores, labels, box_format, absolute=False)
    except ValueError as error:
        raise ValueError(f"{name}.{error}") from None


def to_names(names: Any) -> dict[int, str] | None:
    """Return the names of labels, from a dict or a list; None if there are none."""
    if not names:
        return None
    pairs = names.items() if isinstance(names, Mapping) else enumerate(names)
    return {int(label): str(name) for label, name in pairs}


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
                remedy="Look at what wrote the file.",
            )
    return sorted(set(ids), key=lambda i: (isinstance(i, str), i))


def to_numbers(name: str, values: list[Any], width: int | None = None) -> np.ndarray:
    """Return json's numbers as float64 or int64, of shape (n,) or (n, width).

    Raises:
        ValueError: they are no numbers, or not as many.
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
        remedy="Look at what wrote the file.",
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
    tensor = as_tensor(name, masks)
    if tensor.ndim == 4 and tensor.shape[1] == 1:
        tensor = tensor[:, 0]
    if tensor.ndim != 3 or len(tensor) != count:
        raise refusal(
            name,
            expected=f"shape (N, H, W) or (N, 1, H, W) with N = {count} boxes",
            got=describe(masks),
            remedy="Pass one mask for each box, or none at all.",
        )
    return tensor if tensor.is_floating_point() else tensor != 0


def as_tensor(name: str, value: Any) -> torch.Tensor:
    """Return a detached tensor, from a tensor or from what numpy reads as an array of numbers.

    Raises:
        ValueError: it is neither.
    """
    if hasattr(value, "__array__") and not isinstance(value, torch.Tensor):
        value = np.asarray(value)
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf" and value.itemsize <= 8:
        native = value.dtype.newbyteorder("=")
        value = torch.from_numpy(np.require(value, native, ["C_CONTIGUOUS", "WRITEABLE"]))
    if isinstance(value, torch.Tensor):
        return value.detach()
    raise refusal(
        name,
        expected="a tensor or an array of numbers",
        got=describe(value),
        remedy="Convert it with torch.as_tensor(...).",
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
