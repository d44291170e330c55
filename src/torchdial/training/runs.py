"""The runs of this process, and those it has read from files, the newest last.

A new monitor begins a new run. Plots of it list the earlier ones, shown once chosen, unless they
are hidden (`run.hidden = True`). The newest 32 are kept here; `forget_runs` drops all.
"""

from __future__ import annotations

import bisect
import threading
from collections.abc import Iterable, Mapping
from typing import Any

from torchdial.inputs.arguments import of_kind, to_list
from torchdial.training.history.history import History
from torchdial.training.history.pandas_tables import own_column
from torchdial.training.history.scalar_names import higher_is_better

KEPT = 32
_lock = threading.Lock()
_runs: list[History] = []
_begun = 0


def begin(name: str | None = None, config: Mapping[str, Any] | None = None) -> History:
    """Return the history of a new run.

    Args:
        name: what to call it; None is "run 3" for the third of this process.
        config: its settings.
    """
    global _begun
    with _lock:
        _begun += 1
        history = History(str("" if name is None else name) or f"run {_begun}", config)
        history.number = _begun
        _runs.append(history)
        del _runs[:-KEPT]
    return history


def list_run(history: History) -> None:
    """List a run that was read from a file; if it was read before, in place of that.

    The file of a run of this process, which is listed itself, adds nothing.
    """
    with _lock:
        if any(run.number and run.id == history.id for run in _runs):
            return
        _runs[:] = [run for run in _runs if run.id != history.id]
        bisect.insort(_runs, history, key=lambda run: run.started)
        del _runs[:-KEPT]


def runs() -> list[History]:
    """Return the runs of this process and those it has read from files, the newest last.

    Example:
        >>> from torchdial import TrainingMonitor
        >>> monitor = TrainingMonitor(torch.nn.Linear(2, 1), name="run 7")
        >>> runs()[-1].name
        'run 7'
    """
    with _lock:
        return list(_runs)


def forget_runs() -> None:
    """Drop all runs of this process, so that plots begun later do not draw them."""
    with _lock:
        _runs.clear()


def compare_runs(histories: Iterable[History] | None = None) -> list[dict[str, Any]]:
    """Return a row for each run: its settings, and of each scalar the last and the best value.

    Args:
        histories: which; None is all of `runs()` that are not hidden.

    Returns:
        Dicts that `pandas.DataFrame` makes a table of: "run", "points", "config/lr", "loss" (the
        last value), "best loss" (where the name says which is best), "best loss at" (its step).
        A scalar called "run" or "points" is "logged/run" or "logged/points".

    Example:
        >>> history = History("warm", {"lr": 0.1})
        >>> history.record(1, {"loss": 0.5})
        >>> history.record(2, {"loss": 0.75})
        >>> compare_runs([history])[0]["config/lr"], compare_runs([history])[0]["best loss"]
        (0.1, 0.5)
    """
    if histories is None:
        histories = [history for history in runs() if not history.hidden]
    expected, remedy = "histories of runs", "Pass [monitor.history, …], or td.runs()."
    listed = to_list("histories", histories, expected=expected, remedy=remedy)
    for i, history in enumerate(listed):
        of_kind(f"histories[{i}]", history, History, expected="a History", remedy=remedy)
    return [_row(history) for history in listed]


def _row(history: History) -> dict[str, Any]:
    series = [history[name] for name in history.names]  # waits, which holding the lock would not
    with history.lock:
        row: dict[str, Any] = {"run": history.name, "points": sum(map(len, series))}
        row |= {f"config/{name}": value for name, value in history.config.items()}
        for one in series:
            name = own_column(one.name, row)
            row[name] = one.last[1] if one.last else None
            best = None if higher_is_better(one.name) is None else one.best()
            if best is not None:
                row[f"best {name} at"], row[f"best {name}"] = best
    return row
