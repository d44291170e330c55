"""Messages about runs for the page: everything within a budget, or what is new.

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
    SentLayers,
    length_of,
    new_names,
    pack_distribution,
    pack_layers,
    pack_newest,
)
from torchdial.widgets.live.packer import Packer

DELTA_BYTES = 60_000  # with the head at most 64 kB
DELTA_NAMES = 16_000  # longer lists of names wait for a keyframe
DELTA_SCALARS = 100  # with new points; the others follow in the next delta
DELTA_EVENTS = 20
KEYFRAME_BYTES = 450_000  # with events and the rest of the head at most 512 kB
KEYFRAME_LAYER_BYTES = 160_000
KEYFRAME_POINTS = 20_000
SERIES_POINTS = 16_000  # js/src/lib/charts/scalar_points.ts keeps a few more
KEYFRAME_EVENTS = 200
POINT_BYTES = 20  # step and value as float64, time as float32
SCALAR_BYTES = 200  # of the head


@dataclass(frozen=True)
class PlotContents:
    """What of a run is shown.

    Attributes:
        scalars: says which scalars are.
        layers: whether layers and distributions are.
    """

    scalars: Callable[[str], bool]
    layers: bool


@dataclass
class Sent:
    """How much of the runs the page has been sent.

    Attributes:
        points: the number of points of each scalar, by the run's id and name.
        layers: the columns of the layer matrices.
        events: the number of events.
    """

    points: dict[tuple[int, str], int] = field(default_factory=dict)
    layers: SentLayers = field(default_factory=SentLayers)
    events: int = 0


@dataclass(frozen=True)
class Packed:
    """A message: its head and bytes, whether more is left to send, and whether a keyframe must."""

    head: dict[str, Any]
    data: bytes
    more: bool = False
    needs_keyframe: bool = False


def keyframe(runs: Sequence[ShownRun], contents: PlotContents, sent: Sent) -> Packed:
    """Return everything that is shown, at most 512 kB, and note it in `sent`."""
    packer = Packer()
    history = runs[-1].history
    events = list(history.events)
    first = max(0, len(events) - KEYFRAME_EVENTS)
    sent.points, sent.layers, sent.events = {}, SentLayers(), len(events)
    layers, distribution = [], None
    if contents.layers:
        layers = pack_layers(packer, history, sent.layers, KEYFRAME_LAYER_BYTES)
        distribution = pack_newest(packer, history, sent.layers)
    names = sum(length_of(entry["rows"]) for entry in layers)
    room = (KEYFRAME_BYTES - len(packer) - names) // POINT_BYTES
    head = {
        "runs": _whole_runs(packer, runs, contents, sent, room),
        "layers": layers,
        "distribution": distribution,
        "events": {"first": first, "items": [event_message(event) for event in events[first:]]},
    }
    return Packed(head, packer.data())


def _whole_runs(
    packer: Packer, runs: Sequence[ShownRun], contents: PlotContents, sent: Sent, room: int
) -> list[dict[str, Any]]:
    chosen = [[s for s in _scalars(run.history) if contents.scalars(s.name)] for run in runs]
    room -= sum(map(len, chosen)) * SCALAR_BYTES // POINT_BYTES
    allowed = _shares_of(runs, chosen, min(max(room, 0), KEYFRAME_POINTS))
    heads = []
    for run, scalars in zip(runs, chosen, strict=True):
        packed = [_whole(packer, run.history, one, allowed[run.id, one.name]) for one in scalars]
        sent.points |= {(run.id, entry["name"]): entry["total"] for entry in packed}
        heads.append(_head(run, packed))
    return heads


def _head(run: ShownRun, scalars: list[dict[str, Any]]) -> dict[str, Any]:
    return {"id": run.id, "name": run.name, "earlier": run.earlier, "scalars": scalars}


def _shares_of(
    runs: Sequence[ShownRun], chosen: Sequence[Sequence[Series]], room: int
) -> dict[tuple[int, str], int]:
    """Return how many points each scalar may have, by the run's id and name.

    Earlier runs are not shown at first, so they get what the others leave, or a quarter.
    """
    allowed: dict[tuple[int, str], int] = {}
    kept = room // 4 if any(run.earlier for run in runs) else 0
    for earlier in (False, True):
        series = {
            (run.id, one.name): min(len(one), SERIES_POINTS)
            for run, scalars in zip(runs, chosen, strict=True)
            if run.earlier == earlier
            for one in scalars
        }
        given = shares(list(series.values()), room if earlier else room - kept)
        allowed |= dict(zip(series, given, strict=True))
        room -= sum(given)
    return allowed


def delta(runs: Sequence[ShownRun], contents: PlotContents, sent: Sent) -> Packed:
    """Return what is new since `sent`, at most 64 kB, and note it there."""
    packer = Packer()
    history = runs[-1].history
    layers, distribution, needs_keyframe = [], None, False
    if contents.layers:
        needs_keyframe = new_names(history, sent.layers) > DELTA_NAMES
        if not needs_keyframe:
            layers = pack_layers(packer, history, sent.layers, DELTA_BYTES // 3)
            distribution = pack_newest(packer, history, sent.layers)
    new = [
        (run, series, len(series) - sent.points.get((run.id, series.name), 0))
        for run in runs
        for series in _scalars(run.history)
        if contents.scalars(series.name)
    ]
    behind = sorted((entry for entry in new if entry[2] > 0), key=lambda entry: -entry[2])
    new, later = behind[:DELTA_SCALARS], behind[DELTA_SCALARS:]
    names = sum(length_of(entry["rows"]) for entry in layers)
    room = (DELTA_BYTES - len(packer) - names - SCALAR_BYTES * len(new)) // POINT_BYTES
    allowed = shares([count for _, _, count in new], max(room, 0))
    by_run: dict[ShownRun, list[dict[str, Any]]] = {}
    for (run, series, _), count in zip(new, allowed, strict=True):
        if count:
            first = sent.points.get((run.id, series.name), 0)
            by_run.setdefault(run, []).append(_next(packer, run.history, series, first, count))
            sent.points[run.id, series.name] = first + count
    events = history.events[sent.events : sent.events + DELTA_EVENTS]
    head = {
        "runs": [_head(run, scalars) for run, scalars in by_run.items()],
        "layers": layers,
        "distribution": distribution,
        "events": {"first": sent.events, "items": [event_message(event) for event in events]},
    }
    sent.events += len(events)
    left = sum(count for _, _, count in new) - sum(allowed)
    more = left > 0 or bool(later) or sent.events < len(history.events)
    return Packed(head, packer.data(), more, needs_keyframe)


def detail(runs: Sequence[ShownRun], content: Mapping[str, Any]) -> Packed:
    """Return the points of the window that the page asked for.

    Raises:
        KeyError: there is no such run or scalar.
        ValueError: the axis or the number of buckets is out of range.
    """
    along, buckets = content["along"], int(content["buckets"])
    if along not in ("step", "time") or not 1 <= buckets <= 5000:
        raise ValueError("detail: expected along 'step' or 'time' and 1 … 5000 buckets")
    packer = Packer()
    histories = {run.id: run.history for run in runs}
    found = []
    for wanted in content["series"][:64]:
        history = histories.get(int(wanted["run"]))
        if history is None:
            raise KeyError("no such run is shown")
        series = history[str(wanted["name"])]
        with history.lock:
            if along == "step" and series.x_name != "step":  # the window is not of its x
                picture = series.picture(buckets, x="index")
            else:
                start, stop = map(float, wanted["window"])
                picture = series.picture(buckets, start, stop, along)
            steps, values, times = history.points_along_run(series, picture.index)
        head = {"run": int(wanted["run"]), "name": series.name}
        found.append(head | _points(packer, steps, times, values))
    return Packed({"scalars": found}, packer.data())


def distribution_at(history: History, step: int, row: str | None) -> Packed:
    """Return the distribution of |gradient| nearest to a step; its head is None without any.

    Args:
        history: a run.
        step: any step.
        row: the layer whose counts are wanted; None leaves them out where they are many.
    """
    packer = Packer()
    found = pack_distribution(packer, history, step, row)
    return Packed({"distribution": found}, packer.data())


def distributions(history: History) -> Iterator[dict[str, Any]]:
    """Yield head and data of each recorded distribution of |gradient|, counts of all layers."""
    for step in [] if history.histograms is None else history.histograms.steps.tolist():
        packer = Packer()
        head = pack_distribution(packer, history, step, None, most_bytes=None)
        yield {"head": head, "data": packer.data()}


def shares(counts: Sequence[int], budget: int) -> list[int]:
    """Divide a budget evenly: none gets more than its count, what is left goes to the others.

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


def event_message(event: Event) -> dict[str, Any]:
    """Return an event as the browser shows it."""
    return {
        "step": int(event.step),
        "kind": event.kind,
        "where": event.where,
        "message": event.message.removeprefix(f"step {event.step}: "),  # the page shows it beside
    }


def _scalars(history: History) -> list[Series]:
    with history.lock:
        return list(history.scalars.values())


def _whole(packer: Packer, history: History, series: Series, allowed: int) -> dict[str, Any]:
    """Pack a scalar's points, or where they are too many the extremes of buckets."""
    with history.lock:
        total = len(series)
        exact = total <= allowed
        kept = slice(None) if exact else _kept(series, allowed)
        steps, values, times = history.points_along_run(series, kept)
    head = {"name": series.name, "first": 0, "total": total, "exact": exact}
    return head | _points(packer, steps, times, values)


def _kept(series: Series, allowed: int) -> npt.NDArray[np.int64]:
    """Return indices of at most `allowed` points: two a bucket, five where not all are finite.

    The newest point is among them.
    """
    fewer, buckets = (max((allowed - 3) // points, 1) for points in (5, 2))
    kept = series.picture(buckets).index
    if len(kept) >= allowed and fewer < buckets:
        kept = series.picture(fewer).index
    last = len(series) - 1
    return kept if last in kept else np.append(kept, last)


def _next(
    packer: Packer, history: History, series: Series, first: int, count: int
) -> dict[str, Any]:
    """Pack the next `count` points of a scalar, from `first` on."""
    steps, values, times = history.points_along_run(series, slice(first, first + count))
    head = {"name": series.name, "first": first, "total": len(series), "exact": True}
    return head | _points(packer, steps, times, values)


def _points(packer: Packer, steps: Any, times: Any, values: Any) -> dict[str, Any]:
    return {
        "step": packer.add(steps, "f8"),
        "time": packer.add(times, "f4"),
        "value": packer.add(values, "f8"),
    }
