"""A loss that has left for good: worse than untrained, or most of what was won is lost again.

The thresholds: a median over 20 points, so that no single batch counts, that is twice the loss the
run began with; or three quarters of what had been won are lost, by at least 8 times the noise of
its best block and a tenth of its beginning. Runs that warm up, or whose loss bulges at the peak of
a one-cycle schedule, lose much less (under a third in our healthy runs).

Of several losses that are judged together all have to be twice what they began with: in a GAN one
rises because another falls.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from torchdial.training.diagnosis.finding import Finding
from torchdial.training.diagnosis.loss_baseline import BLOCK, Level
from torchdial.training.diagnosis.message_format import number
from torchdial.training.diagnosis.robust_statistics import finite
from torchdial.training.diagnosis.run_view import Floats, Reading

LOST = 0.75
NOISES = 8.0
LEAST_WON = 0.1


def diverged(values: Floats, level: Level) -> bool:
    """Return whether a loss is far above where it began.

    Args:
        values: its newest points, at least 20.
        level: how it has been.

    Example:
        >>> diverged(np.full(20, 5.0), Level(start=2.3, best=2.3, noise=0.1))
        True
    """
    recent = finite(values)[-BLOCK:]
    return len(recent) == BLOCK and float(np.median(recent)) > level.start + abs(level.start)


def lost(values: Floats, level: Level) -> bool:
    """Return whether a loss has given back most of what it had won.

    Example:
        >>> lost(np.full(20, 2.0), Level(start=2.3, best=0.3, noise=0.1))
        True
    """
    recent = finite(values)[-BLOCK:]
    if len(recent) < BLOCK or level.won < LEAST_WON * abs(level.start):
        return False
    above = float(np.median(recent)) - level.best
    return above > LOST * level.won and above > NOISES * level.noise


def judge(reading: Reading) -> Iterator[Finding]:
    """Find that the judged losses have diverged."""
    found = []
    for name in reading.losses.judged:
        level = reading.levels.get(name)
        points = reading.newest(name, BLOCK)
        if level is None:
            return
        far = diverged(points.values, level)
        if not far and (reading.losses.rivals or not lost(points.values, level)):
            return
        found.append((name, points, level, far))
    for name, points, level, far in found:
        now = float(np.median(finite(points.values)))
        was = f"it began at {number(level.start)}" if far else f"it had been {number(level.best)}"
        rate = reading.rate()
        from_rate = f" from {number(reading.newest(rate, 1).values[-1])}" if rate else ""
        message = (
            f"{name} diverges: {number(now)} over the last {BLOCK} points, {was}: lower the "
            f"learning rate{from_rate} (3 to 10 times), warm up, or clip gradients"
        )
        evidence = {"now": now, "start": level.start, "best": level.best}
        yield Finding(int(points.steps[0]), "divergence", name, message, evidence)
