"""`read_runs`: the runs in files of torchdial and of other tools, as histories."""

from __future__ import annotations

import errno
import hashlib
import os
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from torchdial.inputs.arguments import refuse_no_path, to_list
from torchdial.inputs.errors import refusal
from torchdial.training.history.history import History
from torchdial.training.readers.find_runs import FORMATS, RunFinder, tell_apart
from torchdial.training.readers.remote_files import is_url, local_copy
from torchdial.training.readers.run_reader import RunReader
from torchdial.training.runs import list_run

Source = str | os.PathLike[str]


def read_runs(path: Source | Iterable[Source]) -> list[History]:
    """Return the runs in a file, in a folder and all folders in it, or in several of these.

    Read are files that torchdial saved, TensorBoard's event files (with `tensorboard`), the
    Trainer's `trainer_state.json`, and tables with a column of steps (CSV, with `pandas`), such as
    Lightning's `metrics.csv` and Ultralytics' `results.csv`, whose steps are epochs. Nothing in
    them is ever run. A file that is cut or still being written is read up to its last whole row.

    The runs are also listed in `td.runs()`, so that the plots of a run of this process show them,
    too. What is wrong with a run is in its `events`. Where a file has no times, the number of the
    row stands for the seconds.

    Args:
        path: a file, a folder, or a list of them; also URLs such as "s3://bucket/run.td", with
            `fsspec`. In folders, what cannot be read is left out, with a warning.

    Raises:
        ImportError: a package is missing; the message says which.
        OSError: a file is not there or cannot be read.
        ValueError: a file is of another format, damaged or too large, or there is no run.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     for lr in (0.1, 0.3):
        ...         history = History(f"lr {lr}")
        ...         history.record(1, {"loss": 1 - lr})
        ...         history.save(f"{folder}/{lr}.td")
        ...     read_runs(folder)
        [History('lr 0.1', loss), History('lr 0.3', loss)]
    """
    readers = []
    for source in to_sources(path):
        if is_url(source):
            with local_copy(str(source)) as place:
                readers += _read(place, url=str(source))
        elif Path(source).exists():
            readers += _read(Path(source))
        else:
            raise no_such_file(Path(source))
    if not readers:
        raise refusal(
            "path",
            expected=f"a folder in which there is {FORMATS}",
            got=f"{path!s:.200}, without any",
            remedy='Give files that torchdial saved the ending ".td", or pass them one by one.',
        )
    for reader, name in zip(readers, tell_apart(readers), strict=True):
        reader.history.name = name
        list_run(reader.history)
    return [reader.history for reader in readers]


def to_sources(path: Any) -> list[Source]:
    """Return paths and URLs, from one or several.

    Raises:
        ValueError: it is something else, or nothing.
    """
    if isinstance(path, (str, os.PathLike)) and path != "":
        return [path]
    expected, remedy = "a path, or a list of paths", 'Pass for example "runs" or ["a.td", "b.td"].'
    listed = to_list("path", path, expected=expected, remedy=remedy)
    for i, one in enumerate(listed):
        refuse_no_path(f"path[{i}]", one)
    if not listed:
        raise refusal("path", expected=expected, got="an empty list", remedy=remedy)
    return listed


def no_such_file(path: Path) -> OSError:
    """Return the error to raise for a path at which there is nothing."""
    words = refusal(
        "path",
        expected="an existing file or folder",
        got=f"{str(path)[-200:]!r}",
        remedy=f"The current folder is {os.getcwd()!r}; td.follow waits for files to come.",
    )
    return FileNotFoundError(errno.ENOENT, str(words))


def _read(place: Path, url: str = "") -> list[RunReader]:
    """Read a file, or what can be read in a folder; return the runs that hold something.

    Args:
        place: the file or folder.
        url: what it is a copy of, if it is one.
    """
    read: list[RunReader] = []
    errors: list[Exception] = []
    finder = RunFinder([place])
    found = finder.find()
    if finder.errors:
        raise finder.errors[0]
    for reader in found:
        if url:
            origin = f"{url} {reader.label}".encode()
            reader.history.id = hashlib.sha256(origin).hexdigest()[:32]
        try:
            reader.read(final=True)
        except (ImportError, OSError, ValueError) as error:
            errors.append(error)
            if not reader.history.names:  # else what comes before the damage counts
                continue
        if reader.unread:
            warnings.warn(
                f"torchdial: {reader.path}: the last {reader.unread:,} bytes are no whole row; "
                "read as it was before them.",
                stacklevel=3,
            )
        if reader.history.names or not place.is_dir():
            read.append(reader)
    if errors and not read:
        raise errors[0]
    for problem in errors:
        warnings.warn(f"torchdial: not read: {problem}", stacklevel=3)
    return read
