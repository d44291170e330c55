"""What a run consists of, in memory, in a file and in a checkpoint."""

from __future__ import annotations

import threading
import time as clock
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch

from torchdial.atomic_files import whole_file
from torchdial.inputs.arguments import refuse_no_path, to_dict
from torchdial.inputs.errors import refusal
from torchdial.training.history.arrival import Arrival
from torchdial.training.history.events import Event
from torchdial.training.history.layer_histograms import LayerHistograms
from torchdial.training.history.layer_matrix import LayerMatrix
from torchdial.training.history.measured_names import names_since_prefixes
from torchdial.training.history.plain_settings import named_settings, plain
from torchdial.training.history.run_file import (
    About,
    Arrays,
    frames_of_state,
    read_frames,
    to_frame,
)
from torchdial.training.history.series import Series

RUN_FORMAT = "torchdial.History/1"
POINT = ("steps", "values", "times")
CONFIG_WORDS = {
    "expected": "settings by name, or what argparse returns",
    "remedy": 'Pass for example {"lr": 0.1}.',
}
DAMAGE = (ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError)

Record = TypeVar("Record", bound="RunRecord")
Table = TypeVar("Table", LayerMatrix, LayerHistograms)


@dataclass
class Mark:
    """How far a run was written."""

    version: int = -1
    replaced: int = 0
    points: dict[str, int] = field(default_factory=dict)
    layers: dict[str, Any] = field(default_factory=dict)
    histograms: Any = None
    events: int = 0

    @property
    def is_new(self) -> bool:
        """Whether nothing was written."""
        return self.version < 0


class RunRecord:
    """The data of a run, how it is saved, and how it is continued from a checkpoint.

    `History` adds how it is recorded and read, and describes the attributes.
    """

    def __init__(self, name: str = "run", config: Mapping[str, Any] | None = None) -> None:
        self.id = uuid.uuid4().hex
        self.name = name
        self.config: dict[str, Any] = to_dict("config", named_settings(config), **CONFIG_WORDS)
        self.started = clock.time()
        self.start_step = 0
        self.number = 0
        self.hidden = False
        self.replaced = 0
        self._ended: str | None = None
        self.scalars: dict[str, Series] = {}
        self.branches: list[Any] = []
        self.lock = threading.RLock()
        self.arrival = Arrival(self.lock)
        self._layers: dict[str, LayerMatrix] = {}
        self._histograms: LayerHistograms | None = None
        self._events: list[Event] = []
        self._zero = clock.perf_counter()
        self._before = 0  # of the version: what load_state_dict replaced

    @property
    def version(self) -> int:
        """Grows with each change; never waits."""
        with self.lock:
            points = sum(series.version for series in self.scalars.values())
            columns = sum(matrix.version for matrix in self._layers.values())
            samples = self._histograms.version if self._histograms else 0
            return self._before + points + columns + samples + len(self._events)

    @property
    def ended(self) -> str | None:
        """None while the run may go on; else the error that ended it, empty where none did."""
        return self._ended

    @ended.setter
    def ended(self, error: str | None) -> None:
        with self.lock:
            self._before += error != self._ended  # so that it is saved
            self._ended = error

    @property
    def now(self) -> float:
        """Seconds since the run began."""
        return clock.perf_counter() - self._zero

    def series(self, name: str) -> Series:
        """Return the scalar of exactly this name, added if there is none; never waits."""
        with self.lock:
            if name not in self.scalars:
                self.scalars[name] = Series(name, self.lock, self.arrival)
            return self.scalars[name]

    def counted(self) -> list[Series]:
        """Return the scalars along the run's steps, not those with an x of their own."""
        with self.lock:
            return [series for series in self.scalars.values() if series.x_name == "step"]

    def save(self, path: str | PathLike[str]) -> None:
        """Write the run to a file, which appears whole or not at all.

        The format is plain and open, without pickle: see `torchdial.training.history.run_file`.

        Raises:
            OSError: it cannot be written; an earlier file stays.
        """
        refuse_no_path("path", path)
        self.arrival.wait(events=True)
        with whole_file(Path(path)) as file:
            file.writelines(to_frame(*self.take(Mark())))

    @classmethod
    def load(cls: type[Record], path: str | PathLike[str]) -> Record:
        """Read what `save` or autosaving wrote; nothing that is in the file is ever run.

        A file may be read while another process saves to it, and after a crash in the middle of a
        save: the run is as it was at the last complete save, with a warning about the rest.

        Raises:
            ValueError: the file is no saved run, or is damaged.
        """
        refuse_no_path("path", path)
        record = cls()
        try:
            with Path(path).open("rb") as file:
                for about, arrays in read_frames(file, name=str(path)):
                    record.put(about, arrays)
        except DAMAGE as error:
            raise refusal(
                "load",
                expected=f"a run saved as {RUN_FORMAT}",
                got=f"{path}, which is none or is damaged ({error!s:.80})",
                remedy="Save it again.",
            ) from error
        record.rename_measured()
        record._go_on()
        return record

    def blank(self: Record) -> Record:
        """Return an empty record to be filled, which `replace_by` can put in place of this one."""
        fresh = type(self)()
        fresh.lock, fresh.arrival = self.lock, self.arrival
        return fresh

    def replace_by(self, fresh: RunRecord) -> None:
        """Replace all that is recorded here by what was put into a `blank`."""
        with self.lock:
            self._before, self.replaced = self.version + 1, self.replaced + 1
            for part in RECORD_PARTS:
                setattr(self, part, getattr(fresh, part))
            self._go_on()

    def state_dict(self) -> dict[str, Any]:
        """Return the whole run for a checkpoint: its id, and a file's bytes as a uint8 tensor."""
        self.arrival.wait(events=True)
        content = bytearray(b"".join(to_frame(*self.take(Mark()))))
        return {"id": self.id, "file": torch.frombuffer(content, dtype=torch.uint8)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue a run from a checkpoint: what it had recorded replaces what is here.

        `start_step` becomes its last step, and time goes on from there. Of the settings, those
        given here win. If it is the run that is here already, what was recorded since the
        checkpoint becomes a branch (see `History.branches`).

        Raises:
            ValueError: the state is none of a run.
        """
        fresh = self.blank()
        try:
            for about, arrays in frames_of_state(state):
                fresh.put(about, arrays)
        except Exception as error:  # anything may have been passed
            raise refusal(
                "load_state_dict",
                expected="what state_dict returned",
                got=f"something else ({error!r:.80})",
                remedy="Load the state of a monitor with the monitor.",
            ) from error
        fresh.rename_measured()
        steps = [int(series.steps.max()) for series in fresh.counted() if len(series)]
        with self.lock:
            fresh.start_step = max(steps, default=0)
            fresh.config |= self.config
            fresh.keep_branches(self)
            fresh._ended = None  # it goes on here
            self.replace_by(fresh)

    def take(self, mark: Mark) -> tuple[About, Arrays]:
        """Return what changed since the mark, and move it; a new mark takes everything."""
        with self.lock:
            arrays: Arrays = {}
            about: About = {
                "format": RUN_FORMAT,
                "id": self.id,
                "name": self.name,
                "config": plain(self.config),
                "started": self.started,
                "start_step": self.start_step,
                "ended": self._ended,
                "scalars": list(self.scalars),
                "own_x": [name for name, one in self.scalars.items() if one.x_name != "step"],
                "layers": {},
                "histograms": None,
                "events": [plain(vars(event)) for event in self._events[mark.events :]],
            }
            for i, (name, series) in enumerate(self.scalars.items()):
                new = series.since(mark.points.get(name, 0))
                if len(new[0]):
                    arrays |= _named(f"scalars/{i}", dict(zip(POINT, new, strict=True)))
                mark.points[name] = len(series)
            for i, (name, matrix) in enumerate(self._layers.items()):
                note, parts, mark.layers[name] = matrix.take(mark.layers.get(name))
                about["layers"][name] = note
                arrays |= _named(f"layers/{i}", parts)
            if self._histograms is not None:
                note, parts, mark.histograms = self._histograms.take(mark.histograms)
                about["histograms"] = note
                arrays |= _named("histograms", parts)
            if mark.is_new:
                about["branches"] = []
                for i, branch in enumerate(self.branches):
                    note, parts = branch.take(Mark())
                    about["branches"].append(note)
                    arrays |= _named(f"branches/{i}", parts)
            mark.events = len(self._events)
            mark.version, mark.replaced = self.version, self.replaced
        return about, arrays

    def put(self, about: Mapping[str, Any], arrays: Mapping[str, Any]) -> None:
        """Add what was taken; the opposite of `take`.

        Raises:
            ValueError, LookupError, TypeError, OverflowError: it does not go together.
        """
        if about["format"] != RUN_FORMAT:
            raise ValueError(f"format {about['format']!r:.60}, not {RUN_FORMAT}")
        self.name, self.config = str(about["name"]), dict(about["config"])
        self.started, self.start_step = float(about["started"]), int(about["start_step"])
        self.ended = None if about.get("ended") is None else str(about["ended"])
        self.id = str(about.get("id") or self.started.hex())  # older files have none
        for i, name in enumerate(about["scalars"]):
            series = self.series(str(name))
            series.x_name = "x" if name in about.get("own_x", ()) else "step"
            if f"scalars/{i}/steps" in arrays:
                series.adopt(*(arrays[f"scalars/{i}/{part}"] for part in POINT))
        for i, (name, note) in enumerate(about["layers"].items()):
            matrix = self._layers.setdefault(name, LayerMatrix([], self.lock))
            matrix.put(note, _under(arrays, f"layers/{i}"))
        if about["histograms"] is not None:
            note = about["histograms"]
            if self._histograms is None:
                self._histograms = LayerHistograms([], note["exponents"], self.lock)
            self._histograms.put(note, _under(arrays, "histograms"))
        self._events += [_event(**event) for event in about["events"]]
        for i, note in enumerate(about.get("branches", ())):
            branch = type(self)()
            branch.put(note, _under(arrays, f"branches/{i}"))
            self.branches.append(branch)

    def keep_branches(self, earlier: RunRecord) -> None:
        """Keep an earlier state's branches, and what it has of the same run that is not here."""
        with self.lock, earlier.lock:
            known = {branch.id: branch for branch in [*earlier.branches, *self.branches]}
            self.branches = list(known.values())
            rest = earlier.beyond(self) if earlier.id == self.id else None
            if rest is not None:
                rest.name = f"{self.name}, branch {len(self.branches) + 1}"
                self.branches.append(rest)

    def beyond(self: Record, other: RunRecord) -> Record | None:
        """Return what is here and not in another state of the same run, or None if nothing is.

        Of scalars and events it is what follows those that both have in common; of the layers'
        tables what may be later than that.
        """
        rest = type(self)(self.name, self.config)
        rest.started, rest.start_step = self.started, other.start_step
        for name, series in self.scalars.items():
            points = series.since(_common(series, other.scalars.get(name)))
            if len(points[0]):
                rest.series(name).extend(*points)
                rest.series(name).x_name = series.x_name
                if series.x_name == "step":
                    rest.start_step = min(rest.start_step, int(points[0].min()) - 1)
        for name, matrix in self._layers.items():
            later = _later(matrix, LayerMatrix([], rest.lock), rest.start_step)
            if later is not None:
                rest._layers[name] = later
        if self._histograms is not None:
            empty = LayerHistograms([], self._histograms.exponents, rest.lock)
            rest._histograms = _later(self._histograms, empty, rest.start_step)
        both = zip(self._events, other._events, strict=False)
        alike = next((i for i, pair in enumerate(both) if _differ(*pair)), len(other._events))
        rest._events = self._events[alike:]
        return rest if rest.version else None

    def __reduce__(self) -> tuple[Any, ...]:
        kept = {part: getattr(self, part) for part in ("number", "hidden", "start_step")}
        return _restored, (type(self), self.state_dict(), kept)

    def rename_measured(self) -> None:
        """Give what was measured the names it has now, in a run from before they had a prefix."""
        new = names_since_prefixes(self.scalars, "grad_norm" in self._layers)
        self.scalars = {new.get(name, name): series for name, series in self.scalars.items()}
        for name, series in self.scalars.items():
            series.name = name

    def _go_on(self) -> None:
        """Let time go on from the last point."""
        times = [series.times[-1] for series in self.scalars.values() if len(series)]
        self._zero = clock.perf_counter() - max(times, default=0.0)


RECORD_PARTS = (
    *("id", "name", "config", "started", "start_step", "_ended"),
    *("scalars", "_layers", "_histograms", "_events", "branches"),
)


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


def _common(one: Series, other: Series | None) -> int:
    """Return how many points two series have in common, counted from their first."""
    if other is None:
        return 0
    count = min(len(one), len(other))
    same = np.ones(count, bool)
    for mine, theirs in zip(one.since(0), other.since(0), strict=True):
        a, b = mine[:count], theirs[:count]
        same &= (a == b) | ((a != a) & (b != b))  # NaN with NaN, too
    return count if same.all() else int(same.argmin())


def _later(table: Table, empty: Table, step: int) -> Table | None:
    """Return the columns or samples of a table that hold a later step, None if there are none."""
    note, parts, _ = table.take(None)
    first = int(np.searchsorted(parts["steps"], step, side="right"))
    if first and note.get("filled") is not None and note["stride"] > 1:
        first -= 1  # a column holds several steps and is named by its first
    if first == len(parts["steps"]):
        return None
    empty.put(note, {part: array[first:] for part, array in parts.items()})
    return empty


def _differ(one: Event, other: Event) -> bool:
    said = [(event.step, event.kind, event.where, event.message) for event in (one, other)]
    return said[0] != said[1]


def _restored(
    kind: type[RunRecord], state: Mapping[str, Any], kept: Mapping[str, Any]
) -> RunRecord:
    """Return a copy of a run, from what `__reduce__` returned for pickle and deepcopy."""
    record = kind()
    record.load_state_dict(state)
    record.replaced = 0
    for part, value in kept.items():
        setattr(record, part, value)
    return record
