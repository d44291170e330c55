"""What a run left behind: scalars, layers, histograms, events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from torchdial.inputs.arguments import to_dict, to_list
from torchdial.inputs.errors import describe, refusal
from torchdial.inputs.numbers import to_number, to_whole
from torchdial.training.history.events import Event
from torchdial.training.history.layer_histograms import EXPONENTS, LayerHistograms
from torchdial.training.history.layer_matrix import LayerMatrix
from torchdial.training.history.pandas_tables import to_epochs, to_table
from torchdial.training.history.run_record import RunRecord
from torchdial.training.history.series import Series

__all__ = ["Event", "History"]

STEPS = "Count the optimizer's steps, say."
VALUES = 'Pass {"loss": 0.5}, say.'


class History(RunRecord):
    """One run: what was logged and watched, safe to write and read from several threads.

    Args:
        name: what the run is called.
        config: the run's settings, for people to compare; plain values.

    Attributes:
        id: names the run in files and checkpoints; a run that is continued keeps it.
        name: what the run is called.
        config: the settings.
        started: unix time, seconds, when the run began.
        start_step: the step this process took the run up at; 0 unless it was resumed.
        number: which run of this process it is, 0 if it is none (see `runs`).
        hidden: whether plots of later runs leave it out.
        replaced: how often `load_state_dict` has put everything here anew.
        scalars: by name.
        layers: layers × steps, by name: "grad_norm", "update_ratio", …
        histograms: of the gradients of sampled steps, or None.
        events: what happened, in order of arrival.
        branches: what was recorded after a checkpoint from which the run was continued later, a
            `History` each, the oldest first.
        lock: held by whoever writes, or reads several things that belong together.

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
        return name in self.scalars

    def __getitem__(self, name: str) -> Series:
        """Return a scalar.

        Raises:
            KeyError: there is none of this name; the message has the names there are.
        """
        with self.lock:
            if name not in self.scalars:
                raise KeyError(f"{name!r} was not recorded; there are {', '.join(self.names)}")
            return self.scalars[name]

    @property
    def names(self) -> list[str]:
        """The scalars' names, in order of arrival."""
        with self.lock:
            return list(self.scalars)

    def record(self, step: int, values: Mapping[str, float], time: float | None = None) -> None:
        """Add a point to each of some scalars.

        Args:
            step: any whole number.
            values: numbers by name, NaN and infinity included.
            time: seconds since the run began; None is now.
        """
        step = to_whole("step", step, remedy=STEPS)
        time = self.now if time is None else to_number("time", time, remedy="Pass seconds.")
        given = to_dict("values", values, expected="numbers by name", remedy=VALUES)
        numbers = {str(name): _to_value(str(name), value) for name, value in given.items()}
        with self.lock:
            for name, value in numbers.items():
                series = self.scalars.get(name)
                if series is None:
                    series = self.scalars[name] = Series(name, self.lock)
                series.append(step, value, time)

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
        step = to_whole("step", step, remedy=STEPS)
        listed = to_list("names", names, expected="names of layers", remedy="Pass a list of text.")
        names, name = [str(one) for one in listed], str(name)
        values = _to_values(values, len(names))
        with self.lock:
            matrix = self.layers.get(name)
            if matrix is None:
                matrix = self.layers[name] = LayerMatrix(names, self.lock)
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
            if self.histograms is None:
                self.histograms = LayerHistograms(names, exponents, self.lock)
            self.histograms.append(step, counts, self.histograms.find(names))

    def add_event(self, event: Event) -> None:
        """Add what happened."""
        with self.lock:
            self.events.append(event)

    def epochs(self, steps: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Return steps as epochs, float64, by the scalar "epoch" that was recorded.

        A straight line leads from the first step of each epoch to that of the next; the first and
        the last piece go on. The browser's plots do the same (js/src/lib/charts/scalar_track.ts).

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

    def to_pandas(self) -> Any:
        """Return a DataFrame of the scalars: a column each, and a row a step.

        A step that was recorded more than once has more rows, the first of each scalar in the
        first of them; where a scalar was not recorded it is NaN. The index is the step; the column
        "time" has the seconds since the run began.

        Raises:
            ImportError: pandas is not installed.

        Example:
            >>> history = History()
            >>> history.record(1, {"loss": 0.5, "lr": 0.1}, time=0.25)
            >>> history.record(2, {"loss": 0.4}, time=0.5)
            >>> history.to_pandas().to_dict("list")
            {'time': [0.25, 0.5], 'loss': [0.5, 0.4], 'lr': [0.1, nan]}
        """
        return to_table({name: self[name].since(0) for name in self.names})


def _to_value(name: str, value: Any) -> float:
    try:
        if not isinstance(value, (str, bytes)):
            return float(value)
    except Exception:  # noqa: S110 - whatever it is, it is no number
        pass
    raise refusal(name, expected="a number", got=describe(value), remedy=VALUES)


def _to_values(values: Any, count: int) -> npt.NDArray[np.float32]:
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
