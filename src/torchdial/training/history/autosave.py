"""Keeps the file of a run up to date while the run goes on."""

from __future__ import annotations

import threading
import warnings
from os import PathLike
from pathlib import Path

from torchdial.atomic_files import append_to_file, keep_numbered, numbered, whole_file
from torchdial.training.history.history import History
from torchdial.training.history.run_file import to_frame
from torchdial.training.history.run_record import Mark

LEAST_APPENDED = 2**20  # bytes appended before a file is rewritten


class Autosave:
    """Saves a run again and again: each `save` appends only what is new.

    A crash at any moment, also in the middle of a write, leaves a file that `History.load` reads as
    it was after the last complete save; another process may read it at any time. Now and then, when
    as much was appended as the run is long, the file is rewritten and replaced at once.

    What is in the file already is kept. A run that is continued from a checkpoint at a step above
    0 continues its file, and what the file has beyond the checkpoint becomes one of the run's
    `branches`. Any other file is kept beside it under a number: `run.td` as `run.1.td`, the next
    one as `run.2.td`.

    Args:
        history: the run.
        path: the file.

    Attributes:
        path: the file; another one, with a number, after another process has taken the first.

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
        self._saved_id = ""  # of the run in the file, empty before the first save
        self._inode = -1  # of the file as it was written; another one was not written here
        self._size = -1  # bytes it had after the last save
        self._rewritten = 0  # bytes it had when it was last rewritten

    def save(self) -> None:
        """Write what is new; does nothing if nothing is.

        Raises:
            OSError: it cannot be written; the next `save` writes the whole run.
        """
        with self._lock:
            is_there, is_own, is_whole = self._look_at_file()
            if is_whole and self._mark.version == self.history.version:
                return
            if is_there and not is_own:
                if not self.history.version:
                    return  # nothing is recorded yet, so another run's file stays where it is
                self._make_room()
            with self.history.lock:
                can_append = (
                    is_whole
                    and self._size < self._rewritten + max(self._rewritten, LEAST_APPENDED)
                    and self._mark.replaced == self.history.replaced
                )
                self._mark = self._mark if can_append else Mark()
                frame, run = to_frame(*self.history.take(self._mark)), self.history.id
            size = self._size if can_append else 0
            self._size = -1  # in case it fails
            if can_append:
                append_to_file(self.path, frame)
            else:
                with whole_file(self.path) as file:
                    file.writelines(frame)
            self._size = size + sum(map(len, frame))
            if not can_append:
                self._rewritten, self._saved_id = self._size, run
                self._inode = self.path.stat().st_ino

    def _look_at_file(self) -> tuple[bool, bool, bool]:
        """Return whether a file is there, is this run's, and is as the last save left it."""
        if not self.path.is_file():
            return False, False, False
        found = self.path.stat()
        is_own = self._saved_id == self.history.id and found.st_ino == self._inode
        return True, is_own, is_own and found.st_size == self._size

    def _make_room(self) -> None:
        """Continue the run in the file that is there, or keep that file under another name."""
        is_first = self._saved_id != self.history.id
        earlier = self._load_same_run() if self.history.start_step or not is_first else None
        if is_first and earlier is not None:
            self.history.keep_branches(earlier)
        elif is_first:
            keep_numbered(self.path)
        elif earlier is None or earlier.beyond(self.history) is not None:
            taken, self.path = self.path, numbered(self.path)
            warnings.warn(
                f"torchdial: another process saves a run to {taken}, so this one goes to "
                f"{self.path}. Give each run a path of its own, with {{rank}} in it for each "
                "process of one run.",
                stacklevel=2,
            )

    def _load_same_run(self) -> History | None:
        """Return what the file holds, None if that is another run or cannot be read."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of an incomplete save at its end
            try:
                earlier = History.load(self.path)
            except (OSError, ValueError):
                return None
        return earlier if earlier.id == self.history.id else None


def autosave_of(history: History, path: str | PathLike[str], rank: int) -> Autosave | None:
    """Return what saves a run from one of several processes, or None if this one saves nothing.

    Args:
        history: the run.
        path: the file. Process 0 alone writes it, unless `{rank}` is in it, which stands for the
            number of the process.
        rank: the number of this process.

    Example:
        >>> autosave_of(History(), "run.{rank}.td", rank=3).path.name
        'run.3.td'
        >>> autosave_of(History(), "run.td", rank=3) is None
        True
    """
    own = str(path).replace("{rank}", str(rank))
    return Autosave(history, own) if rank == 0 or own != str(path) else None
