"""A loss or gradient is NaN or infinite: which, where, and which of the two was first.

A loss that is NaN makes the gradients of its step NaN, because they are computed from it. So the
loss was first if it was not finite at the step where the gradients were not, and the gradients were
first if the loss of that step was still finite. Gradients of a step that AMP skipped overflowed its
scale; that is how GradScaler finds the scale, and is not reported.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from torchdial.training.diagnosis.findings import Finding
from torchdial.training.diagnosis.message_format import number
from torchdial.training.diagnosis.run_view import EVERY_COLUMN, Floats, Floats32, Points, RunView
from torchdial.training.history.measured_names import GRAD_NORM, SKIPPED

SAME_STEP_POINTS = 64
"""Points before the new ones among which those of the same step are looked for."""


def onsets(values: Floats, first: int) -> list[int]:
    """Return the indices, from `first` on, of non-finite values that follow none.

    Example:
        >>> onsets(np.array([1.0, np.nan, np.inf, 1.0, np.nan]), first=0)
        [1, 4]
    """
    bad = ~np.isfinite(values)
    before = np.concatenate([[False], bad[:-1]])
    return [int(i) for i in np.flatnonzero(bad & ~before) if i >= first]


def culprit(names: Sequence[str], norms: Floats32) -> tuple[str, list[str]] | None:
    """Return the parameter where a gradient first was not finite, and all where it is not.

    Backward goes from the output to the input and carries what is not finite along, so it began at
    the parameter nearest to the output.

    Args:
        names: parameters in the order of the network.
        norms: (L,) their norms; not finite where the gradient is not.

    Example:
        >>> culprit(["stem", "body", "head"], np.array([np.nan, np.nan, 0.1], np.float32))
        ('body', ['stem', 'body'])
    """
    bad = [name for name, norm in zip(names, norms, strict=True) if not np.isfinite(norm)]
    return (bad[-1], bad) if bad else None


def loss_finding(name: str, step: int, value: float, gradient_step: int | None) -> Finding:
    """Return what to say of a loss that has become non-finite at a step.

    Args:
        name: the loss.
        step: its step.
        value: NaN or infinity.
        gradient_step: the step at which gradients had become non-finite, or None.
    """
    evidence = {"value": value, "loss_step": float(step)}
    order = ""
    if gradient_step is not None:
        evidence["gradient_step"] = float(gradient_step)
        order = " and went first, its gradients followed"
    advice = "look for log(0), a division by 0 or an overflow, and at the batch itself"
    if gradient_step is not None and gradient_step < step:
        order = f", after gradients that were not finite (step {gradient_step})"
        advice = "the weights have been spoilt since, start again from before"
    message = f"{name} is {number(value)}{order}: {advice}"
    return Finding(step, "nonfinite_loss", name, message, evidence)


def gradient_finding(
    step: int, where: str | None, bad: Sequence[str], present: int, loss: float | None
) -> Finding:
    """Return what to say of gradients that have become non-finite at a step.

    Args:
        step: the step.
        where: the parameter where it began, if known.
        bad: all parameters concerned.
        present: how many had a gradient.
        loss: the loss of that step, if it was logged.
    """
    evidence = {"gradient_step": float(step), "bad": float(len(bad)), "present": float(present)}
    if loss is None:
        order = "no loss was logged at this step, so which went first cannot be said"
    else:
        evidence["loss"] = loss
        order = f"the loss was still {number(loss)}, so the gradient went first"
    subject = f"the gradient of {where}" if where else "a gradient"
    share = f" (and of {len(bad) - 1} before it, of {present})" if len(bad) > 1 else ""
    advice = "look at its backward: sqrt or norm at 0, a division, an overflow"
    message = f"{subject}{share} is not finite; {order}: {advice}"
    return Finding(step, "nonfinite_gradient", where, message, evidence)


def find_nonfinite(run: RunView) -> Iterator[Finding]:
    """Find losses and gradients that have become non-finite since the last view."""
    totals = [_total(run, name) for name in run.measured(GRAD_NORM)]
    for total in totals:
        for i in onsets(total.values, total.fresh):
            yield from _gradient(run, int(total.steps[i]))
    spoilt = [int(s) for total in totals for s in total.steps[~np.isfinite(total.values)]]
    for name in run.losses.all:
        points = run.points(name, before=1)
        for i in onsets(points.values, points.fresh):
            step = int(points.steps[i])
            first = min((s for s in spoilt if s <= step), default=None)
            yield loss_finding(name, step, float(points.values[i]), first)


def _gradient(run: RunView, step: int) -> Iterator[Finding]:
    """What to say of a gradient, unless a loss of the same step says it better."""
    logged = [loss for name in run.losses.all for loss in _at(run, name, step)]
    if all(np.isfinite(logged)):
        where, bad, present = _culprit(run, step)
        yield gradient_finding(step, where, bad, present, logged[0] if logged else None)


def _total(run: RunView, name: str) -> Points:
    """The total norms of an optimizer's gradients, 0 where AMP skipped the step."""
    steps, values, fresh = run.points(name, SAME_STEP_POINTS)
    skipped = next(iter(run.measured(SKIPPED)), SKIPPED)
    is_skipped = np.isin(steps, run.points(skipped, SAME_STEP_POINTS).steps)
    return Points(steps, np.where(is_skipped, 0.0, values), fresh)


def _at(run: RunView, name: str, step: int) -> list[float]:
    points = run.points(name, SAME_STEP_POINTS)
    return [float(value) for value in points.values[points.steps == step]]


def _culprit(run: RunView, step: int) -> tuple[str | None, list[str], int]:
    """Where the gradient of a step went bad, all parameters where it did, and how many had one."""
    layers = run.layers("grad_norm", EVERY_COLUMN)
    if layers is None:
        return None, [], 0
    bad = (~np.isfinite(layers.max) & (layers.count > 0)).any(axis=0)
    columns = np.flatnonzero(bad & (layers.steps <= step))
    if not len(columns):
        return None, [], 0
    present = layers.count[:, columns[-1]] > 0
    names = [name for name, there in zip(layers.names, present, strict=True) if there]
    found = culprit(names, layers.max[present, columns[-1]])
    return (*found, len(names)) if found else (None, [], len(names))
