"""What the browser is told of runs: everything, within a budget, or what is new.

js/src/lib/plots/frames.ts names the parts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from torchdial.training.events import Event
from torchdial.training.history import History
from torchdial.training.matrix import LayerMatrix
from torchdial.training.series import Series
from torchdial.widgets.packing import Packer

DELTA_BYTES = 60_000  # with the head at most 64 kB
DELTA_NAMES = 16_000  # longer lists of names wait for a keyframe
DELTA_EVENTS = 20
KEYFRAME_BYTES = 450_000  # with events and the rest of the head at most 512 kB
KEYFRAME_LAYER_BYTES = 160_000
KEYFRAME_POINTS = 20_000
SERIES_POINTS = 16_000  # js/src/lib/plots/points.ts keeps a few more
KEYFRAME_EVENTS = 200
COUNT_BYTES = 24_000  # larger distributions come a layer at a time, when asked for
POINT_BYTES = 20  # step and value as float64, time as float32
MISSING = np.float32(-1)  # of numbers that are never negative
MATRICES = ("grad_norm", "update_ratio")
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Run:
    """A run as it is shown.

    Attributes:
        history: what was recorded.
        name: what it is called here.
        earlier: whether it is drawn faint, behind the others.
    """

    history: History
    name: str
    earlier: bool = False


@dataclass(frozen=True)
class Choice:
    """What of a run is shown.

    Attributes:
        scalars: says which scalars are.
        layers: whether layers and distributions are.
    """

    scalars: Callable[[str], bool]
    layers: bool


@dataclass
class Told:
    """How far the browser has been told.

    Attributes:
        points: points of each scalar, by run and name.
        columns: last step of each layer matrix.
        last: last column of each layer matrix.
        rows: rows of each layer matrix.
        distribution: step of the last distribution.
        events: events.
    """

    points: dict[tuple[int, str], int] = field(default_factory=dict)
    columns: dict[str, int] = field(default_factory=dict)
    last: dict[str, Floats] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    distribution: int | None = None
    events: int = 0


@dataclass(frozen=True)
class Packed:
    """A frame: its head and bytes, whether there is more to tell, and whether that is too much."""

    head: dict[str, Any]
    data: bytes
    more: bool = False
    too_much: bool = False


def keyframe(runs: Sequence[Run], choice: Choice, told: Told) -> Packed:
    """Return everything that is shown, at most 512 kB, and note in `told` what that is."""
    packer = Packer()
    history = runs[-1].history
    events = list(history.events)
    first = max(0, len(events) - KEYFRAME_EVENTS)
    told.points, told.columns, told.rows = {}, {}, {}
    told.events, told.distribution = len(events), None
    layers, distribution = [], None
    if choice.layers:
        layers = _layers(packer, history, told, KEYFRAME_LAYER_BYTES)
        distribution = _newest_distribution(packer, history, told)
    names = sum(_length(entry["rows"]) for entry in layers)
    room = (KEYFRAME_BYTES - len(packer) - names) // POINT_BYTES
    head = {
        "runs": _whole_runs(packer, runs, choice, told, min(max(room, 0), KEYFRAME_POINTS)),
        "layers": layers,
        "distribution": distribution,
        "events": {"first": first, "items": [event_words(event) for event in events[first:]]},
    }
    return Packed(head, packer.data())


def _whole_runs(
    packer: Packer, runs: Sequence[Run], choice: Choice, told: Told, room: int
) -> list[dict[str, Any]]:
    chosen = [[s for s in _scalars(run.history) if choice.scalars(s.name)] for run in runs]
    counts = [min(len(series), SERIES_POINTS) for scalars in chosen for series in scalars]
    allowed = iter(shares(counts, room))
    heads = []
    for i, (run, scalars) in enumerate(zip(runs, chosen, strict=True)):
        packed = [_whole(packer, series, next(allowed)) for series in scalars]
        told.points |= {(i, entry["name"]): entry["total"] for entry in packed}
        heads.append({"id": i, "name": run.name, "earlier": run.earlier, "scalars": packed})
    return heads


def delta(runs: Sequence[Run], choice: Choice, told: Told) -> Packed:
    """Return what is new since `told`, at most 64 kB, and note it there."""
    packer = Packer()
    history = runs[-1].history
    layers, distribution, too_much = [], None, False
    if choice.layers:
        too_much = _new_names(history, told) > DELTA_NAMES
        if not too_much:
            layers = _layers(packer, history, told, DELTA_BYTES // 3)
            distribution = _newest_distribution(packer, history, told)
    new = [
        (i, series, len(series) - told.points.get((i, series.name), 0))
        for i, run in enumerate(runs)
        for series in _scalars(run.history)
        if choice.scalars(series.name)
    ]
    new = [entry for entry in new if entry[2] > 0]
    names = sum(_length(entry["rows"]) for entry in layers)
    room = (DELTA_BYTES - len(packer) - names - 200 * len(new)) // POINT_BYTES
    allowed = shares([count for _, _, count in new], max(room, 0))
    by_run: dict[int, list[dict[str, Any]]] = {}
    for (i, series, _), count in zip(new, allowed, strict=True):
        if count:
            by_run.setdefault(i, []).append(_next(packer, series, i, count, told))
    events = history.events[told.events : told.events + DELTA_EVENTS]
    head = {
        "runs": [
            {"id": i, "name": runs[i].name, "earlier": runs[i].earlier, "scalars": scalars}
            for i, scalars in by_run.items()
        ],
        "layers": layers,
        "distribution": distribution,
        "events": {"first": told.events, "items": [event_words(event) for event in events]},
    }
    told.events += len(events)
    left = sum(count for _, _, count in new) - sum(allowed)
    more = left > 0 or told.events < len(history.events)
    return Packed(head, packer.data(), more, too_much)


def detail(runs: Sequence[Run], content: Mapping[str, Any]) -> Packed:
    """Return the points of a window that the browser asked for.

    Raises:
        KeyError: there is no such run or scalar.
        ValueError: the question makes no sense.
    """
    along, buckets = content["along"], int(content["buckets"])
    if along not in ("step", "time") or not 1 <= buckets <= 5000:
        raise ValueError("detail: expected along 'step' or 'time' and 1 … 5000 buckets")
    packer = Packer()
    found = []
    for wanted in content["series"][:64]:
        series = runs[int(wanted["run"])].history[str(wanted["name"])]
        start, stop = (float(end) for end in wanted["window"])
        picture = series.picture(buckets, start, stop, along)
        steps, values, times = series.steps, series.values, series.times
        kept = picture.index
        found.append(
            {
                "run": int(wanted["run"]),
                "name": series.name,
                **_points(packer, steps[kept], times[kept], values[kept]),
            }
        )
    return Packed({"scalars": found}, packer.data())


def distribution_at(history: History, step: int, row: str | None) -> Packed:
    """Return the distribution of |gradient| nearest to a step; its head is None where none is.

    Args:
        history: a run.
        step: any step.
        row: the layer whose counts are wanted; None leaves them out where they are many.
    """
    packer = Packer()
    found = _distribution(packer, history, step, row)
    return Packed({"distribution": found}, packer.data())


def shares(counts: Sequence[int], budget: int) -> list[int]:
    """Divide a budget fairly: nobody gets more than they have, and what is left goes to others.

    Example:
        >>> shares([5, 100, 40], 65)
        [5, 30, 30]
    """
    out = [0] * len(counts)
    left = budget
    order = sorted(range(len(counts)), key=lambda i: counts[i])
    for place, i in enumerate(order):
        out[i] = min(counts[i], left // (len(counts) - place))
        left -= out[i]
    return out


def event_words(event: Event) -> dict[str, Any]:
    """Return an event as the browser shows it."""
    return {
        "step": int(event.step),
        "kind": event.kind,
        "where": event.where,
        "message": event.message,
    }


def _scalars(history: History) -> list[Series]:
    with history.lock:
        return list(history.scalars.values())


def _whole(packer: Packer, series: Series, allowed: int) -> dict[str, Any]:
    """Pack a scalar's points, or where they are too many the extremes of buckets."""
    steps, values, times = series.since(0)
    total = len(steps)
    exact = total <= allowed
    if not exact:
        kept = _kept(series, allowed)
        steps, values, times = steps[kept], values[kept], times[kept]
    head = {"name": series.name, "first": 0, "total": total, "exact": exact}
    return head | _points(packer, steps, times, values)


def _kept(series: Series, allowed: int) -> npt.NDArray[np.int64]:
    """Return numbers of at most `allowed` points: two a bucket, five where not all are finite.

    The point that came last is among them.
    """
    kept = series.picture(max((allowed - 3) // 2, 1)).index
    if len(kept) >= allowed:
        kept = series.picture(max((allowed - 3) // 5, 1)).index
    last = len(series) - 1
    return kept if last in kept else np.append(kept, last)


def _next(packer: Packer, series: Series, run: int, count: int, told: Told) -> dict[str, Any]:
    """Pack the next points of a scalar."""
    first = told.points.get((run, series.name), 0)
    steps, values, times = (array[:count] for array in series.since(first))
    told.points[run, series.name] = first + len(steps)
    head = {"name": series.name, "first": first, "total": len(series), "exact": True}
    return head | _points(packer, steps, times, values)


def _points(packer: Packer, steps: Any, times: Any, values: Any) -> dict[str, Any]:
    return {
        "step": packer.add(steps, "f8"),
        "time": packer.add(times, "f4"),
        "value": packer.add(values, "f8"),
    }


def _matrices(history: History) -> list[tuple[str, LayerMatrix]]:
    return [(name, history.layers[name]) for name in MATRICES if name in history.layers]


def _new_names(history: History, told: Told) -> int:
    """Return the characters of names of rows that the browser does not know."""
    with history.lock:
        return sum(
            _length(matrix.names)
            for name, matrix in _matrices(history)
            if told.rows.get(name) != len(matrix.names)
        )


def _length(names: Sequence[str] | None) -> int:
    return sum(len(name) + 4 for name in names or ())


def _layers(packer: Packer, history: History, told: Told, budget: int) -> list[dict[str, Any]]:
    """Pack the columns from the last one told, which may have grown, on."""
    with history.lock:
        matrices = _matrices(history)
        packed = [
            _columns(packer, name, matrix, told, budget // len(matrices))
            for name, matrix in matrices
        ]
    return [entry for entry in packed if entry is not None]


def _columns(
    packer: Packer, name: str, matrix: LayerMatrix, told: Told, budget: int
) -> dict[str, Any] | None:
    steps = matrix.steps
    rows = len(matrix.names)
    last = told.columns.get(name) if told.rows.get(name) == rows else None
    first = 0 if last is None else max(int(np.searchsorted(steps, last, "right")) - 1, 0)
    most = budget // (8 + 4 * max(rows, 1))
    if len(steps) == 0 or most == 0:
        return None
    steps, values = merge_columns(*_newest(matrix, len(steps) - first), most)
    known = told.rows.get(name) == rows
    grew = len(steps) > 1 or not np.array_equal(values, told.last.get(name, []), equal_nan=True)
    if known and not grew:
        return None
    told.columns[name] = int(steps[-1])
    told.last[name] = values[:, -1:]
    told.rows[name] = rows
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


def _newest_distribution(packer: Packer, history: History, told: Told) -> dict[str, Any] | None:
    found = history.histograms
    if found is None or len(found) == 0 or int(found.steps[-1]) == told.distribution:
        return None
    told.distribution = int(found.steps[-1])
    return _distribution(packer, history, told.distribution, None)


def _distribution(
    packer: Packer, history: History, step: int, row: str | None
) -> dict[str, Any] | None:
    """Pack all layers' root mean square and largest |gradient|, and counts of one or all."""
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
        counted = list(range(len(names))) if counts.size * 4 <= COUNT_BYTES else []
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
