"""Scalars side by side, and steps as epochs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from torchdial.inputs.errors import refusal

Floats = npt.NDArray[np.float64]


def to_table(columns: Mapping[str, tuple[npt.NDArray[Any], ...]]) -> Any:
    """Return a pandas DataFrame of scalars; `History.to_pandas` says how.

    Args:
        columns: steps, values and times of each, by name.
    """
    import pandas as pd

    named, times = {}, []
    for name, (steps, values, seconds) in columns.items():
        again = pd.Series(steps).groupby(steps).cumcount()  # 0 for the first of a step, 1, …
        rows = pd.MultiIndex.from_arrays([steps, again], names=["step", "again"])
        named[name] = pd.Series(values, rows)
        times.append(pd.Series(seconds, rows))
    if not named:
        return pd.DataFrame({"time": []}, index=pd.Index([], name="step"))
    time = pd.concat(times).groupby(level=[0, 1]).min()
    return pd.DataFrame({"time": time, **named}).sort_index().droplevel("again")


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
