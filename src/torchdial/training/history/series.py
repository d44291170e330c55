"""One scalar of a run: every point is kept, in order of arrival."""

from __future__ import annotations

import threading
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from torchdial.inputs.errors import refusal
from torchdial.training.history.arrival import Arrival
from torchdial.training.history.downsampling import DownsampledSeries, Row, bisect, draw
from torchdial.training.history.extremes_pyramid import NOTHING, Pyramid
from torchdial.training.history.growable_arrays import read_only, with_room
from torchdial.training.history.scalar_names import higher_is_better

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Xs = npt.NDArray[Any]
X = Literal["step", "time", "index"]

SETTLED = 4096  # points that come between two looks at what is new


class Series:
    """Steps, values and times of one scalar, in at most 32 bytes a point.

    That is with the pyramid, spare room to grow, and an order of the steps where they go back; up
    to 36 for the moment it takes to grow.

    Any step is accepted, also out of order or repeated. The arrays read from it are views that
    later points do not change, so they are safe to keep and cost nothing to make. While a run is
    recorded, reading waits until everything logged before has arrived; `last` never waits.

    Args:
        name: what the scalar is called.
        lock: taken by every method; a history passes its own.
        arrival: what reading waits for; None for a series that nothing is on its way to.

    Attributes:
        x_name: what `steps` counts: "step" for steps of the run, "x" for numbers of its own that
            were given to `log(..., step=)`, such as epochs.

    Example:
        >>> series = Series("loss")
        >>> series.append(1, 0.5, time=0.1)
        >>> series.extend([2, 3], [0.4, 0.3], [0.2, 0.3])
        >>> series.values
        array([0.5, 0.4, 0.3])
        >>> series.last
        (3, 0.3)
    """

    def __init__(self, name: str, lock: Any = None, arrival: Arrival | None = None) -> None:
        self.name = name
        self.x_name = "step"
        self._lock = lock or threading.RLock()
        self._arrival = arrival
        self._count = 0
        self._steps: Ints = np.empty(0, np.int64)
        self._values: Floats = np.empty(0, np.float64)
        self._times: Floats = np.empty(0, np.float64)
        self._pyramid = Pyramid()  # over the values in order of arrival
        self._orders = {"step": Order(), "time": Order()}

    def __len__(self) -> int:
        self._wait()
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
        """Step and value of the point that came last, or None; never waits."""
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
            if not self._count % SETTLED:
                self._settle()

    def extend(self, steps: npt.ArrayLike, values: npt.ArrayLike, times: npt.ArrayLike) -> None:
        """Add points in order of arrival; all three are one-dimensional and of one length.

        Raises:
            ValueError: their lengths differ, a step is no whole number or a time not finite.
        """
        self._extend(to_points(self.name, steps, values, times))

    def adopt(self, steps: npt.ArrayLike, values: npt.ArrayLike, times: npt.ArrayLike) -> None:
        """Add points as `extend` does, but copy no array that begins a series.

        They belong to the series from then on: nobody else may write to them.
        """
        new = to_points(self.name, steps, values, times)
        with self._lock:
            if not self._count:
                self._steps, self._values, self._times = new
            self._extend(new)

    def _extend(self, new: tuple[Ints, Floats, Floats]) -> None:
        with self._lock:
            stop = self._count + len(new[0])
            self._make_room(stop)
            for array, part in zip((self._steps, self._values, self._times), new, strict=True):
                if array is not part:
                    array[self._count : stop] = part
            is_time = stop // SETTLED > self._count // SETTLED
            self._count = stop
            if is_time:
                self._settle()

    def shift(self, by: int) -> None:
        """Add a number to the step of every point; arrays read before stay as they are."""
        with self._lock:
            self._steps = self._steps + by

    def since(self, n: int) -> tuple[Ints, Floats, Floats]:
        """Return steps, values and times of the points n, n + 1, … in order of arrival."""
        return self.points(slice(n, None))

    def points(self, which: slice | Ints) -> tuple[Ints, Floats, Floats]:
        """Return steps, values and times of some points.

        Args:
            which: a slice of them in order of arrival, or their numbers, int64 (n,).
        """
        self._wait()
        with self._lock:
            steps, values, times = self._steps, self._values, self._times
            count = self._count
        return (
            read_only(steps[:count][which]),
            read_only(values[:count][which]),
            read_only(times[:count][which]),
        )

    def picture(
        self, buckets: int, start: float | None = None, stop: float | None = None, x: X = "step"
    ) -> DownsampledSeries:
        """Return what is to be drawn of a window: of each bucket its lowest and highest point.

        The window is cut into buckets of equal width. Of each, the lowest and the highest finite
        value and the first NaN, the first infinity and the first minus infinity are kept, so
        nothing that stands out is lost. One point beyond the window on each side comes too, so
        that lines reach its edges. A window of up to two points a bucket comes whole.

        Args:
            buckets: how many, at least 1, for example one a pixel.
            start: the window's first x; None is the first there is.
            stop: the window's last x, included; None is the last there is.
            x: "step", "time" (seconds since the run began) or "index" (order of arrival, for
                what came since the point n: `start=n`).

        Example:
            >>> series = Series("loss")
            >>> series.extend(range(1000), [0.0] * 500 + [9.0] + [0.0] * 499, [0.0] * 1000)
            >>> picture = series.picture(buckets=10)
            >>> float(picture.y.max()), len(picture.x) <= 20
            (9.0, True)
        """
        if buckets < 1 or x not in get_args(X):
            raise refusal(
                "picture",
                expected=f"at least 1 bucket, and x one of {', '.join(get_args(X))}",
                got=f"{buckets} and {x!r}",
                remedy="Pass the width in pixels.",
            )
        self._wait()
        with self._lock:
            self._settle()
            return draw(self._row(x), buckets, start, stop)

    def best(self, highest: bool | None = None) -> tuple[int, float] | None:
        """Return step and value of the best finite value, the first of equal ones; None if none.

        It costs the same whatever the number of points.

        Args:
            highest: whether high is good; None goes by the name, see `higher_is_better`.

        Raises:
            ValueError: `highest` is None and the name does not say.

        Example:
            >>> series = Series("val/accuracy")
            >>> series.extend([1, 2, 3], [0.5, 0.75, 0.7], [0.1, 0.2, 0.3])
            >>> series.best()
            (2, 0.75)
        """
        highest = higher_is_better(self.name) if highest is None else highest
        if highest is None:
            raise refusal(
                "highest",
                expected="True or False",
                got=f"None, and the name {self.name!r} does not say which is better",
                remedy="Pass highest=False for what should be low.",
            )
        self._wait()
        with self._lock:
            if not self._count:
                return None
            self._settle()
            everything = np.array([0]), np.array([self._count])
            found = self._pyramid.stand_out(self._values.take, *everything)[int(highest), 0]
            if found == NOTHING:
                return None
            return int(self._steps[found]), float(self._values[found])

    def _wait(self) -> None:
        if self._arrival is not None:
            self._arrival.wait()

    def _row(self, x: X) -> Row:
        """Return the points in the order of x."""
        values = self._values[: self._count]
        if x == "index":
            return Row(self._count, _same, _same, values.take, self._pyramid)
        return self._orders[x].row(self._along(x), values, self._pyramid)

    def _settle(self) -> None:
        """Take note of the new points."""
        self._pyramid.grow(self._values.take, self._count)
        for x, order in self._orders.items():
            order.watch(self._along(x))

    def _along(self, x: str) -> npt.NDArray[Any]:
        return (self._steps if x == "step" else self._times)[: self._count]

    def _make_room(self, needed: int) -> None:
        self._steps = with_room(self._steps, self._count, needed)
        self._values = with_room(self._values, self._count, needed)
        self._times = with_room(self._times, self._count, needed)


class Order:
    """Which point is where along x; equal ones stay in their order of arrival.

    While x only rises this costs nothing: points are where they arrived. From the first picture
    after one went back on, their numbers are kept sorted, in 4 bytes a point and a pyramid.
    """

    def __init__(self) -> None:
        self._rising = True
        self._count = 0  # how many points were looked at, or sorted
        self._sorted: npt.NDArray[np.int32] = np.empty(0, np.int32)
        self._pyramid = Pyramid()

    def watch(self, x: Xs) -> None:
        """Look whether one of the points that are new goes back."""
        if self._rising:
            new = x[max(0, self._count - 1) :]
            self._rising = bool((new[1:] >= new[:-1]).all())
            self._count = len(x) if self._rising else 0

    def row(self, x: Xs, values: Floats, by_arrival: Pyramid) -> Row:
        """Return the points in the order of x; all of them have been watched.

        Args:
            x: (n,), in order of arrival.
            values: float64 (n,), in order of arrival.
            by_arrival: the pyramid over the values in order of arrival.
        """
        if self._rising:
            return Row(len(x), lambda place: place, x.take, values.take, by_arrival)
        if self._count < len(x):
            self._sort(x, values)
        return Row(
            len(x),
            lambda place: self._sorted[place].astype(np.int64),
            lambda place: x[self._sorted[place]],
            lambda place: values[self._sorted[place]],
            self._pyramid,
        )

    def _sort(self, x: Xs, values: Floats) -> None:
        """Put the new points into their places, and what comes after them into new ones."""
        old, new = self._count, np.arange(self._count, len(x), dtype=np.int32)
        least = x[new].min()
        place = int(bisect(lambda place: x[self._sorted[place]] <= least, keys=1, count=old)[0])
        moved = np.concatenate([self._sorted[place:old], new])
        self._sorted = with_room(self._sorted, old, len(x))
        self._sorted[place : len(x)] = moved[np.argsort(x[moved], kind="stable")]
        self._pyramid.truncate(place)
        self._pyramid.grow(lambda places: values[self._sorted[places]], len(x))
        self._count = len(x)


def _same(places: Ints) -> Ints:
    return places


def to_points(
    name: str, steps: npt.ArrayLike, values: npt.ArrayLike, times: npt.ArrayLike
) -> tuple[Ints, Floats, Floats]:
    """Return steps int64, values and times float64, each (n,).

    Raises:
        ValueError: their lengths differ, a step is no whole number or a time not finite.
    """
    try:
        given = np.asarray(steps)
        is_whole = given.dtype.kind in "iu"  # so that a long array need not be checked
        columns = [given if is_whole else np.asarray(given, np.float64)]
        columns += [np.asarray(column, np.float64) for column in (values, times)]
        got = f"shapes {', '.join(str(column.shape) for column in columns)}"
        if columns[0].ndim == 1 and len({column.shape for column in columns}) == 1:
            wrong = ~np.isfinite(columns[2])
            if not is_whole:
                wrong |= columns[0] % 1 != 0
            if not wrong.any():
                return given.astype(np.int64, copy=False), columns[1], columns[2]
            first = [column[wrong.argmax()].item() for column in columns]
            got = f"step {first[0]:g} at time {first[2]:g}"
    except (TypeError, ValueError) as error:
        got = f"{error!r:.80}"
    raise refusal(
        name,
        expected="whole steps, values and finite times of one length",
        got=got,
        remedy="Pass one of each for every point.",
    )
