"""Layers that get no gradient: exactly zero for many steps, or none at all, ever.

The thresholds: zero for 50 steps, none at all for 100, in every one of at least 5 readings.
Branches that begin at zero (residual scales, low-rank adapters) have gradients of zero in their
first step only. A layer whose gradient is zero because the loss itself is zero has learned, so
zeros everywhere say nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from torchdial.training.diagnosis.finding import Finding
from torchdial.training.diagnosis.message_format import module, several
from torchdial.training.diagnosis.run_view import Floats32, Reading

ENOUGH = 50
READINGS = 5
NEVER = 100

Counts = npt.NDArray[np.int32]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


def zeros(norms: Floats32, count: Counts) -> tuple[Ints, Ints]:
    """Return how long each layer's gradient has been exactly zero.

    Args:
        norms: (L, K) the highest norm of each column.
        count: (L, K) the readings of each column; a column without any is passed over.

    Returns:
        For each layer the column it has been zero since, K if it is not, and the readings in it
        and after it.

    Example:
        >>> zeros(np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]), np.ones((2, 3), int))
        (array([1, 3]), array([2, 0]))
    """
    columns = norms.shape[1]
    alive = np.pad((count > 0) & (norms != 0), ((0, 0), (1, 0)), constant_values=True)
    since = columns - alive[:, ::-1].argmax(axis=1)
    later = np.arange(columns) >= since[:, None]
    return since, (count * later).sum(axis=1)


def dead_end(names: Sequence[str], dead: Flags) -> str | None:
    """Return the dead parameter at which a gradient from the output ends.

    A ReLU that never fires leaves its own layer, and all before it, without gradient, and the
    weight after it too, for that is multiplied by zeros; but not the bias after it. So it is the
    last module of which all parameters are dead, or the last dead parameter if there is none.

    Args:
        names: parameters in the order of the network.
        dead: (L,) which of them are.

    Example:
        >>> names = ["a.weight", "a.bias", "b.weight", "b.bias"]
        >>> dead_end(names, np.array([True, True, True, False]))
        'a.weight'
    """
    living = {module(name) for name, is_dead in zip(names, dead, strict=True) if not is_dead}
    found = [name for name, is_dead in zip(names, dead, strict=True) if is_dead]
    whole = [name for name in found if module(name) not in living]
    if whole:
        return next(name for name in whole if module(name) == module(whole[-1]))
    return found[-1] if found else None


def judge(reading: Reading) -> Iterator[Finding]:
    """Find layers that are dead, and parameters that never got a gradient."""
    yield from _dead(reading)
    yield from _never(reading)


def _dead(reading: Reading) -> Iterator[Finding]:
    layers = reading.layers("grad_norm", 4 * ENOUGH)
    if layers is None or not len(layers.steps):
        return
    since, readings = zeros(layers.max, layers.count)
    steps = reading.step + 1 - np.append(layers.steps, reading.step + 1)[since]
    dead = (steps >= ENOUGH) & (readings >= READINGS)
    there: Flags = np.any(layers.count > 0, axis=1)
    where = dead_end([n for n, t in zip(layers.names, there, strict=True) if t], dead[there])
    if where is None or dead[there].all():
        return
    lasting = int(steps[layers.names.index(where)])
    message = (
        f"{module(where)} is dead: its gradient has been exactly zero for {lasting} steps "
        f"({int(dead.sum())} of {int(there.sum())} parameters): a ReLU that never fires, a "
        "detach(), or underflow; try a lower learning rate, LeakyReLU or GELU"
    )
    evidence = {"steps": float(lasting), "dead": float(dead.sum()), "present": float(there.sum())}
    yield Finding(reading.step + 1 - lasting, "dead_layer", where, message, evidence)


def _never(reading: Reading) -> Iterator[Finding]:
    if not NEVER <= reading.step - reading.first_step + 1 < 4 * NEVER:
        return
    layers = reading.layers("grad_norm", 4 * NEVER)
    if layers is None or layers.count.max(axis=0, initial=0).sum() < READINGS:
        return
    names = [n for n, c in zip(layers.names, layers.count.sum(axis=1), strict=True) if c == 0]
    if not names:
        return
    message = (
        f"{several(names)} never got a gradient in {NEVER} steps: not part of the loss, or cut off "
        "by detach() or no_grad(); if that is meant, set requires_grad to False"
    )
    evidence = {"parameters": float(len(names)), "steps": float(NEVER)}
    yield Finding(reading.step, "no_gradient", names[0], message, evidence)
