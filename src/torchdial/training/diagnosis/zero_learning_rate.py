"""A learning rate of zero: steps that change nothing.

The threshold: 20 points in a row. A warm-up begins at zero for one step, and a cosine or linear
schedule ends there, at its last; nobody means to stay.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from torchdial.training.diagnosis.finding import Finding
from torchdial.training.diagnosis.run_view import Floats, Reading
from torchdial.training.history.measured_names import LEARNING_RATE

ENOUGH = 20


def idle(rates: Floats) -> bool:
    """Return whether a rate has been zero for the last 20 points.

    Example:
        >>> idle(np.zeros(20)), idle(np.array([0.1] + 19 * [0.0]))
        (True, False)
    """
    return len(rates) >= ENOUGH and not np.any(rates[-ENOUGH:])


def judge(reading: Reading) -> Iterator[Finding]:
    """Find groups whose learning rate is zero."""
    for name in reading.measured(LEARNING_RATE):
        points = reading.newest(name, ENOUGH)
        if not idle(points.values):
            continue
        ever = bool(np.any(reading.whole(name, 1_000)))
        why = "the schedule has run out" if ever else "no schedule has raised it"
        message = (
            f"the learning rate ({name}) has been exactly 0 for {ENOUGH} steps: {why}, and "
            "training changes nothing"
        )
        evidence = {"points": float(ENOUGH), "ever": float(ever)}
        yield Finding(int(points.steps[0]), "zero_lr", name, message, evidence)
