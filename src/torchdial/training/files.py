"""A run in a file: saved whole, or kept up to date with little writing."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from torchdial.training.history import History


class Autosave:
    """Keeps a file up to date with a run; each `save` appends only what is new.

    A crash at any moment, also in the middle of a write, leaves a file that `History.load` reads
    as it was after the last whole `save`.

    Args:
        history: the run.
        path: the file; what it had is replaced at the first `save`.
    """

    def __init__(self, history: History, path: str | PathLike[str]) -> None:
        self.history = history
        self.path = Path(path)

    def save(self) -> None:
        """Write what is new; does nothing if nothing is."""
        self.history.save(self.path)
