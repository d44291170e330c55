"""Training waits for its data.

The threshold: more than half of the time, in the median of the last 5 readings (one a second, over
the steps of that second), after the first 2, in which workers start and caches fill. At one half
the run would be twice as fast with data that is always ready; below that, other things matter more.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchdial.training.diagnosis.findings import Finding
from torchdial.training.diagnosis.message_format import percent, times
from torchdial.training.diagnosis.robust_statistics import finite, median
from torchdial.training.diagnosis.run_view import Floats, RunView

DATA_WAIT = "system/data_wait"
WAIT_READINGS = 5
STARTUP_READINGS = 2
LONG_WAIT = 0.5


def waiting(shares: Floats) -> float | None:
    """Return the usual share of the time spent waiting, if it is more than half.

    Args:
        shares: (n,) the newest readings, 0 … 1.

    Example:
        >>> waiting(np.full(5, 0.8)), waiting(np.full(5, 0.3))
        (0.8, None)
    """
    known = finite(shares)
    share = median(known) if len(known) >= WAIT_READINGS else 0.0
    return share if share > LONG_WAIT else None


def find_data_wait(run: RunView) -> Iterator[Finding]:
    """Find that the data loader is too slow."""
    if run.until.get(DATA_WAIT, 0) < STARTUP_READINGS + WAIT_READINGS:
        return
    points = run.newest(DATA_WAIT, WAIT_READINGS)
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
