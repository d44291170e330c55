"""Arrays of a classification preview as little-endian bytes.

js/src/lib/classification/classification_wire.ts reads them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch

from torchdial.sweeps.samples.classification_frame import ClassificationFrame
from torchdial.widgets.preview.segmentation_packing import pack_floats, pack_tally, pack_uint32

LONGEST_TEXT = 300


def pack_frame(frame: ClassificationFrame, listed: torch.Tensor) -> dict[str, Any]:
    """Return the counts of all samples, and the scores of those that are listed."""
    labels = frame.truth if frame.labels is None else frame.labels[None]
    return {
        "tables": [_pack_table(table) for table in frame.tables],
        "tally": pack_tally(frame.curves, "micro", per_image=False),
        "listed": pack_uint32(listed),
        "scores": frame.scores[:, listed].numpy().astype("<f4").tobytes(),
        "labels": labels[:, listed].numpy().tobytes(),
        "argmax": None
        if frame.argmax is None
        else frame.argmax[listed].to(torch.uint8).numpy().tobytes(),
    }


def _pack_table(table: Any) -> dict[str, Any]:
    ranking = table.ranking
    return {
        "histogram": pack_floats(table.histogram),
        "sums": pack_floats(table.sums),
        "tp": pack_floats(ranking.tp),
        "fp": pack_floats(ranking.fp),
        "roc_auc": _or_none(ranking.roc_auc),
        "average_precision": _or_none(ranking.average_precision),
    }


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else value


def pack_texts(texts: Sequence[str] | None, listed: torch.Tensor) -> list[str] | None:
    """Return the texts of the listed samples, cut where they are long."""
    if texts is None:
        return None
    cut = (texts[i] for i in listed.tolist())
    return [t if len(t) <= LONGEST_TEXT else f"{t[: LONGEST_TEXT - 1]}…" for t in cut]
