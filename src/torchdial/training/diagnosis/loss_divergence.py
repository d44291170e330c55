"""A loss diverges: it is worse than untrained, or has lost again most of what it had gained.

The thresholds: the median over 20 points, so that no single batch counts, is more than twice the
loss at the beginning; or it is above the best by more than three quarters of the gain and by more
than 8 times the noise of the best block, where the gain was at least a tenth of the beginning. Runs
that warm up, or whose loss bulges at the peak of a one-cycle schedule, lose much less (under a
third in our healthy runs).

Of several losses that are judged together, each has to be twice what it began with: in a GAN one
rises because another falls.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchdial.training.diagnosis.findings import Finding
from torchdial.training.diagnosis.losses import LEVEL_POINTS, Level
from torchdial.training.diagnosis.message_format import number
from torchdial.training.diagnosis.robust_statistics import finite, median
from torchdial.training.diagnosis.run_view import Floats, RunView

LOST_SHARE = 0.75
LOST_NOISES = 8.0
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
    recent = finite(values)[-LEVEL_POINTS:]
    return len(recent) == LEVEL_POINTS and median(recent) > level.start + abs(level.start)


def lost(values: Floats, level: Level) -> bool:
    """Return whether a loss has lost most of what it had gained.

    Example:
        >>> lost(np.full(20, 2.0), Level(start=2.3, best=0.3, noise=0.1))
        True
    """
    recent = finite(values)[-LEVEL_POINTS:]
    if len(recent) < LEVEL_POINTS or level.won < LEAST_WON * abs(level.start):
        return False
    above = median(recent) - level.best
    return above > LOST_SHARE * level.won and above > LOST_NOISES * level.noise


def find_divergence(run: RunView) -> Iterator[Finding]:
    """Find that the judged losses have diverged."""
    found = []
    for name in run.losses.judged:
        level = run.levels.get(name)
        points = run.newest(name, LEVEL_POINTS)
        if level is None:
            return
        far = diverged(points.values, level)
        if not far and (run.losses.rivals or not lost(points.values, level)):
            return
        found.append((name, points, level, far))
    for name, points, level, far in found:
        now = median(finite(points.values))
        was = f"it began at {number(level.start)}" if far else f"it had been {number(level.best)}"
        rate = run.rate()
        from_rate = f" from {number(run.newest(rate, 1).values[-1])}" if rate else ""
        message = (
            f"{name} diverges: {number(now)} over the last {LEVEL_POINTS} points, {was}: lower the "
            f"learning rate{from_rate} (3 to 10 times), warm up, or clip gradients"
        )
        evidence = {"now": now, "start": level.start, "best": level.best}
        yield Finding(int(points.steps[0]), "divergence", name, message, evidence)
