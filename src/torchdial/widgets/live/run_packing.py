"""What the browser is told of runs: everything, within a budget, or what is new.

js/src/lib/live/run_wire.ts names the parts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from torchdial.training.history.events import Event
from torchdial.training.history.history import History
from torchdial.training.history.series import Series
from torchdial.training.shown_run import ShownRun
from torchdial.widgets.live.layer_packing import (
    ToldLayers,
    length_of,
    new_names,
    pack_distribution,
    pack_layers,
    pack_newest,
)
from torchdial.widgets.live.packer import Packer

DELTA_BYTES = 60_000  # with the head at most 64 kB
DELTA_NAMES = 16_000  # longer lists of names wait for a keyframe
DELTA_SCALARS = 100  # that have something new; the others' turn comes next
DELTA_EVENTS = 20
KEYFRAME_BYTES = 450_000  # with events and the rest of the head at most 512 kB
KEYFRAME_LAYER_BYTES = 160_000
KEYFRAME_POINTS = 20_000
SERIES_POINTS = 16_000  # js/src/lib/charts/scalar_points.ts keeps a few more
KEYFRAME_EVENTS = 200
POINT_BYTES = 20  # step and value as float64, time as float32
SCALAR_BYTES = 200  # of the head


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
        layers: of layers.
        events: events.
    """

    points: dict[tuple[int, str], int] = field(default_factory=dict)
    layers: ToldLayers = field(default_factory=ToldLayers)
    events: int = 0


@dataclass(frozen=True)
class Packed:
    """A frame: its head and bytes, whether there is more to tell, and whether that is too much."""

    head: dict[str, Any]
    data: bytes
    more: bool = False
    too_much: bool = False


def keyframe(runs: Sequence[ShownRun], choice: Choice, told: Told) -> Packed:
    """Return everything that is shown, at most 512 kB, and note in `told` what that is."""
    packer = Packer()
    history = runs[-1].history
    events = list(history.events)
    first = max(0, len(events) - KEYFRAME_EVENTS)
    told.points, told.layers, told.events = {}, ToldLayers(), len(events)
    layers, distribution = [], None
    if choice.layers:
        layers = pack_layers(packer, history, told.layers, KEYFRAME_LAYER_BYTES)
        distribution = pack_newest(packer, history, told.layers)
    names = sum(length_of(entry["rows"]) for entry in layers)
    room = (KEYFRAME_BYTES - len(packer) - names) // POINT_BYTES
    head = {
        "runs": _whole_runs(packer, runs, choice, told, room),
        "layers": layers,
        "distribution": distribution,
        "events": {"first": first, "items": [event_words(event) for event in events[first:]]},
    }
    return Packed(head, packer.data())


def _whole_runs(
    packer: Packer, runs: Sequence[ShownRun], choice: Choice, told: Told, room: int
) -> list[dict[str, Any]]:
    chosen = [[s for s in _scalars(run.history) if choice.scalars(s.name)] for run in runs]
    counts = [min(len(series), SERIES_POINTS) for scalars in chosen for series in scalars]
    room -= len(counts) * SCALAR_BYTES // POINT_BYTES
    allowed = iter(shares(counts, min(max(room, 0), KEYFRAME_POINTS)))
    heads = []
    for i, (run, scalars) in enumerate(zip(runs, chosen, strict=True)):
        packed = [_whole(packer, series, next(allowed)) for series in scalars]
        told.points |= {(i, entry["name"]): entry["total"] for entry in packed}
        heads.append({"id": i, "name": run.name, "earlier": run.earlier, "scalars": packed})
    return heads


def delta(runs: Sequence[ShownRun], choice: Choice, told: Told) -> Packed:
    """Return what is new since `told`, at most 64 kB, and note it there."""
    packer = Packer()
    history = runs[-1].history
    layers, distribution, too_much = [], None, False
    if choice.layers:
        too_much = new_names(history, told.layers) > DELTA_NAMES
        if not too_much:
            layers = pack_layers(packer, history, told.layers, DELTA_BYTES // 3)
            distribution = pack_newest(packer, history, told.layers)
    new = [
        (i, series, len(series) - told.points.get((i, series.name), 0))
        for i, run in enumerate(runs)
        for series in _scalars(run.history)
        if choice.scalars(series.name)
    ]
    behind = sorted((entry for entry in new if entry[2] > 0), key=lambda entry: -entry[2])
    new, later = behind[:DELTA_SCALARS], behind[DELTA_SCALARS:]
    names = sum(length_of(entry["rows"]) for entry in layers)
    room = (DELTA_BYTES - len(packer) - names - SCALAR_BYTES * len(new)) // POINT_BYTES
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
    more = left > 0 or bool(later) or told.events < len(history.events)
    return Packed(head, packer.data(), more, too_much)


def detail(runs: Sequence[ShownRun], content: Mapping[str, Any]) -> Packed:
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
    found = pack_distribution(packer, history, step, row)
    return Packed({"distribution": found}, packer.data())


def distributions(history: History) -> Iterator[dict[str, Any]]:
    """Yield the head and data of each distribution of |gradient| there is, all layers counted."""
    for step in [] if history.histograms is None else history.histograms.steps.tolist():
        packer = Packer()
        head = pack_distribution(packer, history, step, None, most_bytes=None)
        yield {"head": head, "data": packer.data()}


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
        "message": event.message.removeprefix(f"step {event.step}: "),  # the browser says it
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
