"""Scalars in TensorBoard's event files, through TensorBoard's own reader."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from torchdial.training.readers.run_reader import (
    RunReader,
    file_refusal,
    missing_package,
)

MARK = "tfevents"  # in the name of every event file
SCALARS = "scalars"  # TensorBoard's plugin for them


class TensorBoardEvents(RunReader):
    """Reads the event files of one run; pictures, graphs and text in them are passed over.

    Args:
        path: an event file, or the folder that the run's event files are in.
        name: what to call the run.
    """

    def __init__(self, path: Path, name: str) -> None:
        super().__init__(path, name)
        self._files: dict[Path, _EventFile] = {}
        self._has_begun = False

    def files(self) -> list[Path]:
        """Return the event files, the earliest first: their names begin with the time."""
        if not self.path.is_dir():
            return [self.path]
        found = (path for path in self.path.iterdir() if MARK in path.name)
        return sorted(path for path in found if path.is_file())

    def _read_new(self) -> None:
        make_loader = _loader()
        for path in self.files():
            if path not in self._files:
                self._files[path] = _EventFile(path, make_loader)
            for tag, step, value, time in self._files[path].new_points():
                if not self._has_begun:
                    self._has_begun, self.history.started = True, time
                self.history.series(tag).append(step, value, time - self.history.started)


class _EventFile:
    """One event file."""

    def __init__(self, path: Path, make_loader: Callable[[str], Any]) -> None:
        self._path = path
        self._make_loader = make_loader
        self._loader: Any = None
        self._size = -1
        self._is_scalar: dict[str, bool] = {}

    def new_points(self) -> Iterator[tuple[str, int, float, float]]:
        """Yield name, step, value and unix time of the points that are new."""
        size = self._path.stat().st_size
        if size == self._size:
            return
        if self._loader is None:
            self._loader = self._make_loader(str(self._path))
        for event in self._events():
            for value in event.summary.value:
                if value.HasField("metadata"):
                    plugin = value.metadata.plugin_data.plugin_name
                    self._is_scalar.setdefault(value.tag, plugin == SCALARS)
                if self._is_scalar.get(value.tag) and value.HasField("tensor"):
                    yield value.tag, event.step, _number(value.tensor), event.wall_time
        self._size = size  # not before, so that an error comes again while it is not mended

    def _events(self) -> Iterator[Any]:
        try:
            yield from self._loader.Load()
        except Exception as error:  # also of a length that no memory holds
            raise file_refusal(
                self._path,
                expected="an event file of TensorBoard",
                got=f"a record that cannot be read ({error!r:.80})",
                remedy="What comes before it was read.",
            ) from error


def _loader() -> Callable[[str], Any]:
    try:
        from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
    except ImportError as error:
        raise missing_package("TensorBoard's event files", "tensorboard") from error
    loader: Callable[[str], Any] = EventFileLoader
    return loader


def _number(tensor: Any) -> float:
    from tensorboard.util.tensor_util import make_ndarray

    return float(make_ndarray(tensor))
