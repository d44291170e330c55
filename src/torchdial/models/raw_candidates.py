"""torchvision's detectors, made to return their candidates from before non-maximum suppression."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from numbers import Real
from typing import Any, TypeVar

from torch import nn

from torchdial.inputs.boxes.lazy_masks import BoxMasks
from torchdial.inputs.errors import describe, refusal

M = TypeVar("M", bound=nn.Module)

NMS_SETTINGS = ("score_thresh", "nms_thresh", "detections_per_img")
MASK_POOL, KEYPOINT_POOL = "mask_roi_pool", "keypoint_roi_pool"  # without it a head does not run
NO_IOU = 2.0  # not 1.0: on a GPU the IoU of two equal boxes may round to a little above 1


@contextmanager
def raw_candidates(model: M, score_floor: float = 0.01, *, masks: bool = False) -> Iterator[M]:
    """Let a torchvision detector return its candidates before NMS, inside the context.

    For RetinaNet, FCOS, SSD, Faster, Mask and Keypoint R-CNN. What comes before NMS in the
    model stays as it is (the best `topk_candidates` of each level or class, the proposals of an
    R-CNN), because it does not depend on the dials: NMS and a score threshold on the candidates
    give what the model itself would give with these settings. Keypoints are left out. After it,
    also after an error, the model is restored.

    Args:
        model: the detector. It is changed in place, so use it from one thread at a time.
        score_floor: candidates with a score of at most this are dropped, in [0, 1). A score dial
            has no effect below it; a lower floor costs memory and time.
        masks: whether a Mask R-CNN makes the mask of each candidate, which costs time. They are
            returned as `torchdial.inputs.boxes.lazy_masks.BoxMasks`.

    Yields:
        The model.

    Raises:
        ValueError: the model has not torchvision's attributes, or the floor is out of range.

    Example:
        >>> from types import SimpleNamespace
        >>> model = SimpleNamespace(score_thresh=0.05, nms_thresh=0.5, detections_per_img=300)
        >>> with raw_candidates(model):
        ...     model.score_thresh
        0.01
        >>> model.score_thresh
        0.05
    """
    check_floor(score_floor)
    head = _head_of(model)
    values: list[Any] = [float(score_floor), NO_IOU, sys.maxsize]
    meanwhile = dict(zip(NMS_SETTINGS, values, strict=True))
    transform = getattr(model, "transform", None)
    masks = masks and getattr(head, MASK_POOL, None) is not None and transform is not None
    late = [KEYPOINT_POOL] if masks else [MASK_POOL, KEYPOINT_POOL]
    meanwhile |= {name: None for name in late if getattr(head, name, None) is not None}
    before = {name: getattr(head, name) for name in meanwhile}
    try:
        for name, value in meanwhile.items():
            setattr(head, name, value)
        with _unpasted_masks(transform) if masks else nullcontext():
            yield model
    finally:
        for name, value in before.items():
            setattr(head, name, value)


@contextmanager
def _unpasted_masks(transform: Any) -> Iterator[None]:
    """Keep masks in their boxes: pasted, each would take as many numbers as the image."""
    postprocess = transform.postprocess

    def keep_masks(result: Any, image_shapes: Any, sizes: Any) -> Any:
        masks = [one.pop("masks", None) for one in result]
        result = postprocess(result, image_shapes, sizes)
        for one, mask, size in zip(result, masks, sizes, strict=True):
            if mask is not None:
                one["masks"] = BoxMasks(mask[:, 0], one["boxes"], (int(size[0]), int(size[1])))
        return result

    transform.postprocess = keep_masks
    try:
        yield
    finally:
        del transform.postprocess  # the method of its class is there again


def has_raw_candidates(model: Any) -> bool:
    """Return whether a model is one of torchvision's detectors, for `raw_candidates`."""
    return _find_head(model) is not None


def _find_head(model: Any) -> Any:
    """Return the module that has the settings: a detector of one stage, or an R-CNN's heads."""
    for module in (model, getattr(model, "roi_heads", None)):
        if all(isinstance(getattr(module, name, None), Real) for name in NMS_SETTINGS):
            return module
    return None


def _head_of(model: nn.Module) -> Any:
    head = _find_head(model)
    if head is not None:
        return head
    raise refusal(
        "model",
        expected="torchvision's RetinaNet, FCOS, SSD, Faster R-CNN or Mask R-CNN, which have "
        f"{', '.join(NMS_SETTINGS)} on themselves or on roi_heads",
        got=describe(model) if not isinstance(model, nn.Module) else type(model).__name__,
        remedy="Pass the detector inside a wrapper (model.module, model.model); for another one "
        "pass the boxes and scores that it has before its own NMS.",
    )


def check_floor(score_floor: float) -> None:
    """Raise ValueError for a score floor outside [0, 1)."""
    number = isinstance(score_floor, Real) and not isinstance(score_floor, bool)
    if number and 0 <= score_floor < 1:
        return
    raise refusal(
        "score_floor",
        expected="a number in [0, 1)",
        got=describe(score_floor),
        remedy="0.01 keeps what may be worth seeing.",
    )
