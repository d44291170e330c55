"""What a run left behind: scalars, layers, histograms, events."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from torchdial.inputs.arguments import to_dict, to_list
from torchdial.inputs.errors import describe, refusal
from torchdial.inputs.numbers import flat_values, to_number, to_value, to_whole
from torchdial.training.history.downsampling import DownsampledSeries
from torchdial.training.history.events import Event
from torchdial.training.history.layer_histograms import EXPONENTS, LayerHistograms
from torchdial.training.history.layer_matrix import LayerMatrix
from torchdial.training.history.measured_names import recorded_as
from torchdial.training.history.pandas_tables import to_epochs, to_table
from torchdial.training.history.run_record import RunRecord
from torchdial.training.history.series import Floats, Ints, Series

__all__ = ["Event", "History"]

STEP_REMEDY = "Count for example the optimizer's steps."
VALUES = 'Pass for example {"loss": 0.5}.'


class History(RunRecord):
    """One run: what was logged and watched, safe to write and read from several threads.

    While a monitor records it, reading from a thread of the user's waits until everything logged
    before has arrived, at most 5 s; see `torchdial.training.history.arrival`. What torchdial
    measures has names of its own, "optim/grad_norm" or "system/memory"; `history["grad_norm"]`
    stands for it as long as nothing was logged under that short name.

    Args:
        name: what the run is called.
        config: the run's settings, to compare runs by; plain values.

    Attributes:
        id: names the run in files and checkpoints; a run that is continued keeps it.
        name: what the run is called.
        config: the settings.
        started: unix time, seconds, when the run began.
        start_step: the step this process took the run up at; 0 unless it was resumed.
        number: which run of this process it is, 0 if it is none (see `runs`).
        hidden: whether plots of later runs leave it out.
        replaced: how often everything here was put anew, as by `load_state_dict`.
        ended: None while the run may go on; else the error that ended it, empty where none did.
        scalars: by name.
        branches: what was recorded after a checkpoint from which the run was continued later, a
            `History` each, the oldest first.
        arrival: what reading waits for.
        lock: held while writing, or reading several parts that belong together.

    Example:
        >>> history = History("run 1")
        >>> history.record(1, {"loss": 0.5, "val/loss": 0.7})
        >>> history["loss"].values
        array([0.5])
        >>> history.names
        ['loss', 'val/loss']
    """

    def __repr__(self) -> str:
        return f"History({self.name!r}, {', '.join(self.names) or 'empty'})"

    def __contains__(self, name: object) -> bool:
        return self._find(str(name)) is not None

    def __iter__(self) -> Iterator[str]:
        """Go through the names of the scalars."""
        return iter(self.names)

    def __getitem__(self, name: str) -> Series:
        """Return a scalar.

        Raises:
            KeyError: there is none of this name; the message has the names there are.
        """
        series = self._find(name)
        if series is None:
            recorded = ", ".join(self.names) or "no scalars yet"
            raise KeyError(f"{name!r} was not recorded; there are {recorded}")
        return series

    @property
    def names(self) -> list[str]:
        """The scalars' names, in order of arrival."""
        self.arrival.wait()
        with self.lock:
            return list(self.scalars)

    @property
    def layers(self) -> dict[str, LayerMatrix]:
        """Layers × steps, by name, such as "grad_norm" and "update_ratio"."""
        self.arrival.wait()
        return self._layers

    @property
    def histograms(self) -> LayerHistograms | None:
        """Histograms of the gradients of sampled steps, or None."""
        self.arrival.wait()
        return self._histograms

    @histograms.setter
    def histograms(self, histograms: LayerHistograms | None) -> None:
        self._histograms = histograms

    @property
    def events(self) -> list[Event]:
        """What happened, in order of arrival."""
        self.arrival.wait(events=True)
        return self._events

    @events.setter
    def events(self, events: list[Event]) -> None:
        self._events = events

    def record(self, step: int, values: Mapping[str, float], time: float | None = None) -> None:
        """Add a point to each of some scalars.

        Args:
            step: any whole number.
            values: numbers by name, NaN and infinity included.
            time: seconds since the run began; None is now.
        """
        step = to_whole("step", step, remedy=STEP_REMEDY)
        time = self.now if time is None else to_number("time", time, remedy="Pass seconds.")
        given = to_dict("values", values, expected="numbers by name", remedy=VALUES)
        numbers = {
            name: to_value(name, value, remedy=VALUES) for name, value in flat_values(given).items()
        }
        with self.lock:
            for name, value in numbers.items():
                self.series(name).append(step, value, time)

    def record_layers(
        self, name: str, names: Sequence[str], step: int, values: npt.ArrayLike
    ) -> None:
        """Add one number a layer.

        Args:
            name: what the numbers are, such as "grad_norm".
            names: the layers, in the order of the network; some of them may be left out, which
                means they had no value, and those that are new are added.
            step: any whole number.
            values: float32 (L,), one for each of `names`, NaN and infinity included.

        Raises:
            ValueError: other values than names, or a step that is none.
        """
        step = to_whole("step", step, remedy=STEP_REMEDY)
        listed = to_list("names", names, expected="names of layers", remedy="Pass a list of text.")
        names, name = [str(one) for one in listed], str(name)
        values = _layer_values(values, len(names))
        with self.lock:
            matrix = self._layers.get(name)
            if matrix is None:
                matrix = self._layers[name] = LayerMatrix(names, self.lock)
            matrix.append(step, values, matrix.find(names))

    def record_histograms(
        self,
        names: Sequence[str],
        step: int,
        counts: npt.ArrayLike,
        exponents: Sequence[int] = EXPONENTS,
    ) -> None:
        """Add the histograms of one step.

        Args:
            names: the layers, in the order of the network.
            step: any whole number.
            counts: (L, B), of each layer how many values each bin has; see `LayerHistograms`.
            exponents: the bins' edges, the same each time.
        """
        with self.lock:
            if self._histograms is None:
                self._histograms = LayerHistograms(names, exponents, self.lock)
            self._histograms.append(step, counts, self._histograms.find(names))

    def add_event(self, event: Event) -> None:
        """Add what happened."""
        with self.lock:
            self._events.append(event)

    def shift_steps(self, by: int, besides: Container[str] = ()) -> None:
        """Add a number to the step of everything recorded, as the run takes up another count.

        Args:
            by: any whole number.
            besides: scalars that are left as they are.
        """
        with self.lock:
            self._before, self.replaced = self.version + 1, self.replaced + 1
            self.start_step = max(self.start_step + by, 0)
            for name, series in self.scalars.items():
                if name not in besides:
                    series.shift(by)
            for matrix in self._layers.values():
                matrix.shift(by)
            if self._histograms is not None:
                self._histograms.shift(by)
            self._events = [replace(event, step=event.step + by) for event in self._events]

    def epochs(self, steps: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Return steps as epochs, float64, by the scalar "epoch", or else "time/epoch".

        "epoch" is what was logged, "time/epoch" what `monitor.loop` counted. A straight line
        leads from the first step of each epoch to that of the next; the first and the last piece go
        on. The browser's plots do the same (js/src/lib/charts/scalar_track.ts).

        Args:
            steps: any numbers, in any shape.

        Raises:
            ValueError: fewer than two epochs were recorded, so nothing is known of their length.

        Example:
            >>> history = History()
            >>> for step in range(20):
            ...     history.record(step, {"epoch": step // 10})
            >>> history.epochs([0, 5, 10, 25])
            array([0. , 0.5, 1. , 2.5])
        """
        recorded = self["epoch"] if "epoch" in self else Series("epoch")
        return to_epochs(steps, recorded.steps, recorded.values)

    def along_run(self, series: Series, first: int = 0) -> tuple[Ints, Floats, Floats]:
        """Return the run's steps, int64 (n,), a scalar's values and times, float64 (n,).

        They are those of the points `first`, `first + 1`, … in order of arrival.
        For a scalar with an x of its own, such as the epoch, the step is that of the run's last
        point before, `start_step` if there is none.
        """
        return self.points_along_run(series, slice(first, None))

    def points_along_run(self, series: Series, which: slice | Ints) -> tuple[Ints, Floats, Floats]:
        """Return what `along_run` does, of some points alone; see `Series.points`."""
        self.arrival.wait()
        with self.lock:
            steps, values, times = series.points(which)
            if series.x_name == "step":
                return steps, values, times
            steps = np.full(len(times), self.start_step)
            latest = np.full(len(times), -np.inf)
            for one in self.counted():
                run_steps, _, run_times = one.since(0)
                last = np.searchsorted(run_times, times, side="right") - 1
                later = np.flatnonzero(last >= 0)
                later = later[run_times[last[later]] >= latest[later]]
                steps[later], latest[later] = run_steps[last[later]], run_times[last[later]]
        return steps, values, times

    def picture_along_run(self, series: Series, buckets: int) -> DownsampledSeries:
        """Return what is to be drawn of a scalar along the run's steps; see `Series.picture`."""
        if series.x_name == "step":
            return series.picture(buckets)
        with self.lock:
            picture = series.picture(buckets, x="index")
            steps, _, _ = self.points_along_run(series, picture.index)
            return replace(picture, x=steps.astype(float))

    def to_pandas(self) -> Any:
        """Return a DataFrame of the scalars: a column each, and a row a step.

        A step that was recorded more than once has more rows, the first of each scalar in the
        first of them; where a scalar was not recorded it is NaN. The index is the step of the run,
        also for a scalar logged with an x of its own, such as the epoch (see `along_run`). The
        column "time" has the seconds since the run began, and a scalar called "time" is
        "logged/time".

        Raises:
            ImportError: pandas is not installed.

        Example:
            >>> history = History()
            >>> history.record(1, {"loss": 0.5, "lr": 0.1}, time=0.25)
            >>> history.record(2, {"loss": 0.4}, time=0.5)
            >>> history.to_pandas().to_dict("list")
            {'time': [0.25, 0.5], 'loss': [0.5, 0.4], 'lr': [0.1, nan]}
        """
        return to_table({name: self.along_run(self[name]) for name in self.names})

    def _find(self, name: str) -> Series | None:
        """Return the scalar that a name stands for, waiting for it if it is not there yet."""
        found = recorded_as(name, self.scalars)
        if found != name:
            self.arrival.wait()
            found = recorded_as(name, self.scalars)
        return None if found is None else self.scalars[found]


def _layer_values(values: Any, count: int) -> npt.NDArray[np.float32]:
    """Return one value for each of `count` layers, float32 (count,).

    Raises:
        ValueError: they are more or fewer, or no numbers.
    """
    try:
        array = np.asarray(values, np.float32)
        if array.shape == (count,):
            return array
    except Exception:  # noqa: S110 - whatever it is, it is no list of numbers
        pass
    raise refusal(
        "values",
        expected=f"a number for each of {count} names",
        got=describe(values),
        remedy="Pass one for each layer, in the order of the names.",
    )
