"""What a run left behind: scalars, layers, histograms, events."""

from __future__ import annotations

import json
import threading
import time as clock
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from torchdial.atomic_files import whole_file
from torchdial.inputs.arguments import refuse_no_path, to_dict, to_list
from torchdial.inputs.errors import refusal
from torchdial.inputs.numbers import to_number, to_whole
from torchdial.training.history.arrival import Arrival
from torchdial.training.history.events import Event
from torchdial.training.history.layer_histograms import EXPONENTS, LayerHistograms
from torchdial.training.history.layer_matrix import LayerMatrix
from torchdial.training.history.measured_names import names_since_prefixes, recorded_as
from torchdial.training.history.pandas_tables import to_epochs, to_table
from torchdial.training.history.recorded_values import VALUES, layer_values, scalar_value
from torchdial.training.history.run_file import read_frames, to_frame
from torchdial.training.history.run_snapshot import FORMAT, Mark, put, take
from torchdial.training.history.series import Series

__all__ = ["Event", "History"]

STEPS = "Count the optimizer's steps, say."
SETTINGS = {"expected": "settings by name", "remedy": 'Pass {"lr": 0.1}, say.'}
DAMAGE = (ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError)


class History:
    """One run: what was logged and watched, safe to write and read from several threads.

    While a monitor records it, reading from a thread of the user's waits until everything logged
    before has arrived, at most 5 s; see `torchdial.training.history.arrival`. What torchdial
    measures has names of its own, "optim/grad_norm" or "system/memory"; `history["grad_norm"]`
    stands for it as long as nothing was logged under that short name.

    Args:
        name: what the run is called.
        config: the run's settings, for people to compare; plain values.

    Attributes:
        name: what the run is called.
        config: the settings.
        started: unix time, seconds, when the run began.
        start_step: the step this process took the run up at; 0 unless it was resumed.
        number: which run of this process it is, 0 if it is none (see `runs`).
        hidden: whether plots of later runs leave it out.
        replaced: how often `load_state_dict` has put everything here anew.
        scalars: by name.
        arrival: what reading waits for.
        lock: held by whoever writes, or reads several things that belong together.

    Example:
        >>> history = History("run 1")
        >>> history.record(1, {"loss": 0.5, "val/loss": 0.7})
        >>> history["loss"].values
        array([0.5])
        >>> history.names
        ['loss', 'val/loss']
    """

    def __init__(self, name: str = "run", config: Mapping[str, Any] | None = None) -> None:
        self.name = name
        self.config: dict[str, Any] = to_dict("config", config, **SETTINGS)
        self.started = clock.time()
        self.start_step = 0
        self.number = 0
        self.hidden = False
        self.replaced = 0
        self.scalars: dict[str, Series] = {}
        self.lock = threading.RLock()
        self.arrival = Arrival(self.lock)
        self._layers: dict[str, LayerMatrix] = {}
        self._histograms: LayerHistograms | None = None
        self._events: list[Event] = []
        self._zero = clock.perf_counter()
        self._before = 0  # of the version: what load_state_dict replaced

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
            raise KeyError(f"{name!r} was not recorded; there are {', '.join(self.names)}")
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

    @property
    def version(self) -> int:
        """Grows with each change; never waits."""
        with self.lock:
            points = sum(series.version for series in self.scalars.values())
            columns = sum(matrix.version for matrix in self._layers.values())
            samples = self._histograms.version if self._histograms else 0
            return self._before + points + columns + samples + len(self._events)

    @property
    def now(self) -> float:
        """Seconds since the run began."""
        return clock.perf_counter() - self._zero

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
        numbers = {str(name): scalar_value(str(name), value) for name, value in given.items()}
        with self.lock:
            for name, value in numbers.items():
                self.series(name).append(step, value, time)

    def series(self, name: str) -> Series:
        """Return the scalar of exactly this name, added if there is none; never waits."""
        with self.lock:
            if name not in self.scalars:
                self.scalars[name] = Series(name, self.lock, self.arrival)
            return self.scalars[name]

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
        values = layer_values(values, len(names))
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

    def to_pandas(self) -> Any:
        """Return a DataFrame of the scalars: a column each, and a row a step.

        A step that was recorded more than once has more rows, the first of each scalar in the
        first of them; where a scalar was not recorded it is NaN. The index is the step; the column
        "time" has the seconds since the run began, and a scalar called "time" is "logged/time".

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

    def save(self, path: str | PathLike[str]) -> None:
        """Write the run to a file, which appears whole or not at all.

        The format is plain and open, without pickle: see `torchdial.training.history.run_file`.

        Raises:
            OSError: it cannot be written; what was there is as it was.
        """
        refuse_no_path("path", path)
        self.arrival.wait(events=True)
        with whole_file(Path(path)) as file:
            file.writelines(to_frame(*take(self, Mark())))

    @classmethod
    def load(cls, path: str | PathLike[str]) -> History:
        """Read what `save` or autosaving wrote; nothing that is in the file is ever run.

        After a crash in the middle of autosaving the run is as it was before, with a warning.

        Raises:
            ValueError: the file is no saved run, or is damaged.
        """
        refuse_no_path("path", path)
        history = cls()
        try:
            for about, arrays in read_frames(Path(path)):
                put(history, about, arrays)
        except DAMAGE as error:
            raise refusal(
                "load",
                expected=f"a run saved as {FORMAT}",
                got=f"{path}, which is none or is damaged ({error!s:.80})",
                remedy="Save it again.",
            ) from error
        history._rename_measured()
        history._go_on()
        return history

    def state_dict(self) -> dict[str, Any]:
        """Return the whole run in tensors and plain values, for a checkpoint."""
        self.arrival.wait(events=True)
        about, arrays = take(self, Mark())
        return {
            "about": json.dumps(about, allow_nan=False),
            "arrays": {name: torch.from_numpy(array.copy()) for name, array in arrays.items()},
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up a run: what it recorded replaces what is here, and its time goes on.

        `start_step` becomes its last step. Of the settings, those given here win.

        Raises:
            ValueError: the state is none of a run.
        """
        fresh = History()
        fresh.lock, fresh.arrival = self.lock, self.arrival
        try:
            arrays = {name: array.cpu().numpy() for name, array in state["arrays"].items()}
            put(fresh, json.loads(state["about"]), arrays)
        except DAMAGE as error:
            raise refusal(
                "load_state_dict",
                expected="what state_dict returned",
                got=f"something else ({error!r:.80})",
                remedy="Load the state of a monitor with the monitor.",
            ) from error
        fresh._rename_measured()
        steps = [int(series.steps.max()) for series in fresh.scalars.values() if len(series)]
        with self.lock:
            self._before, self.replaced = self.version + 1, self.replaced + 1
            fresh.config |= self.config
            self.name, self.config, self.started = fresh.name, fresh.config, fresh.started
            self.scalars, self._layers = fresh.scalars, fresh._layers
            self._histograms, self._events = fresh._histograms, fresh._events
            self.start_step = max(steps, default=0)
            self._go_on()

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (self.state_dict(), self.number, self.hidden)

    def _find(self, name: str) -> Series | None:
        """Return the scalar that a name stands for, waiting for it if it is not there yet."""
        found = recorded_as(name, self.scalars)
        if found != name:
            self.arrival.wait()
            found = recorded_as(name, self.scalars)
        return None if found is None else self.scalars[found]

    def _rename_measured(self) -> None:
        """Give what was measured the names it has now, in a run from before they had a prefix."""
        new = names_since_prefixes(self.scalars, "grad_norm" in self._layers)
        self.scalars = {new.get(name, name): series for name, series in self.scalars.items()}
        for name, series in self.scalars.items():
            series.name = name

    def _go_on(self) -> None:
        """Let time go on from the last point."""
        times = [series.times[-1] for series in self.scalars.values() if len(series)]
        self._zero = clock.perf_counter() - max(times, default=0.0)


def _restored(state: Mapping[str, Any], number: int, hidden: bool) -> History:
    """Return a copy of a run, from what `__reduce__` took for pickle and deepcopy."""
    history = History()
    history.load_state_dict(state)
    history.number, history.hidden, history.replaced = number, hidden, 0
    history.start_step = json.loads(state["about"])["start_step"]
    return history
