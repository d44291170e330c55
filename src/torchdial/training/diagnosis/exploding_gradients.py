"""Gradients that grow without bound, before any clipping.

The thresholds: the median of a layer's last 5 norms is 100 times that of its first 3, and 30 times
the largest that any layer began with. The second is there for layers behind one that begins at
zero (residual branches, low-rank adapters): theirs rightly grow from nothing to what is usual, by
80,000 times in one healthy run of ours. The largest of all grew up to 6 times in such runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt

from torchdial.training.diagnosis.finding import Finding
from torchdial.training.diagnosis.message_format import number, times
from torchdial.training.diagnosis.robust_statistics import row_medians
from torchdial.training.diagnosis.run_view import Floats, Floats32, Reading

RECENT = 5
FIRST = 3
GROWTH = 100.0
OVER_ALL = 30.0


def reference(names: list[str], norms: Floats32) -> dict[str, float]:
    """Return what the layers' norms began with: each one's median of 3, or its first.

    Args:
        names: the layers.
        norms: (L, K) of the first steps; NaN where a layer had no gradient.

    Returns:
        By name, whichever is lower; layers with fewer than 3 norms are left out.

    Example:
        >>> reference(["head"], np.array([[3.0, 1.0, 2.0, 99.0]], np.float32))
        {'head': 2.0}
    """
    rows = ((name, row[np.isfinite(row)][:FIRST]) for name, row in zip(names, norms, strict=True))
    return {name: float(min(row[0], np.median(row))) for name, row in rows if len(row) == FIRST}


def exploded(recent: Floats, first: Floats) -> list[int]:
    """Return the layers whose gradients have exploded, the one that grew most first.

    Args:
        recent: (L,) norms now.
        first: (L,) norms they began with, NaN where unknown.
    """
    if not np.isfinite(first).any():
        return []
    grown = (recent > GROWTH * first) & (recent > OVER_ALL * np.nanmax(first))
    ratio = np.where(grown, recent / np.maximum(first, 1e-30), 0.0)
    return [int(row) for row in np.argsort(-ratio) if grown[row]]


def judge(reading: Reading) -> Iterator[Finding]:
    """Find layers whose gradients have exploded."""
    layers = reading.layers("grad_norm", 2 * RECENT)
    if layers is None or len(layers.steps) < RECENT:
        return
    recent = _latest(layers.max, layers.count)
    first = _first(layers.names, reading.reference)
    rows = exploded(recent, first)
    if not rows:
        return
    worst = rows[0]
    where, now, was = layers.names[worst], float(recent[worst]), float(first[worst])
    others = f" ({len(rows) - 1} more layers with it)" if len(rows) > 1 else ""
    message = (
        f"the gradient of {where} has grown {times(now / max(was, 1e-30))}, to {number(now)}"
        f"{others}: clip gradients (monitor.clip_grad_norm_) or lower the learning rate"
    )
    evidence = {"norm": now, "reference": was, "layers": float(len(rows))}
    yield Finding(int(layers.steps[-1]), "exploding_gradient", where, message, evidence)


def _latest(norms: Floats32, count: npt.NDArray[np.int32]) -> Floats:
    """Each layer's median over its last 5 norms; infinity counts as large, NaN as nothing."""
    values = np.where(np.isposinf(norms), np.finfo(np.float32).max, norms)
    return row_medians(np.where(count > 0, values, np.nan)[:, -RECENT:])


def _first(names: list[str], reference: Mapping[str, float]) -> Floats:
    return np.array([reference.get(name, np.nan) for name in names])
