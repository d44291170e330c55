"""One scalar of a run: every point is kept, in order of arrival."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from torchdial.inputs.refusal import refusal
from torchdial.training.growing import read_only, with_room

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
X = Literal["step", "time", "index"]


@dataclass(frozen=True)
class Picture:
    """What is drawn of a window of a series: of each bucket the points that may not be missed.

    Attributes:
        x: float64 (m,), steps, seconds or numbers of arrival, never falling.
        y: float64 (m,), NaN and infinity as they were recorded.
        index: int64 (m,), which points of the series these are, in order of arrival.
        complete: whether no point of the window was left out.
    """

    x: Floats
    y: Floats
    index: Ints
    complete: bool


class Series:
    """Steps, values and times of one scalar, in at most 32 bytes a point.

    Any step is accepted, also out of order or repeated. The arrays read from it are views that
    later points do not change, so they are safe to keep and cost nothing to make.

    Args:
        name: what the scalar is called.
        lock: taken by every method; a history hands in its own.

    Example:
        >>> series = Series("loss")
        >>> series.append(1, 0.5, time=0.1)
        >>> series.extend([2, 3], [0.4, 0.3], [0.2, 0.3])
        >>> series.values
        array([0.5, 0.4, 0.3])
        >>> series.last
        (3, 0.3)
    """

    def __init__(self, name: str, lock: Any = None) -> None:
        self.name = name
        self._lock = lock or threading.RLock()
        self._count = 0
        self._steps: Ints = np.empty(0, np.int64)
        self._values: Floats = np.empty(0, np.float64)
        self._times: Floats = np.empty(0, np.float64)

    def __len__(self) -> int:
        return self._count

    def __repr__(self) -> str:
        return f"Series({self.name!r}, {len(self):,} points)"

    @property
    def version(self) -> int:
        """Grows with each change."""
        return self._count

    @property
    def steps(self) -> Ints:
        """The step of each point, int64 (n,)."""
        return self.since(0)[0]

    @property
    def values(self) -> Floats:
        """The value of each point, float64 (n,), NaN and infinity included."""
        return self.since(0)[1]

    @property
    def times(self) -> Floats:
        """Seconds from the beginning of the run to each point, float64 (n,)."""
        return self.since(0)[2]

    @property
    def last(self) -> tuple[int, float] | None:
        """Step and value of the point that came last, or None."""
        with self._lock:
            if not self._count:
                return None
            return int(self._steps[self._count - 1]), float(self._values[self._count - 1])

    def append(self, step: int, value: float, time: float) -> None:
        """Add one point.

        Args:
            step: any whole number.
            value: any number, NaN and infinity included.
            time: seconds since the run began.
        """
        with self._lock:
            n = self._count
            if n == len(self._steps):
                self._make_room(n + 1)
            self._steps[n] = step
            self._values[n] = value
            self._times[n] = time
            self._count = n + 1

    def extend(self, steps: npt.ArrayLike, values: npt.ArrayLike, times: npt.ArrayLike) -> None:
        """Add points in order of arrival; all three are one-dimensional and of one length.

        Raises:
            ValueError: their lengths differ.
        """
        new = np.asarray(steps), np.asarray(values), np.asarray(times)
        shapes = [a.shape for a in new]
        if new[0].ndim != 1 or shapes != 3 * shapes[:1]:
            raise refusal(
                self.name,
                expected="steps, values and times of one length",
                got=f"shapes {', '.join(map(str, shapes))}",
                remedy="Pass one of each for every point.",
            )
        with self._lock:
            stop = self._count + len(new[0])
            self._make_room(stop)
            for array, part in zip((self._steps, self._values, self._times), new, strict=True):
                array[self._count : stop] = part
            self._count = stop

    def since(self, n: int) -> tuple[Ints, Floats, Floats]:
        """Return steps, values and times of the points n, n + 1, … in order of arrival."""
        with self._lock:
            window = slice(n, self._count)
            steps, values, times = self._steps[window], self._values[window], self._times[window]
        return read_only(steps), read_only(values), read_only(times)

    def picture(
        self, buckets: int, start: float | None = None, stop: float | None = None, x: X = "step"
    ) -> Picture:
        """Return what is to be drawn of a window: of each bucket its lowest and highest point.

        The window is cut into buckets of equal width. Of each, the lowest and the highest finite
        value and the first NaN, the first infinity and the first minus infinity are kept, so
        nothing that stands out is lost. One point beyond the window on each side comes too, so
        that lines reach its edges. A window of up to two points a bucket comes whole.

        Args:
            buckets: how many, at least 1: pixels, say.
            start: the window's first x; None is the first there is.
            stop: the window's last x, included; None is the last there is.
            x: "step", "time" (seconds since the run began) or "index" (order of arrival, for
                what came since the point n: `start=n`).

        Example:
            >>> series = Series("loss")
            >>> series.extend(range(1000), [0.0] * 500 + [9.0] + [0.0] * 499, [0.0] * 1000)
            >>> picture = series.picture(buckets=10)
            >>> picture.y.max(), len(picture.x) <= 20
            (np.float64(9.0), True)
        """
        steps, values, times = self.since(0)
        index = np.arange(len(steps))
        along = {"step": steps, "time": times, "index": index}[x].astype(np.float64)
        order = np.argsort(along, kind="stable")
        low = -np.inf if start is None else start
        high = np.inf if stop is None else stop
        order = order[(along[order] >= low) & (along[order] <= high)]
        if len(order) > 2 * buckets:
            parts = np.array_split(order, buckets)
            order = np.unique([k for p in parts for k in (p[0], p[-1])])
            return Picture(along[order], values[order], order, complete=False)
        return Picture(along[order], values[order], order, complete=True)

    def _make_room(self, needed: int) -> None:
        self._steps = with_room(self._steps, self._count, needed)
        self._values = with_room(self._values, self._count, needed)
        self._times = with_room(self._times, self._count, needed)
