"""What the detection widgets send to the page. Arrays are sent as little-endian bytes.

A class is sent as its index among the classes, since labels may have gaps.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from torchdial.array_types import Bytes
from torchdial.inputs.boxes.detection_targets import Annotations
from torchdial.sweeps.boxes.bitsets import ALMOST_ONE
from torchdial.sweeps.boxes.box_step_counts import BoxStepCounts
from torchdial.sweeps.boxes.detection_curves import DetectionCurves
from torchdial.sweeps.boxes.detection_frame import DetectionFrame
from torchdial.sweeps.boxes.detection_settings import METRICS, DetectionSettings
from torchdial.sweeps.metric_formulas import Average

MAX_TABLE_BYTES = 32 << 20  # past this, given curves go without the counts of each class
CROWD_FLAG, IGNORED_FLAG = 1, 2  # bits of a target's flags


def pack_config(
    pictures: Sequence[Bytes], classes: Mapping[int, str], settings: DetectionSettings
) -> dict[str, Any]:
    """Return what never changes: images, classes and stops."""
    sizes = [picture.shape[:2] for picture in pictures]
    zero_division = settings.zero_division
    return {
        "class_names": list(classes.values()),
        "labels": list(classes),
        "stops": list(settings.nms.values),
        "score_stops": list(settings.scores.values),
        "num_images": len(sizes),
        "sizes": [list(size) for size in sizes],
        "height": max(height for height, _ in sizes),
        "width": max(width for _, width in sizes),
        "channels": pictures[0].shape[2],
        "match_iou": settings.match_iou,
        "class_agnostic": settings.class_agnostic,
        "zero_division": None if math.isnan(zero_division) else zero_division,
    }


def pack_targets(targets: Sequence[Annotations], labels: Sequence[int]) -> dict[str, bytes]:
    """Return the targets of all images, image after image."""
    crowd, ignore = (torch.cat([getattr(t, n) for t in targets]) for n in ("iscrowd", "ignore"))
    return {
        "counts": _pack([len(target) for target in targets], "<i4"),
        "boxes": _pack(torch.cat([target.boxes for target in targets]), "<f4"),
        "labels": _pack_labels(torch.cat([target.labels for target in targets]), labels),
        "flags": _pack(CROWD_FLAG * crowd.int() + IGNORED_FLAG * ignore.int(), "u1"),
    }


def pack_detections(frame: DetectionFrame, labels: Sequence[int]) -> dict[str, Any]:
    """Return one model's candidates, what NMS keeps of them, and overlaps with targets."""
    tally, curves = frame.tally, frame.curves
    return {
        "counts": _pack(tally.images[:, 0], "<i4"),
        "boxes": _pack(frame.boxes, "<f4"),
        "scores": _pack(tally.scores, "<f4"),
        "labels": _pack_labels(tally.labels, labels),
        "index": _pack(frame.index, "<i4"),
        "kept": _pack(tally.kept, "u1"),
        "pairs": _pack_pairs(frame) if frame.has_targets else None,
        "ap": None if curves is None else _pack_ap(curves, labels),
        "score_floor": frame.score_floor,
        "has_masks": [mask is not None for mask in frame.masks],
        "overlap": frame.overlap,
    }


def pack_curves(curves: DetectionCurves, labels: Sequence[int], average: Average) -> dict[str, Any]:
    """Return counts and metrics over all stops, of a set of images that is not shown itself."""
    counts = curves.counts
    small = 2 * 4 * len(labels) * counts.tp[0].numel() <= MAX_TABLE_BYTES
    chosen = torch.tensor(labels)
    return {
        "total_images": curves.num_images,
        "max_det": curves.settings.max_det,
        "overall": {name: _pack(curves.metric(name, average), "<f4") for name in METRICS},
        "tp": _pack(counts.tp[chosen], "<u4") if small else None,
        "fp": _pack(counts.fp[chosen], "<u4") if small else None,
        "positives": _pack(counts.positives[chosen], "<u4"),
        "ap": _pack_ap(curves, labels),
    }


def pack_step(counts: BoxStepCounts) -> dict[str, Any]:
    """Return the counts of a step of a training, compressed by zlib.

    "tp" and "fp" are uint32 (C, T, S), "fp" all kept boxes without targets; "overall" has each
    metric, float64 (T, S), where it does not follow from pooled counts.
    """
    return {
        "tp": counts.tp,
        "fp": counts.fp,
        "positives": _pack(counts.positives, "<u4"),
        "overall": dict(counts.overall),
    }


def _pack_ap(curves: DetectionCurves, labels: Sequence[int]) -> dict[str, bytes]:
    match_iou = curves.settings.match_iou
    each = curves.average_precision(match_iou, average=None)
    return {
        "match": _pack(curves.average_precision(match_iou), "<f8"),
        "coco": _pack(curves.average_precision(None), "<f8"),
        "match_by_class": _pack(each[torch.tensor(labels)], "<f8"),
    }


def _pack_pairs(frame: DetectionFrame) -> dict[str, bytes]:
    """Return the overlaps that suffice to match; a tally has those for lower match IoUs too."""
    tally = frame.tally
    enough = tally.pair_iou.numpy() >= min(frame.settings.match_iou, ALMOST_ONE)
    image = np.repeat(np.arange(tally.num_images), tally.images[:, 2].numpy())
    return {
        "counts": _pack(np.bincount(image[enough], minlength=tally.num_images), "<i4"),
        "detection": _pack(tally.pair_detection.numpy()[enough], "<i4"),
        "target": _pack(tally.pair_target.numpy()[enough], "<i4"),
        "iou": _pack(tally.pair_iou.numpy()[enough], "<f4"),
    }


def _pack_labels(found: torch.Tensor, labels: Sequence[int]) -> bytes:
    return _pack(np.searchsorted(labels, found.numpy()), "<u2")


def _pack(values: Any, dtype: str) -> bytes:
    return np.asarray(values).astype(dtype).tobytes()
