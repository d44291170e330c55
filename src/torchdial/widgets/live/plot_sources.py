"""What a live plot can show: a monitor, histories, or values by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeGuard

import numpy as np
import torch

from torchdial.inputs.errors import describe, refusal
from torchdial.training.history.history import History
from torchdial.training.history.series import Series
from torchdial.training.runs import runs as all_runs
from torchdial.training.shown_run import ShownRun

MOST_EARLIER = 11


class Monitor(Protocol):
    """The part of `TrainingMonitor` that plots use."""

    history: History

    @property
    def is_closed(self) -> bool:
        """Whether it has stopped recording."""

    @property
    def step(self) -> int:
        """Completed steps."""

    @property
    def overhead(self) -> float:
        """The fraction of a step that watching takes."""

    @property
    def problem(self) -> str:
        """The traceback of the first internal error, else empty."""

    @property
    def notes(self) -> Sequence[str]:
        """Sentences about limits of the record."""

    @property
    def control(self) -> Any:
        """State, progress and dials, and the requests for them."""

    def name_of(self, parameter: torch.Tensor, /) -> str | None:
        """Return the name under which a parameter is recorded, None if it is not watched."""

    def spent(self, seconds: float, /) -> None:
        """Count time spent on watching in the training thread."""

    def subscribe(self, callback: Callable[[], None], /) -> Callable[[], None]:
        """Call on the publishing thread when something is new; returns how to unsubscribe."""


@dataclass(frozen=True)
class PlotSource:
    """Runs to show, the newest last, and the monitor that records that one."""

    runs: tuple[ShownRun, ...]
    monitor: Monitor | None = None


def read_source(source: Any) -> PlotSource:
    """Return the runs that a plot's argument stands for.

    Raises:
        ValueError: it is neither a monitor, nor histories, nor a dict of histories or of values.
    """
    if is_monitor(source):
        return PlotSource(
            (*_earlier(source.history), ShownRun(source.history, source.history.name)), source
        )
    listed = source if isinstance(source, (list, tuple)) else [source]
    if listed and all(isinstance(history, History) for history in listed):
        return PlotSource(tuple(ShownRun(h, h.name or "run") for h in listed))
    if isinstance(source, Mapping) and source:
        values = list(source.values())
        histories = [v.history if is_monitor(v) else v for v in values]
        if all(isinstance(history, History) for history in histories):
            return PlotSource(
                tuple(ShownRun(h, str(name)) for name, h in zip(source, histories, strict=True))
            )
        if not any(isinstance(history, History) for history in histories):
            return PlotSource((ShownRun(_history_of(source), "run"),))
    raise refusal(
        "source",
        expected="a TrainingMonitor, histories, or a dict of histories or of lists of values",
        got=describe(source),
        remedy='Pass for example LossPlot(monitor) or LossPlot({"loss": values}).',
    )


def is_monitor(source: Any) -> TypeGuard[Monitor]:
    """Return whether something is a monitor: it has a history and can be subscribed to."""
    return isinstance(getattr(source, "history", None), History) and hasattr(source, "subscribe")


def _earlier(history: History) -> list[ShownRun]:
    """Return the runs of this process that began before a run, at most `MOST_EARLIER`."""
    runs = all_runs()
    place = next((i for i, run in enumerate(runs) if run is history), len(runs))
    shown = [run for run in runs[:place] if not run.hidden]
    return [ShownRun(run, run.name, earlier=True) for run in shown[-MOST_EARLIER:]]


def _history_of(given: Mapping[Any, Any]) -> History:
    history = History("run")
    for name, values in given.items():
        array = _to_values(str(name), values)
        series = history.scalars[str(name)] = Series(str(name), history.lock)
        steps = np.arange(len(array))
        series.extend(steps, array, steps)
    return history


def _to_values(name: str, values: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
    try:
        if isinstance(values, torch.Tensor):
            values = values.detach().to("cpu", torch.float64).numpy()
        elif isinstance(values, (list, tuple)):
            values = [float(value) for value in values]
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        array = np.empty((0, 0))
    if array.ndim != 1:
        raise refusal(
            name,
            expected="a list, an array or a tensor of one value a step",
            got=describe(values),
            remedy="Pass one dimension for each name.",
        )
    return array
