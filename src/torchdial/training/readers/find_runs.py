"""Which reader reads a file, and the runs in a folder and all folders in it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from torchdial.training.readers.csv_rows import CsvRows, read_header
from torchdial.training.readers.run_reader import (
    RunReader,
    file_refusal,
)
from torchdial.training.readers.saved_run import SavedRun, is_saved_run
from torchdial.training.readers.tensorboard_events import MARK, TensorBoardEvents
from torchdial.training.readers.trainer_state import CHECKPOINT, FILE, TrainerState

FORMATS = (
    "a run of torchdial, an event file of TensorBoard, a trainer_state.json, or a CSV with a "
    "column of steps"
)
OWN = ".td"
TABLES = (".csv", ".tsv")
NAMED_BY_FOLDER = ("metrics.csv", "results.csv")  # those of Lightning and Ultralytics
MOST_FILES = 200_000


def reader_of(path: Path) -> RunReader:
    """Return the reader of a file.

    Args:
        path: the file.

    Raises:
        OSError: it cannot be opened.
        ValueError: it is of no format that is read.
    """
    name = path.parent.absolute().name if path.name in NAMED_BY_FOLDER else path.stem
    if MARK in path.name:
        return TensorBoardEvents(path, name)
    if path.suffix == ".json":
        return TrainerState(path, name)
    if path.suffix.lower() in TABLES:
        return CsvRows(path, name)
    if is_saved_run(path):
        return SavedRun(path, name)
    with path.open("rb") as file:
        if read_header(file) is not None:
            return CsvRows(path, name)
    raise file_refusal(
        path,
        expected=FORMATS,
        got="another file",
        remedy='Write it as a CSV whose first line names its columns, one of them "step".',
    )


class RunFinder:
    """Finds the runs in some files and folders, each of them once.

    Args:
        paths: files, and folders in which to look for files of runs; what is not there yet is
            passed over.

    Attributes:
        errors: of the last search; a path is no file of a run, or a folder has too many files.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self.errors: list[Exception] = []
        self._paths = list(paths)
        self._known: set[tuple[type[RunReader], Path]] = set()

    def find(self) -> list[RunReader]:
        """Return readers of the runs that were not found before, in the order of their names."""
        found = []
        self.errors = []
        for path in self._paths:
            try:
                for reader in _readers(path):
                    key = type(reader), reader.path
                    if key not in self._known:
                        self._known.add(key)
                        found.append(reader)
            except (OSError, ValueError) as error:
                self.errors.append(error)
        return found


def _readers(path: Path) -> Iterator[RunReader]:
    if path.is_dir():
        yield from _in_folder(path)
    elif path.is_file():
        yield reader_of(path)


def _in_folder(root: Path) -> Iterator[RunReader]:
    count = 0
    for folder, subfolders, names in os.walk(root):
        subfolders[:] = sorted((s for s in subfolders if not s.startswith(".")), key=_by_number)
        count += len(names)
        if count > MOST_FILES:
            raise file_refusal(
                root,
                expected=f"a folder of runs, with at most {MOST_FILES:,} files",
                got="one with more",
                remedy="Pass the folders of the runs.",
            )
        here = Path(folder)
        for name in sorted(names, key=_by_number):
            path = here / name
            ending = path.suffix.lower()
            if ending not in (OWN, *TABLES) or not path.is_file():  # reading a pipe would wait
                continue
            if ending == OWN:
                yield SavedRun(path, _label(path.with_suffix(""), root))
            elif _has_steps(path):
                own = here if name in NAMED_BY_FOLDER else path.with_suffix("")
                yield CsvRows(path, _label(own, root))
        if any(MARK in name for name in names):
            yield TensorBoardEvents(here, _label(here, root))
        if _is_of_trainer(here, here == root, subfolders, names):
            yield TrainerState(here, _label(here, root))


def _is_of_trainer(here: Path, is_root: bool, subfolders: list[str], names: list[str]) -> bool:
    """Return whether a folder has the states of a run; one checkpoint of it counts alone only."""
    if CHECKPOINT.fullmatch(here.name) and not is_root:
        return False
    return FILE in names or any(
        CHECKPOINT.fullmatch(name) and (here / name / FILE).is_file() for name in subfolders
    )


def _has_steps(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return read_header(file) is not None
    except OSError:
        return False


def _label(path: Path, root: Path) -> str:
    """Return a path as it stands below a folder, for the folder itself its name."""
    inside = path.relative_to(root).as_posix()
    return inside if inside != "." else root.absolute().name


def _by_number(name: str) -> list[tuple[int, str]]:
    """Sort "version_2" before "version_10"."""
    parts = re.split(r"([0-9]+)", name)
    return [(int(part), "") if i % 2 else (-1, part) for i, part in enumerate(parts)]


def tell_apart(readers: Sequence[RunReader]) -> list[str]:
    """Return a name for each run: its own, with its file's where several have the same."""
    names = [reader.history.name for reader in readers]
    return [
        name if names.count(name) == 1 or name == reader.label else f"{name} ({reader.label})"
        for name, reader in zip(names, readers, strict=True)
    ]
