"""A run as a note and plain arrays: all of it, or what changed since it was last taken."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from torchdial.training.history.events import Event
from torchdial.training.history.layer_histograms import LayerHistograms
from torchdial.training.history.layer_matrix import LayerMatrix
from torchdial.training.history.run_file import About, Arrays

if TYPE_CHECKING:
    from torchdial.training.history.history import History

FORMAT = "torchdial.History/1"


@dataclass
class Mark:
    """How far a run was written."""

    version: int = -1
    replaced: int = 0
    points: dict[str, int] = field(default_factory=dict)
    layers: dict[str, Any] = field(default_factory=dict)
    histograms: Any = None
    events: int = 0


def take(history: History, mark: Mark) -> tuple[About, Arrays]:
    """Return what changed since the mark, and move it; a new mark takes everything."""
    with history.lock:
        arrays: Arrays = {}
        about = {
            "format": FORMAT,
            "name": history.name,
            "config": plain(history.config),
            "started": history.started,
            "start_step": history.start_step,
            "scalars": history.names,
            "layers": {},
            "histograms": None,
            "events": [plain(vars(event)) for event in history.events[mark.events :]],
        }
        for i, (name, series) in enumerate(history.scalars.items()):
            new = series.since(mark.points.get(name, 0))
            if len(new[0]):
                arrays |= _named(f"scalars/{i}", dict(zip(POINT, new, strict=True)))
            mark.points[name] = len(series)
        for i, (name, matrix) in enumerate(history.layers.items()):
            note, parts, mark.layers[name] = matrix.take(mark.layers.get(name))
            about["layers"][name] = note
            arrays |= _named(f"layers/{i}", parts)
        if history.histograms is not None:
            note, parts, mark.histograms = history.histograms.take(mark.histograms)
            about["histograms"] = note
            arrays |= _named("histograms", parts)
        mark.events = len(history.events)
        mark.version, mark.replaced = history.version, history.replaced
    return about, arrays


POINT = ("steps", "values", "times")


def put(history: History, about: Mapping[str, Any], arrays: Mapping[str, Any]) -> None:
    """Add what was taken; the opposite of `take`.

    Raises:
        ValueError, LookupError, TypeError, OverflowError: it does not go together.
    """
    if about["format"] != FORMAT:
        raise ValueError(f"format {about['format']!r:.60}, not {FORMAT}")
    history.name, history.config = str(about["name"]), dict(about["config"])
    history.started, history.start_step = float(about["started"]), int(about["start_step"])
    for i, name in enumerate(about["scalars"]):
        series = history.series(str(name))
        if f"scalars/{i}/steps" in arrays:
            series.extend(*(arrays[f"scalars/{i}/{part}"] for part in POINT))
    for i, (name, note) in enumerate(about["layers"].items()):
        matrix = history.layers.setdefault(name, LayerMatrix([], history.lock))
        matrix.put(note, _under(arrays, f"layers/{i}"))
    if about["histograms"] is not None:
        note = about["histograms"]
        if history.histograms is None:
            history.histograms = LayerHistograms([], note["exponents"], history.lock)
        history.histograms.put(note, _under(arrays, "histograms"))
    history.events += [_event(**event) for event in about["events"]]


def plain(value: Any) -> Any:
    """Return what JSON can hold of a value: numbers that are not finite and others become text.

    Example:
        >>> plain({"lr": np.float32(0.5), "loss": float("nan"), "model": type(None)})
        {'lr': 0.5, 'loss': 'nan', 'model': "<class 'NoneType'>"}
    """
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return value if value is None or isinstance(value, (str, bool, int)) else str(value)


def _event(
    step: int, kind: str, where: str | None, message: str, evidence: Mapping[str, Any], time: float
) -> Event:
    where = None if where is None else str(where)
    numbers = {str(name): float(value) for name, value in evidence.items()}
    return Event(int(step), str(kind), where, str(message), numbers, float(time))


def _named(prefix: str, parts: Mapping[str, Any]) -> Arrays:
    return {f"{prefix}/{part}": array for part, array in parts.items()}


def _under(arrays: Mapping[str, Any], prefix: str) -> Arrays:
    start = len(prefix) + 1
    return {name[start:]: a for name, a in arrays.items() if name.startswith(f"{prefix}/")}
