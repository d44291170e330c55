"""Files of runs that lie elsewhere, copied here to be read, through fsspec."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from torchdial.training.readers.find_runs import OWN, TABLES
from torchdial.training.readers.run_reader import (
    file_refusal,
    missing_package,
    refuse_size,
)
from torchdial.training.readers.tensorboard_events import MARK
from torchdial.training.readers.trainer_state import FILE

ENDINGS = (OWN, *TABLES, FILE)
MOST_COPIED = 10_000
PIECE = 2**20  # bytes copied at a time


def is_url(path: Any) -> bool:
    """Return whether something is a URL, such as "s3://bucket/run.td", and no path."""
    return isinstance(path, str) and "://" in path


@contextmanager
def local_copy(url: str) -> Iterator[Path]:
    """Copy a file, or a folder's files of runs, for the time of a `with`; yield where it is.

    Raises:
        ImportError: fsspec, or what it needs for this kind of URL, is not installed.
        OSError: there is nothing, or it cannot be read.
        ValueError: it is too large.
    """
    try:
        import fsspec
    except ImportError as error:
        raise missing_package("URLs", "fsspec") from error
    system, root = fsspec.core.url_to_fs(url)
    name = PurePosixPath(root.rstrip("/")).name or "runs"
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, name)
        if system.isdir(root):
            for found in _files_of_runs(system, root):
                _copy(system, found, target / _inside(found, root))
        else:
            _copy(system, root, target)
        yield target


def _files_of_runs(system: Any, root: str) -> list[str]:
    found = [path for path in system.find(root) if path.endswith(ENDINGS) or MARK in path]
    if len(found) > MOST_COPIED:
        raise file_refusal(
            root,
            expected=f"a folder of runs, with at most {MOST_COPIED:,} files of runs",
            got=f"{len(found):,}",
            remedy="Pass the folders of the runs.",
        )
    return sorted(found)


def _inside(path: str, root: str) -> PurePosixPath:
    """Return a path as it stands below a folder.

    Raises:
        ValueError: it leads out of it, as a malicious server might say.
    """
    inside = PurePosixPath(path).relative_to(PurePosixPath(root.rstrip("/")))
    if ".." in inside.parts:
        raise file_refusal(
            root,
            expected="names of files below this folder",
            got=f"{path!r:.100}",
            remedy="Copy the files by other means.",
        )
    return inside


def _copy(system: Any, source: str, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    size = system.size(source)
    if size is not None:
        refuse_size(Path(source), int(size))
        system.get_file(source, str(target))
        return
    with system.open(source, "rb") as remote, target.open("wb") as local:
        while piece := remote.read(PIECE):  # the server does not say how much there is
            local.write(piece)
            refuse_size(Path(source), local.tell())
