"""Messages about layers for the page: columns of a matrix, and one step's distribution.

js/src/lib/live/run_wire.ts names the parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from torchdial.training.history.history import History
from torchdial.training.history.layer_matrix import LayerMatrix
from torchdial.widgets.live.packer import Packer

COUNT_BYTES = 24_000  # larger distributions come a layer at a time, when asked for
MISSING = np.float32(-1)  # of numbers that are never negative
MATRICES = ("grad_norm", "update_ratio")
Floats = npt.NDArray[np.float32]


@dataclass
class SentLayers:
    """How much of the layers the page has been sent.

    Attributes:
        columns: the last step of each matrix.
        last: the last column of each matrix.
        rows: the number of rows of each matrix.
        distribution: the step of the last distribution.
    """

    columns: dict[str, int] = field(default_factory=dict)
    last: dict[str, Floats] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    distribution: int | None = None


def _matrices(history: History) -> list[tuple[str, LayerMatrix]]:
    return [(name, history.layers[name]) for name in MATRICES if name in history.layers]


def new_names(history: History, sent: SentLayers) -> int:
    """Return how many characters the names of rows take that the page does not have."""
    with history.lock:
        return sum(
            length_of(matrix.names)
            for name, matrix in _matrices(history)
            if sent.rows.get(name) != len(matrix.names)
        )


def length_of(names: Sequence[str] | None) -> int:
    """Return how many characters names take in a message."""
    return sum(len(name) + 4 for name in names or ())


def pack_layers(
    packer: Packer, history: History, sent: SentLayers, budget: int
) -> list[dict[str, Any]]:
    """Pack the columns from the last one sent on; that one may have grown."""
    with history.lock:
        matrices = _matrices(history)
        packed = [
            _columns(packer, name, matrix, sent, budget // len(matrices))
            for name, matrix in matrices
        ]
    return [entry for entry in packed if entry is not None]


def _columns(
    packer: Packer, name: str, matrix: LayerMatrix, sent: SentLayers, budget: int
) -> dict[str, Any] | None:
    steps = matrix.steps
    rows = len(matrix.names)
    last = sent.columns.get(name) if sent.rows.get(name) == rows else None
    first = 0 if last is None else max(int(np.searchsorted(steps, last, "right")) - 1, 0)
    most = budget // (8 + 4 * max(rows, 1))
    if len(steps) == 0 or most == 0:
        return None
    steps, values = merge_columns(*_newest(matrix, len(steps) - first), most)
    known = sent.rows.get(name) == rows
    grew = len(steps) > 1 or not np.array_equal(values, sent.last.get(name, []), equal_nan=True)
    if known and not grew:
        return None
    sent.columns[name] = int(steps[-1])
    sent.last[name] = values[:, -1:]
    sent.rows[name] = rows
    return {
        "name": name,
        "rows": None if known else list(matrix.names),
        "step": packer.add(steps, "f8"),
        "value": packer.add(values.T, "f4"),
    }


def _newest(matrix: LayerMatrix, columns: int) -> tuple[npt.NDArray[np.int64], Floats]:
    """Return steps and largest values of the newest columns, MISSING where a layer had none."""
    steps, largest, _, count = matrix.last(columns)
    return steps, np.where(count == 0, MISSING, largest)


def merge_columns(
    steps: npt.NDArray[np.int64], values: Floats, most: int
) -> tuple[npt.NDArray[np.int64], Floats]:
    """Merge neighbouring columns to at most `most`, keeping the largest value of each row.

    Args:
        steps: int64 (K,), first step of each column.
        values: float32 (L, K); NaN wins over any number.
        most: at least 1.

    Returns:
        Steps (k,) and values (L, k), k ≤ most.
    """
    together = -(-len(steps) // most)
    starts = np.arange(0, len(steps), together)
    return steps[starts], np.maximum.reduceat(values, starts, axis=1)


def pack_newest(packer: Packer, history: History, sent: SentLayers) -> dict[str, Any] | None:
    """Pack the newest distribution unless it was sent before."""
    found = history.histograms
    if found is None or len(found) == 0 or int(found.steps[-1]) == sent.distribution:
        return None
    sent.distribution = int(found.steps[-1])
    return pack_distribution(packer, history, sent.distribution, None)


def pack_distribution(
    packer: Packer,
    history: History,
    step: int,
    row: str | None,
    most_bytes: int | None = COUNT_BYTES,
) -> dict[str, Any] | None:
    """Pack all layers' root mean square and largest |gradient|, and counts of one or all.

    Counts of all that are larger than `most_bytes` are left out; None sets no limit.
    """
    with history.lock:
        found = history.histograms.at(step) if history.histograms else None
        if found is None or history.histograms is None:
            return None
        at, counts = found
        names = history.histograms.names[: len(counts)]
        norms = _column_at(history, "grad_norm", names, at)
        largest = _column_at(history, "grad_max", names, at)
        low = history.histograms.exponents[0]
    sizes = np.maximum(counts.sum(axis=1), 1)
    known = history.layers.get("grad_norm")
    if row is not None:
        counted = [names.index(row)]
    else:
        fits = most_bytes is None or counts.size * 4 <= most_bytes
        counted = list(range(len(names))) if fits else []
    return {
        "step": int(at),
        "rows": None if known is not None and known.names == names else names,
        "low": low,
        "bins": counts.shape[1],
        "counted": None if len(counted) == len(names) else counted,
        "count": packer.add(counts[counted], "f4"),
        "rms": packer.add(norms / np.sqrt(sizes), "f4"),
        "max": packer.add(largest, "f4"),
    }


def _column_at(history: History, name: str, rows: Sequence[str], step: int) -> Floats:
    """Return a matrix's values at a step by the names of rows, NaN where there are none."""
    out = np.full(len(rows), np.nan, np.float32)
    matrix = history.layers.get(name)
    if matrix is None or len(matrix) == 0:
        return out
    column = max(int(np.searchsorted(matrix.steps, step, "right")) - 1, 0)
    values = dict(zip(matrix.names, matrix.max[:, column], strict=True))
    for row, name_of_row in enumerate(rows):
        out[row] = values.get(name_of_row, np.nan)
    return out
