"""Scalars side by side, and steps as epochs."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from torchdial.inputs.errors import refusal

Floats = npt.NDArray[np.float64]
TIME = "time"  # the column of seconds since the run began


def to_table(columns: Mapping[str, tuple[npt.NDArray[Any], ...]]) -> Any:
    """Return a pandas DataFrame of scalars; `History.to_pandas` says how.

    Args:
        columns: steps, values and times of each, by name.
    """
    import pandas as pd

    steps = np.concatenate([np.empty(0, np.int64), *(column[0] for column in columns.values())])
    again = np.concatenate([np.empty(0, np.int64), *(_again(c[0]) for c in columns.values())])
    seconds = np.concatenate([np.empty(0), *(column[2] for column in columns.values())])
    order = np.lexsort((again, steps))
    is_new = np.ones(len(order), bool)
    is_new[1:] = (np.diff(steps[order]) != 0) | (np.diff(again[order]) != 0)
    starts = np.flatnonzero(is_new)
    row = np.empty(len(order), np.int64)
    row[order] = np.cumsum(is_new) - 1
    table = np.full((len(columns) + 1, len(starts)), np.nan)
    if len(starts):
        table[0] = np.minimum.reduceat(seconds[order], starts)
    start = 0
    for k, (_, values, _) in enumerate(columns.values(), start=1):
        table[k, row[start : start + len(values)]] = values
        start += len(values)
    names = [TIME, *(own_column(name, {TIME}) for name in columns)]
    index = pd.Index(steps[order][starts], name="step")
    return pd.DataFrame(table.T, index=index, columns=names)


def own_column(name: str, taken: Container[str]) -> str:
    """Return a scalar's column in a table some of whose columns are torchdial's own.

    Example:
        >>> own_column("loss", {"time"}), own_column("time", {"time"})
        ('loss', 'logged/time')
    """
    return f"logged/{name}" if name in taken else name


def _again(steps: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Return for each point how many came before it at its step."""
    count = np.zeros(len(steps), np.int64)
    if len(steps) > 1 and not (steps[1:] > steps[:-1]).all():
        order = np.argsort(steps, kind="stable")
        is_new = np.diff(steps[order], prepend=steps[order[0]] - 1) != 0
        places = np.arange(len(steps))
        count[order] = places - np.maximum.accumulate(np.where(is_new, places, 0))
    return count


def to_epochs(steps: npt.ArrayLike, recorded: npt.ArrayLike, epochs: npt.ArrayLike) -> Floats:
    """Return steps as epochs; `History.epochs` says how.

    Args:
        steps: any numbers, in any shape.
        recorded: (n,), steps where the epoch is known, in any order.
        epochs: (n,), the epoch there; what is not finite or went back is passed over.

    Raises:
        ValueError: fewer than two epochs are known.

    Example:
        >>> to_epochs([0, 5, 25], recorded=[0, 10], epochs=[0, 1])
        array([0. , 0.5, 2.5])
    """
    known = np.array([recorded, epochs], np.float64)
    known = known[:, np.isfinite(known[1])]
    known = known[:, np.argsort(known[0], kind="stable")]
    highest = np.maximum.accumulate(known[1])
    x, y = known[:, np.diff(highest, prepend=-np.inf) > 0]  # where the epoch got higher than ever
    x, first = np.unique(x, return_index=True)
    y = y[first]
    if len(x) < 2:
        raise refusal(
            "epochs",
            expected='two or more epochs in the scalar "epoch"',
            got=str(len(x)),
            remedy="Use monitor.loop(loader, epochs=…), or log(epoch=…).",
        )
    places = np.asarray(steps, np.float64)
    left = np.clip(np.searchsorted(x, places, "right") - 1, 0, len(x) - 2)
    slope = np.diff(y) / np.diff(x)
    return np.asarray(y[left] + slope[left] * (places - x[left]))
