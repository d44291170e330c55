"""Arrays of a segmentation preview as little-endian bytes.

js/src/lib/segmentation/segmentation_wire.ts reads them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from torchdial.sweeps.metric_formulas import Average
from torchdial.sweeps.pixels.image_confusion import ImageConfusion
from torchdial.sweeps.pixels.pixel_counts import Counts
from torchdial.sweeps.pixels.pixel_step_counts import PixelStepCounts
from torchdial.sweeps.pixels.threshold_curves import ThresholdCurves

# Past this, counts go pooled, and pictures without metrics of their own.
MAX_COUNT_BYTES = 32 << 20
MAX_CLASSES_IN_CONFUSION = 32


def pack_floats(values: torch.Tensor | npt.NDArray[Any]) -> bytes:
    """Return numbers as float64, which holds counts up to 2⁵³ exactly."""
    return np.asarray(values).astype("<f8").tobytes()


def pack_histograms(histograms: npt.NDArray[np.int64]) -> bytes | None:
    """Return the pixels of each image at each level, uint32 (N, C, T + 1); None if too large."""
    return histograms.astype("<u4").tobytes() if 4 * histograms.size <= MAX_COUNT_BYTES else None


def pack_confusion(confusion: ImageConfusion | None, num_stops: int) -> dict[str, bytes] | None:
    """Return the cells of (image, target, argmax, level) with pixels; None if they are too large.

    "cells" are indices into (N, C, C, T + 1), uint32; "pixels" their counts, uint32.
    """
    if confusion is None:
        return None
    num_classes, bins = confusion.num_classes, num_stops + 1
    too_many = confusion.num_images * num_classes**2 * bins >= 1 << 32
    if too_many or 8 * len(confusion.pixels) > MAX_COUNT_BYTES:
        return None
    row = (confusion.image * num_classes + confusion.target) * num_classes + confusion.argmax
    cells = row * bins + confusion.level
    return {"cells": pack_uint32(cells), "pixels": pack_uint32(confusion.pixels)}


def pack_uint32(values: torch.Tensor) -> bytes:
    """Return counts below 2³² as uint32."""
    return values.numpy().astype("<u4").tobytes()


def pack_tally(curves: ThresholdCurves, average: Average, *, per_image: bool) -> dict[str, Any]:
    """Return counts for the browser: of each image where wanted and not too large, else pooled.

    Raises:
        ValueError: the average needs counts of each image, and they are too large to send.
    """
    argmax = curves.argmax
    size = curves.counts.tp.numel() * 16 * (2 if argmax else 1)
    if size > MAX_COUNT_BYTES and average == "image":
        raise ValueError(
            f"curves: expected at most {MAX_COUNT_BYTES >> 20} MB of counts, got {size >> 20} MB "
            f"for {curves.num_images:,} images × {curves.num_classes} classes with "
            f"average={average!r}. Use average='micro' or 'macro', or show fewer images."
        )
    keep = average == "image" or (per_image and size <= MAX_COUNT_BYTES)
    with_joint = curves.joint is not None and curves.num_classes <= MAX_CLASSES_IN_CONFUSION
    return {
        "total_images": curves.num_images,
        "counts": _pack_counts(curves.counts, keep=keep),
        "argmax_counts": _pack_counts(argmax.counts, keep=keep) if argmax else None,
        "joint": _pack_joint(curves.joint) if with_joint and curves.joint is not None else None,
    }


def pack_step(counts: PixelStepCounts, average: Average) -> dict[str, Any]:
    """Return the counts of a step of a training, as those of a model in `_frame`."""
    curves = counts.curves
    tally = None if curves is None else pack_tally(curves, average, per_image=True)
    return {
        "histogram": pack_floats(counts.histogram),
        "histograms": None,
        "confusion": None,
        "tally": None if tally is None else tally | {"total_images": counts.num_images},
    }


def _pack_counts(counts: Counts, *, keep: bool) -> dict[str, Any]:
    kept = counts if keep else counts.pooled(0)
    tp, fp, positives, negatives = (pack_floats(t) for t in kept.tensors())
    num_images, num_classes = kept.positives.shape
    return {
        "num_images": num_images,
        "num_classes": num_classes,
        "tp": tp,
        "fp": fp,
        "positives": positives,
        "negatives": negatives,
    }


def _pack_joint(joint: torch.Tensor) -> bytes:
    """Return (target, argmax, k): pixels whose maximum has at least level k."""
    return pack_floats(joint.flip(-1).cumsum(-1).flip(-1))
