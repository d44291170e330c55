"""A loss that no longer moves although it is not low.

The thresholds: over the last 300 points, or half of the run if that is longer, the medians of both
halves say with confidence (two standard errors) that less than 1 % of the loss was won. Noise
alone can therefore never look like a plateau: where it hides the course, nothing is said.

Nothing is said either of a loss under a tenth of where it began (that has learned), while the
learning rate still warms up or is nearly run down (under a fifth of its highest), and of a GAN's
losses, which may well stand still.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from torchdial.training.diagnosis.finding import Finding
from torchdial.training.diagnosis.message_format import number
from torchdial.training.diagnosis.robust_statistics import finite, spread
from torchdial.training.diagnosis.run_view import Floats, Reading

LEAST = 300
LOOKED_AT = 2_000
GAIN = 0.01
LEARNED = 0.1
RUN_DOWN = 0.2
MEDIAN_ERROR = 1.2533
"""Standard error of a median over that of a mean, for normal noise."""


def most_gained(values: Floats) -> float:
    """Return the most that a loss can have come down from the first half to the second.

    It is the difference of the medians and two of its standard errors.

    Args:
        values: (n,) the loss, in order.
    """
    halves = np.array_split(values, 2)
    gained = float(np.median(halves[0]) - np.median(halves[1]))
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
    level = float(np.median(values))
    return level > LEARNED * start and most_gained(values) < GAIN * abs(level)


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
    return bool(rates[-1] >= RUN_DOWN * rates.max() and not rising)


def judge(reading: Reading) -> Iterator[Finding]:
    """Find that the loss stands still."""
    if reading.losses.rivals:
        return
    for name in reading.losses.judged:
        level = reading.levels.get(name)
        there = reading.until.get(name, 0)
        window = max(LEAST, there // 2)
        if level is None or there < window:
            continue
        points = reading.newest(name, window)
        values = finite(points.values[:: 1 + window // LOOKED_AT])
        rate = reading.rate()
        rates = reading.whole(rate, LOOKED_AT) if rate else np.empty(0)
        if len(values) > LEAST // 2 and stuck(values, level.start) and at_work(rates):
            now = float(np.median(values))
            start = int(points.steps[0])
            hardly = level.best > (1 - LEARNED) * level.start
            advice = (
                "it has learned next to nothing since the start; check that gradients arrive, the "
                "targets, and try another learning rate"
                if hardly
                else "lower the learning rate, or stop: it may have learned what it can"
            )
            message = f"{name} has stood still at {number(now)} for {window} points: {advice}"
            evidence = {"level": now, "start": level.start, "points": float(window)}
            yield Finding(start, "plateau", name, message, evidence)
