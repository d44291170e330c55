"""What the readers of all formats share: one run, of which each read adds what is new."""

from __future__ import annotations

import hashlib
import os
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

from torchdial.inputs.errors import refusal
from torchdial.training.diagnosis import Diagnosis
from torchdial.training.history.history import History

MOST_BYTES = 2**32  # 4 GB
HEAD = 4096  # bytes by which a file that was written anew is known


class RunReader(ABC):
    """Reads one run into a history; each call of `read` adds what was written since the last one.

    Args:
        path: the file or folder that the run is in.
        name: what to call the run where its file does not say.

    Attributes:
        path: as given.
        label: as given as `name`.
        history: what was read.
    """

    has_events = False
    """Whether the events are in the file; else they are found here, by the diagnosis."""

    def __init__(self, path: Path, name: str) -> None:
        self.path = path
        self.label = name
        self.history = History(name)
        self.history.id = hashlib.sha256(os.fsencode(path.absolute())).hexdigest()[:32]
        self._diagnosis = Diagnosis(self.history)

    def read(self, final: bool = False) -> None:
        """Add what was written since the last call.

        Args:
            final: whether nothing more will be written, so that the last step is diagnosed, too.

        Raises:
            ImportError: a package that reads this format is not installed; the message names it.
            OSError: the file cannot be read.
            ValueError: it is of another format, damaged, or too large.
        """
        self._read_new()
        if not self.has_events:
            for event in self._diagnosis.look(final=final):
                self.history.add_event(event)

    @property
    def unread(self) -> int:
        """Bytes at the end that are no whole row yet."""
        return 0

    @abstractmethod
    def files(self) -> list[Path]:
        """Return the files that the run is in, as they are now."""

    @abstractmethod
    def _read_new(self) -> None:
        """Add the points that are new."""

    def _blank(self) -> History:
        """Return an empty history to read the run into anew."""
        history = self.history.blank()
        history.name, history.id = self.history.name, self.history.id
        history.started = self.written
        return history

    @property
    def written(self) -> float:
        """Unix time, in seconds, of the last write; 0 if there is no file."""
        return max((path.stat().st_mtime for path in self.files() if path.exists()), default=0.0)


class GrowingFile:
    """What is new in a file that another process appends to, or writes anew.

    Args:
        path: the file.

    Attributes:
        place: bytes that were read; the reader sets it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.place = 0
        self._known: tuple[int, ...] = ()
        self._head = b""

    def look(self) -> bool | None:
        """Return None if nothing changed since the last call; else whether all of it is new.

        Raises:
            OSError: it cannot be read.
            ValueError: it is too large.
        """
        found = self.path.stat()
        now = found.st_ino, found.st_size, found.st_mtime_ns
        if now == self._known:
            return None
        refuse_size(self.path, found.st_size)
        with self.path.open("rb") as file:
            head = file.read(HEAD)
        is_same = bool(self._known) and now[0] == self._known[0] and now[1] >= self.place
        is_anew = not (is_same and head.startswith(self._head))
        self._known, self._head = now, head
        if is_anew:
            self.place = 0
        return is_anew

    @property
    def unread(self) -> int:
        """Bytes behind `place`."""
        return self._known[1] - self.place if self._known else 0

    def forget(self) -> None:
        """Let the next `look` find all of it new."""
        self._known = ()


class GrowingFileReader(RunReader):
    """Reads a run from one file, which may still grow."""

    def __init__(self, path: Path, name: str) -> None:
        super().__init__(path, name)
        self._file = GrowingFile(path)

    def files(self) -> list[Path]:
        """Return the file."""
        return [self.path]

    @property
    def unread(self) -> int:
        """Bytes at the end that are no whole row yet."""
        return self._file.unread


def file_refusal(path: Any, *, expected: str, got: str, remedy: str) -> ValueError:
    """Return the error to raise for a file or folder."""
    return refusal(f"path {str(path)[-200:]!r}", expected=expected, got=got, remedy=remedy)


def refuse_size(path: Path, size: int, most: int = MOST_BYTES) -> None:
    """Raise ValueError for a file of more bytes than are read."""
    if size > most:
        raise file_refusal(
            path,
            expected=f"a file of a run, of at most {most / 1e9:.2g} GB",
            got=f"{size / 1e9:.3g} GB",
            remedy="Write every tenth step only, or read a part of it yourself and call "
            "td.History().record(step, values).",
        )


def missing_package(what: str, package: str) -> ImportError:
    """Return the error to raise where a package is not installed."""
    return ImportError(f"{what} are read with {package}. Install it: pip install {package}")
