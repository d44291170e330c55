"""A loss suddenly rises above the median of the 30 points before it.

A spike has to be higher than each of these:

- 8 robust standard deviations (MAD) of those points: normal noise reaches that once in 10¹⁵ points,
  and the noise of a batch's loss is not much wilder while it is not near zero.
- twice the highest rise of the last 200 points: near zero a single hard example in a batch makes a
  loss far beyond the spread, but such batches came before.
- five quarters of what the run has gained so far, so that the loss is worse than untrained. Small
  networks that have nearly memorised their data jump to two thirds of where they began for a batch
  or two, at the peak of a one-cycle schedule, and recover. Where the rise lasts for 5 points, a
  tenth of the gain is enough.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from torchdial.training.diagnosis.findings import Finding
from torchdial.training.diagnosis.message_format import number, times
from torchdial.training.diagnosis.robust_statistics import finite, median, spread
from torchdial.training.diagnosis.run_view import Floats, Layers, RunView

SPIKE_WINDOW = 200
SPIKE_BASELINE = 30
SPIKE_SPREADS = 8.0
SPIKE_RISES = 2.0
SPIKE_SHARE = 1.25
LASTING_SPIKE_SHARE = 0.1
LASTING_SPIKE_POINTS = 5
RISER_STEPS = 5
"""Steps before a spike in which a layer's gradient may have risen first."""


class Spike(NamedTuple):
    """A point above what is usual: its index, and the median and spread of those before it."""

    at: int
    middle: float
    noise: float


def spikes(values: Floats, fresh: int, start: float) -> list[Spike]:
    """Return the points where a loss jumps up.

    A loss whose median is twice what it began with has diverged; its jumps are not reported.

    Args:
        values: (n,) the loss in order of arrival.
        fresh: the first point to judge; those before it serve for comparison.
        start: the loss at the beginning of the run.
    """
    found = []
    for i in _records(values, fresh):
        before = finite(values[max(0, i - SPIKE_WINDOW) : i])
        if len(before) < SPIKE_BASELINE:
            continue
        recent = before[-SPIKE_BASELINE:]
        middle = median(recent)
        rises = values[i : i + LASTING_SPIKE_POINTS] - middle
        won = max(abs(start - middle), abs(middle))
        if middle > start + abs(start) or rises[0] <= LASTING_SPIKE_SHARE * won:
            continue
        noise = spread(recent)
        if rises[0] <= SPIKE_SPREADS * noise:  # as most are; the rest takes longer
            continue
        least = max(SPIKE_SPREADS * noise, SPIKE_RISES * _highest_rise(before))
        lasting = (
            len(rises) == LASTING_SPIKE_POINTS
            and (rises > max(least, LASTING_SPIKE_SHARE * won)).all()
        )
        if rises[0] > max(least, SPIKE_SHARE * won) or lasting:
            found.append(Spike(i, middle, noise))
    return found


def _highest_rise(values: Floats) -> float:
    """The most that a point was above the median of the 30 points up to it; at least 0."""
    windows = np.lib.stride_tricks.sliding_window_view(values, SPIKE_BASELINE)
    return max(0.0, float((values[SPIKE_BASELINE - 1 :] - np.median(windows, axis=1)).max()))


def first_riser(layers: Layers, step: int) -> tuple[str, int, float] | None:
    """Return the layer whose gradient rose first in the steps up to a spike.

    Returns:
        Its name, the step, and how many times its usual norm it then had; None if none rose.
    """
    usual = np.flatnonzero(layers.steps < step - RISER_STEPS)[-SPIKE_BASELINE:]
    recent = np.flatnonzero((layers.steps >= step - RISER_STEPS) & (layers.steps <= step))
    if len(usual) < SPIKE_BASELINE or not len(recent):
        return None
    history = np.where(np.isfinite(layers.max), layers.max, np.nan)[:, usual]
    there = np.isfinite(history).all(axis=1)
    middle = np.median(history[there], axis=1, keepdims=True)
    noise = 1.4826 * np.median(np.abs(history[there] - middle), axis=1, keepdims=True)
    highest = history[there].max(axis=1, keepdims=True)
    norms = layers.max[there][:, recent]
    risen = (norms - middle > SPIKE_SPREADS * noise) & (norms > highest)
    if not risen.any():
        return None
    column = int(np.flatnonzero(risen.any(axis=0))[0])
    ratio = np.where(risen[:, column], norms[:, column] / np.maximum(middle[:, 0], 1e-30), 0.0)
    row = int(ratio.argmax())
    return (
        np.asarray(layers.names)[there][row],
        int(layers.steps[recent[column]]),
        float(ratio[row]),
    )


def _records(values: Floats, fresh: int) -> Iterator[int]:
    """Fresh points above all of the few before them: only these can be spikes."""
    first = max(fresh, SPIKE_BASELINE)
    if first >= len(values):
        return
    before = np.lib.stride_tricks.sliding_window_view(
        values[first - SPIKE_BASELINE : -1], SPIKE_BASELINE
    )
    new = values[first:]
    is_record = (new > np.fmax.reduce(before, axis=1)) & np.isfinite(new)
    yield from (first + np.flatnonzero(is_record)).tolist()


def find_spikes(run: RunView) -> Iterator[Finding]:
    """Find the judged losses' spikes since the last run."""
    for name in run.losses.judged:
        level = run.levels.get(name)
        if level is None:
            continue
        steps, values, fresh = run.points(name, SPIKE_WINDOW + LASTING_SPIKE_POINTS)
        for spike in spikes(values, max(0, fresh - LASTING_SPIKE_POINTS + 1), level.start):
            i = spike.at
            yield _finding(run, name, int(steps[i]), float(values[i]), spike)


def _finding(run: RunView, name: str, step: int, value: float, spike: Spike) -> Finding:
    ratio = (value - spike.middle) / max(spike.noise, 1e-30)
    evidence = {"value": value, "median": spike.middle, "spread": spike.noise, "ratio": ratio}
    message = (
        f"{name} rose {times(ratio)} its recent spread, {number(spike.middle)} → {number(value)}"
    )
    layers = run.layers("grad_norm", SPIKE_WINDOW)
    riser = None if layers is None else first_riser(layers, step)
    if riser is not None:
        layer, at, growth = riser
        how = "first" if at < step else "most"
        evidence |= {"gradient_step": float(at), "gradient_ratio": growth}
        message += f"; the gradient of {layer} rose {how} (step {at}, {times(growth)} its usual)"
    message += ": look at this batch; clip gradients or lower the learning rate if it comes again"
    return Finding(step, "loss_spike", name, message, evidence)
