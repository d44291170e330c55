"""Runs that torchdial saved: `autosave="run.td"` and `History.save`."""

from __future__ import annotations

from pathlib import Path

from torchdial.training.history.run_file import MAGIC, read_frames
from torchdial.training.history.run_record import DAMAGE, RUN_FORMAT
from torchdial.training.readers.run_reader import (
    GrowingFileReader,
    file_refusal,
)


class SavedRun(GrowingFileReader):
    """Reads a file of torchdial's own, of which each save appends a frame."""

    has_events = True

    def _read_new(self) -> None:
        is_anew = self._file.look()
        if is_anew is None:
            return
        record = self.history.blank() if is_anew else self.history
        try:
            with self.path.open("rb") as file:
                for about, arrays in read_frames(file, self._file.place):
                    record.put(about, arrays)
                    self._file.place = file.tell()
        except DAMAGE as error:
            self._file.forget()
            raise file_refusal(
                self.path,
                expected=f"a run saved as {RUN_FORMAT}",
                got=f"none, or a damaged one ({error!s:.80})",
                remedy="Save it again.",
            ) from error
        if is_anew:
            record.rename_measured()
            self.history.replace_by(record)


def is_saved_run(path: Path) -> bool:
    """Return whether a file begins as those of torchdial do."""
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC
