"""Training that waits for its data.

The threshold: more than half of the time, in the median of the last 5 readings (one a second, about
all steps of it), the first 2 left out (workers that start, caches that fill). At one half, data
that came at once would make the run twice as fast; below, other things matter more.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from torchdial.training.diagnosis.finding import Finding
from torchdial.training.diagnosis.message_format import percent, times
from torchdial.training.diagnosis.robust_statistics import finite
from torchdial.training.diagnosis.run_view import Floats, Reading

NAME = "system/data_wait"
WINDOW = 5
STARTING = 2
MOST = 0.5


def waiting(shares: Floats) -> float | None:
    """Return the usual share of the time spent waiting, if it is more than half.

    Args:
        shares: (n,) the newest readings, 0 … 1.

    Example:
        >>> waiting(np.full(5, 0.8)), waiting(np.full(5, 0.3))
        (0.8, None)
    """
    known = finite(shares)
    share = float(np.median(known)) if len(known) >= WINDOW else 0.0
    return share if share > MOST else None


def judge(reading: Reading) -> Iterator[Finding]:
    """Find that the loader is too slow."""
    if reading.until.get(NAME, 0) < STARTING + WINDOW:
        return
    points = reading.newest(NAME, WINDOW)
    share = waiting(points.values)
    if share is None:
        return
    faster = 1 / max(1 - share, 0.01)
    message = (
        f"{percent(share)} of each step is spent waiting for data: with more workers, larger "
        f"batches read at once or data in memory the run could be {times(faster)} as fast"
    )
    evidence = {"share": share, "faster": faster}
    yield Finding(int(points.steps[0]), "starved", None, message, evidence)
