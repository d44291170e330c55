"""Gradients that grow without bound, and gradients that fade on their way to the input.

Exploding, before any clipping: the median of a layer's last 5 norms is more than 100 times that of
its first 3, and more than 30 times the largest that any layer began with. The second condition is
for layers behind one that begins at zero (residual branches, low-rank adapters), whose gradients
grow from nothing to what is usual, by 80,000 times in one of our healthy runs. The largest norm of
all grew up to 6 times in such runs.

Vanishing: a weight's gradient is under 1/100,000 of the largest of the weights after it, in the
median of the last 20 readings (at least 5). Compared are the weights' gradients over the weights'
own norms, where those were sampled, so that layers of different sizes can be compared, and else
the gradients themselves. Only weights of two or more dimensions count: a bias before a
normalisation has next to no gradient in a healthy run. Through a sigmoid a gradient shrinks about
7 times a layer with PyTorch's default initialisation, so that is a chain of six or more; in our
healthy runs no weight is under 1/1,000. The first 25 steps are left out, because branches that
begin at zero get their gradients then, and the rule waits for 50. A gradient of exactly zero is
found by `dead_layers`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from torchdial.training.diagnosis.findings import Finding
from torchdial.training.diagnosis.message_format import number, times
from torchdial.training.diagnosis.robust_statistics import median, row_medians
from torchdial.training.diagnosis.run_view import Floats, Floats32, Layers, RunView

RECENT_NORMS = 5
FIRST_NORMS = 3
EXPLODED_GROWTH = 100.0
EXPLODED_OVER_ALL = 30.0

FADED_RATIO = 1e-5
FADED_READINGS = 20
LEAST_FADED_READINGS = 5
SETTLING_STEPS = 25
STEPS_BEFORE_FADING = 50


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
    rows = (
        (name, row[np.isfinite(row)][:FIRST_NORMS]) for name, row in zip(names, norms, strict=True)
    )
    return {name: min(float(row[0]), median(row)) for name, row in rows if len(row) == FIRST_NORMS}


def exploded(recent: Floats, first: Floats) -> list[int]:
    """Return the layers whose gradients have exploded, the one that grew most first.

    Args:
        recent: (L,) norms now.
        first: (L,) norms they began with, NaN where unknown.
    """
    if not np.isfinite(first).any():
        return []
    grown = (recent > EXPLODED_GROWTH * first) & (recent > EXPLODED_OVER_ALL * np.nanmax(first))
    ratio = np.where(grown, recent / np.maximum(first, 1e-30), 0.0)
    return [int(row) for row in np.argsort(-ratio) if grown[row]]


def find_exploding(run: RunView) -> Iterator[Finding]:
    """Find layers whose gradients have exploded."""
    layers = run.layers("grad_norm", 2 * RECENT_NORMS)
    if layers is None or len(layers.steps) < RECENT_NORMS:
        return
    recent = _latest_norms(layers.max, layers.count)
    first = _first_norms(layers.names, run.reference)
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


def _latest_norms(norms: Floats32, count: npt.NDArray[np.int32]) -> Floats:
    """Each layer's median over its last 5 norms; infinity counts as large, NaN as nothing."""
    values = np.where(np.isposinf(norms), np.finfo(np.float32).max, norms)
    return row_medians(np.where(count > 0, values, np.nan)[:, -RECENT_NORMS:])


def _first_norms(names: list[str], reference: Mapping[str, float]) -> Floats:
    return np.array([reference.get(name, np.nan) for name in names])


def vanished(gradients: Floats) -> tuple[int, int] | None:
    """Return the weight whose gradient has faded most, and the one after it that has the largest.

    Args:
        gradients: (L,) in the order of the network; NaN or 0 where there is none.

    Example:
        >>> vanished(np.array([1e-9, 1e-6, 1e-3, 1.0]))
        (0, 3)
        >>> vanished(np.array([0.01, 0.1, 1.0])) is None
        True
    """
    there = np.where(np.isfinite(gradients), gradients, 0.0)
    later = np.maximum.accumulate(there[::-1])[::-1]
    ratio = np.where(there > 0, there / np.maximum(later, 1e-300), 1.0)
    if not len(ratio) or ratio.min() >= FADED_RATIO:
        return None
    row = int(ratio.argmin())
    return row, row + int(there[row:].argmax())


def weights_of(layers: Layers, known: set[str]) -> list[int]:
    """Return the rows that are weights; by their names where nothing else is known."""
    return [i for i, name in enumerate(layers.names) if _is_weight(name, known)]


def find_vanishing(run: RunView) -> Iterator[Finding]:
    """Find the weight whose gradient has vanished."""
    layers = run.layers("grad_norm", FADED_READINGS)
    if layers is None or run.step - run.first_step < STEPS_BEFORE_FADING:
        return
    settled = layers.steps >= run.first_step + SETTLING_STEPS
    if settled.sum() < LEAST_FADED_READINGS:
        return
    rows = weights_of(layers, run.weights())
    names = [layers.names[row] for row in rows]
    gradients = row_medians(layers.mean[rows][:, settled])
    found = vanished(gradients / _weight_norms(run, names))
    if found is None:
        return
    faded, full = found
    ratio = float(gradients[full] / gradients[faded])
    message = (
        f"the gradient of {names[faded]} has vanished: {times(ratio)} smaller than that of "
        f"{names[full]}: use ReLU-like activations, normalisation, skips or another initialisation"
    )
    evidence = {
        "norm": float(gradients[faded]),
        "largest": float(gradients[full]),
        "ratio": 1 / ratio,
    }
    yield Finding(
        int(layers.steps[settled][0]), "vanishing_gradient", names[faded], message, evidence
    )


def _weight_norms(run: RunView, names: Sequence[str]) -> Floats:
    """The weights' norms; 1 everywhere unless all are known, for only like is compared to like."""
    layers = run.layers("weight_norm", 1)
    if layers is None or not len(layers.steps):
        return np.ones(len(names))
    norms = dict(zip(layers.names, layers.mean[:, -1].astype(np.float64), strict=True))
    found = np.array([norms.get(name, np.nan) for name in names])
    return found if (np.isfinite(found) & (found > 0)).all() else np.ones(len(names))


def _is_weight(name: str, known: set[str]) -> bool:
    return name in known if known else not name.endswith("bias")
