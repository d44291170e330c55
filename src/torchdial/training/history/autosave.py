"""A run in a file: saved whole, or kept up to date with little writing."""

from __future__ import annotations

import threading
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from torchdial.atomic_files import append_to_file, whole_file
from torchdial.training.history.run_file import to_frame
from torchdial.training.history.run_snapshot import Mark, take

if TYPE_CHECKING:
    from torchdial.training.history.history import History

LEAST = 2**20  # bytes appended before a file is written anew


class Autosave:
    """Keeps a file up to date with a run: each `save` appends only what is new.

    A crash at any moment, also in the middle of a write, leaves a file that `History.load` reads
    as it was after the last whole `save`. Now and then, when as much was appended as the run is
    long, the file is written anew and takes its own place at once.

    Args:
        history: the run.
        path: the file. One that is there already is kept as `run.previous` beside `run`, so that
            running a notebook once more does not cost the run before it.

    Example:
        >>> import tempfile
        >>> from torchdial.training import History
        >>> history = History("run 1")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     saver = Autosave(history, f"{folder}/run")
        ...     for step in range(3):
        ...         history.record(step, {"loss": 0.5})
        ...         saver.save()
        ...     History.load(f"{folder}/run")["loss"].steps
        array([0, 1, 2])
    """

    def __init__(self, history: History, path: str | PathLike[str]) -> None:
        self.history = history
        self.path = Path(path)
        self._lock = threading.Lock()
        self._mark = Mark()
        self._whole = 0  # bytes of the file when it was last written anew
        self._size = -1  # bytes it has now; any other size is not of our making

    def save(self) -> None:
        """Write what is new; does nothing if nothing is.

        Raises:
            OSError: it cannot be written; the next `save` writes the whole run.
        """
        with self._lock:
            is_ours = self.path.is_file() and self.path.stat().st_size == self._size
            if is_ours and self._mark.version == self.history.version:
                return
            is_long = self._size >= self._whole + max(self._whole, LEAST)
            with self.history.lock:
                is_more = is_ours and not is_long and self._mark.replaced == self.history.replaced
                self._mark = self._mark if is_more else Mark()
                taken = take(self.history, self._mark)
            frame = to_frame(*taken)
            self._size, size = -1, self._size
            if is_more:
                append_to_file(self.path, frame)
                self._size = size + sum(map(len, frame))
                return
            previous = None if self._whole else self.path.with_name(f"{self.path.name}.previous")
            with whole_file(self.path, previous) as file:
                file.writelines(frame)
            self._size = self._whole = sum(map(len, frame))
