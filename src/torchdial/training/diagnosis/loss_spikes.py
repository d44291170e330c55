"""A loss that suddenly rises: over the median of the 30 points before it.

The thresholds:

- 8 robust standard deviations (MAD) of those points: chance reaches that once in 10¹⁵ points of
  normal noise, and the noise of a batch's loss is not much wilder while it is not near zero.
- twice the highest rise of the last 200 points, because near zero it is wilder: one hard example in
  a batch makes a loss that no spread foretells, but then such batches came before.
- five quarters of what the run has won so far, so that the loss is worse than it was untrained:
  small networks that have all but learned their data by heart jump to two thirds of where they
  began for a batch or two, at the peak of a one-cycle schedule, and are none the worse for it.
- or a tenth of it, if it lasts for 5 points: a run that has lost its footing stays up.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from torchdial.training.diagnosis.finding import Finding
from torchdial.training.diagnosis.message_format import number, times
from torchdial.training.diagnosis.robust_statistics import finite, median, spread
from torchdial.training.diagnosis.run_view import Floats, Layers, Reading

WINDOW = 200
LEAST = 30
SPREADS = 8.0
RECORDS = 2.0
SHARE = 1.25
LASTING_SHARE = 0.1
LASTING = 5
EARLIER = 5
"""Steps before a spike among which a layer may have risen first."""


class Spike(NamedTuple):
    """A point above what is usual: its index, and the median and spread of those before it."""

    at: int
    middle: float
    noise: float


def spikes(values: Floats, fresh: int, start: float) -> list[Spike]:
    """Return the points where a loss jumps up.

    A loss whose median is twice what it began with has diverged; its jumps are not news.

    Args:
        values: (n,) the loss in order of arrival.
        fresh: the first point to be judged; those before are only looked back on.
        start: the loss at the beginning of the run.
    """
    found = []
    for i in _records(values, fresh):
        before = finite(values[max(0, i - WINDOW) : i])
        if len(before) < LEAST:
            continue
        recent = before[-LEAST:]
        middle = median(recent)
        rises = values[i : i + LASTING] - middle
        won = max(abs(start - middle), abs(middle))
        if middle > start + abs(start) or rises[0] <= LASTING_SHARE * won:
            continue
        noise = spread(recent)
        if rises[0] <= SPREADS * noise:  # most points are; only the others are worth a closer look
            continue
        least = max(SPREADS * noise, RECORDS * _highest_rise(before))
        lasting = len(rises) == LASTING and (rises > max(least, LASTING_SHARE * won)).all()
        if rises[0] > max(least, SHARE * won) or lasting:
            found.append(Spike(i, middle, noise))
    return found


def _highest_rise(values: Floats) -> float:
    """The most that a point was above the median of the 30 points up to it; at least 0."""
    windows = np.lib.stride_tricks.sliding_window_view(values, LEAST)
    return max(0.0, float((values[LEAST - 1 :] - np.median(windows, axis=1)).max()))


def first_riser(layers: Layers, step: int) -> tuple[str, int, float] | None:
    """Return the layer whose gradient rose first in the steps up to a spike.

    Returns:
        Its name, the step, and how many times its usual norm it then had; None if none rose.
    """
    usual = np.flatnonzero(layers.steps < step - EARLIER)[-LEAST:]
    recent = np.flatnonzero((layers.steps >= step - EARLIER) & (layers.steps <= step))
    if len(usual) < LEAST or not len(recent):
        return None
    history = np.where(np.isfinite(layers.max), layers.max, np.nan)[:, usual]
    there = np.isfinite(history).all(axis=1)
    middle = np.median(history[there], axis=1, keepdims=True)
    noise = 1.4826 * np.median(np.abs(history[there] - middle), axis=1, keepdims=True)
    highest = history[there].max(axis=1, keepdims=True)
    norms = layers.max[there][:, recent]
    risen = (norms - middle > SPREADS * noise) & (norms > highest)
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
    first = max(fresh, LEAST)
    if first >= len(values):
        return
    before = np.lib.stride_tricks.sliding_window_view(values[first - LEAST : -1], LEAST)
    new = values[first:]
    is_record = (new > np.fmax.reduce(before, axis=1)) & np.isfinite(new)
    yield from (first + np.flatnonzero(is_record)).tolist()


def judge(reading: Reading) -> Iterator[Finding]:
    """Find the judged losses' spikes since the last reading."""
    for name in reading.losses.judged:
        level = reading.levels.get(name)
        if level is None:
            continue
        steps, values, fresh = reading.points(name, WINDOW + LASTING)
        for spike in spikes(values, max(0, fresh - LASTING + 1), level.start):
            i = spike.at
            yield _finding(reading, name, int(steps[i]), float(values[i]), spike)


def _finding(reading: Reading, name: str, step: int, value: float, spike: Spike) -> Finding:
    ratio = (value - spike.middle) / max(spike.noise, 1e-30)
    evidence = {"value": value, "median": spike.middle, "spread": spike.noise, "ratio": ratio}
    message = (
        f"{name} rose {times(ratio)} its recent spread, {number(spike.middle)} → {number(value)}"
    )
    layers = reading.layers("grad_norm", WINDOW)
    riser = None if layers is None else first_riser(layers, step)
    if riser is not None:
        layer, at, growth = riser
        how = "first" if at < step else "most"
        evidence |= {"gradient_step": float(at), "gradient_ratio": growth}
        message += f"; {layer}'s gradient rose {how} (step {at}, {times(growth)} its usual)"
    message += ": look at this batch; clip gradients or lower the learning rate if it comes again"
    return Finding(step, "loss_spike", name, message, evidence)
