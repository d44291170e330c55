"""Gradients that fade on their way from the output to the input.

Compared are the weights' gradients over the weights' own norms, where those were sampled, so that
layers of different sizes can be compared; the gradients themselves otherwise. Only weights of two
or more dimensions: a bias before a normalisation rightly has next to no gradient.

The threshold: a weight's is under 1/100,000 of the largest of the weights after it, in the median
of the last 20 readings (5 at least). Through a sigmoid a gradient shrinks about 7 times a layer
with PyTorch's usual beginnings, so that is a chain of six or more; in our healthy runs no weight is
under 1/1,000. The first 25 steps are left out, for branches that begin at zero get their gradients
then. Layers whose gradient is exactly zero are another matter (`dead`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from torchdial.training.diagnosis.finding import Finding
from torchdial.training.diagnosis.message_format import times
from torchdial.training.diagnosis.robust_statistics import row_medians
from torchdial.training.diagnosis.run_view import Floats, Layers, Reading

WINDOW = 20
READINGS = 5
SETTLING = 25
AFTER = 50
FADED = 1e-5


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
    if not len(ratio) or ratio.min() >= FADED:
        return None
    row = int(ratio.argmin())
    return row, row + int(there[row:].argmax())


def weights_of(layers: Layers, known: set[str]) -> list[int]:
    """Return the rows that are weights; told by their names if nothing is known."""
    return [i for i, name in enumerate(layers.names) if _is_weight(name, known)]


def judge(reading: Reading) -> Iterator[Finding]:
    """Find the weight whose gradient has vanished."""
    layers = reading.layers("grad_norm", WINDOW)
    if layers is None or reading.step - reading.first_step < AFTER:
        return
    settled = layers.steps >= reading.first_step + SETTLING
    if settled.sum() < READINGS:
        return
    rows = weights_of(layers, reading.weights())
    names = [layers.names[row] for row in rows]
    gradients = row_medians(layers.mean[rows][:, settled])
    found = vanished(gradients / _norms(reading, names))
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


def _norms(reading: Reading, names: Sequence[str]) -> Floats:
    """The weights' norms; 1 everywhere unless all are known, for only like is compared to like."""
    layers = reading.layers("weight_norm", 1)
    if layers is None or not len(layers.steps):
        return np.ones(len(names))
    norms = dict(zip(layers.names, layers.mean[:, -1].astype(np.float64), strict=True))
    found = np.array([norms.get(name, np.nan) for name in names])
    return found if (np.isfinite(found) & (found > 0)).all() else np.ones(len(names))


def _is_weight(name: str, known: set[str]) -> bool:
    return name in known if known else not name.endswith("bias")
