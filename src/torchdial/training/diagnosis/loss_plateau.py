"""A loss stands still although it is not low.

The thresholds: over the last 300 points, or the last half of the run if that is longer, the
difference between the medians of both halves, and two standard errors of it, is under 1 % of the
loss. Where noise hides the course, nothing is reported.

Not reported are a loss under a tenth of its beginning (it has learned), one whose learning rate
still warms up or is nearly run down (under a fifth of its highest), and a GAN's losses, which may
stand still in a healthy run.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from torchdial.training.diagnosis.findings import Finding
from torchdial.training.diagnosis.message_format import number
from torchdial.training.diagnosis.robust_statistics import finite, median, spread
from torchdial.training.diagnosis.run_view import Floats, RunView

PLATEAU_POINTS = 300
THINNED_POINTS = 2_000
PLATEAU_GAIN = 0.01
LEARNED_SHARE = 0.1
RUN_DOWN_SHARE = 0.2
MEDIAN_ERROR = 1.2533
"""Standard error of a median over that of a mean, for normal noise: the root of π/2."""


def most_gained(values: Floats) -> float:
    """Return the most that a loss can have come down from the first half to the second.

    It is the difference of the medians and two of its standard errors.

    Args:
        values: (n,) the loss, in order.
    """
    halves = np.array_split(values, 2)
    gained = median(halves[0]) - median(halves[1])
    errors = [MEDIAN_ERROR * spread(half) / np.sqrt(len(half)) for half in halves]
    return gained + 2 * float(np.hypot(*errors))


def stuck(values: Floats, start: float) -> bool:
    """Return whether a loss stands still, and is not low.

    Args:
        values: (n,) the loss over the time that is judged.
        start: the loss at the beginning of the run.

    Example:
        >>> stuck(np.tile([0.99, 1.01], 150), start=2.3)
        True
        >>> stuck(np.linspace(1.0, 0.9, 300), start=2.3)
        False
    """
    level = median(values)
    return level > LEARNED_SHARE * start and most_gained(values) < PLATEAU_GAIN * abs(level)


def at_work(rates: Floats) -> bool:
    """Return whether a learning rate is neither warming up nor nearly run down.

    Args:
        rates: (n,) the rate at some points of the whole run, in order; none is as good as constant.

    Example:
        >>> at_work(np.linspace(0.0, 1.0, 100)), at_work(np.ones(100))
        (False, True)
    """
    if not len(rates):
        return True
    rising = rates[-1] > rates[-1 - len(rates) // 4]
    return bool(rates[-1] >= RUN_DOWN_SHARE * rates.max() and not rising)


def find_plateau(run: RunView) -> Iterator[Finding]:
    """Find that the loss stands still."""
    if run.losses.rivals:
        return
    for name in run.losses.judged:
        level = run.levels.get(name)
        there = run.until.get(name, 0)
        window = max(PLATEAU_POINTS, there // 2)
        if level is None or there < window:
            continue
        points = run.newest(name, window, every=1 + window // THINNED_POINTS)
        values = finite(points.values)
        rate = run.rate()
        rates = run.whole(rate, THINNED_POINTS) if rate else np.empty(0)
        if len(values) > PLATEAU_POINTS // 2 and stuck(values, level.start) and at_work(rates):
            now = median(values)
            start = int(points.steps[0])
            hardly = level.best > (1 - LEARNED_SHARE) * level.start
            advice = (
                "it has learned next to nothing since the start; check that gradients arrive, the "
                "targets, and try another learning rate"
                if hardly
                else "lower the learning rate, or stop: it may have learned what it can"
            )
            message = f"{name} has stood still at {number(now)} for {window} points: {advice}"
            evidence = {"level": now, "start": level.start, "points": float(window)}
            yield Finding(start, "plateau", name, message, evidence)
