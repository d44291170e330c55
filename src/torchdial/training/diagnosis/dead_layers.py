"""Layers without gradient: exactly zero for many steps, or no gradient since the start.

The thresholds: zero for 50 steps, or none for 100, in each of at least 5 readings. Branches that
begin at zero (residual scales, low-rank adapters) have gradients of zero in their first step only.
Zeros in every layer are not reported: the loss itself is zero then.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from torchdial.training.diagnosis.findings import Finding
from torchdial.training.diagnosis.message_format import layer, module, several
from torchdial.training.diagnosis.run_view import Floats32, RunView

DEAD_STEPS = 50
DEAD_READINGS = 5
UNREACHED_STEPS = 100

Counts = npt.NDArray[np.int32]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


def zeros(norms: Floats32, count: Counts) -> tuple[Ints, Ints]:
    """Return how long each layer's gradient has been exactly zero.

    Args:
        norms: (L, K) the highest norm of each column.
        count: (L, K) the readings in each column; a column without any is skipped.

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

    A ReLU that never fires leaves its own layer and all before it without gradient, and also the
    weight after it, whose input is zero; the bias after it keeps its gradient. So it is the last
    module whose parameters are all dead, or the last dead parameter if there is none.

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


def find_dead_layers(run: RunView) -> Iterator[Finding]:
    """Find layers that are dead, and parameters that never got a gradient."""
    yield from _dead(run)
    yield from _never(run)


def _dead(run: RunView) -> Iterator[Finding]:
    layers = run.layers("grad_norm", 4 * DEAD_STEPS)
    if layers is None or not len(layers.steps):
        return
    since, readings = zeros(layers.max, layers.count)
    steps = run.step + 1 - np.append(layers.steps, run.step + 1)[since]
    dead = (steps >= DEAD_STEPS) & (readings >= DEAD_READINGS)
    there: Flags = np.any(layers.count > 0, axis=1)
    where = dead_end([n for n, t in zip(layers.names, there, strict=True) if t], dead[there])
    if where is None or dead[there].all():
        return
    lasting = int(steps[layers.names.index(where)])
    message = (
        f"{layer(module(where))} is dead: its gradient has been exactly zero for {lasting} steps "
        f"({int(dead.sum())} of {int(there.sum())} parameters): a ReLU that never fires, a "
        "detach(), or underflow; try a lower learning rate, LeakyReLU or GELU"
    )
    evidence = {"steps": float(lasting), "dead": float(dead.sum()), "present": float(there.sum())}
    yield Finding(run.step + 1 - lasting, "dead_layer", where, message, evidence)


def _never(run: RunView) -> Iterator[Finding]:
    if not UNREACHED_STEPS <= run.step - run.first_step + 1 < 4 * UNREACHED_STEPS:
        return
    layers = run.layers("grad_norm", 4 * UNREACHED_STEPS)
    if layers is None or layers.count.max(axis=0, initial=0).sum() < DEAD_READINGS:
        return
    names = [n for n, c in zip(layers.names, layers.count.sum(axis=1), strict=True) if c == 0]
    if not names:
        return
    message = (
        f"{several(names)} never got a gradient in {UNREACHED_STEPS} steps: not part of the "
        "loss, or cut off by detach() or no_grad(); if that is meant, set requires_grad to False"
    )
    evidence = {"parameters": float(len(names)), "steps": float(UNREACHED_STEPS)}
    yield Finding(run.step, "no_gradient", names[0], message, evidence)
