"""Writes files completely or not at all, and keeps earlier ones under numbered names."""

from __future__ import annotations

import errno
import os
import re
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from torchdial.inputs.errors import refusal


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """Write a file that replaces an existing one only when it is complete.

    Args:
        path: the file.

    Raises:
        OSError: it cannot be written; an existing file is unchanged.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "note")
        ...     with whole_file(path) as file:
        ...         _ = file.write(b"all of it")
        ...     path.read_bytes()
        b'all of it'
    """
    if not path.name:  # "" and "/" are folders
        raise not_written(path, OSError(errno.EISDIR, os.strerror(errno.EISDIR)))
    partial = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}.partial")
    try:
        with partial.open("wb") as file:
            yield file
            sync(file)
        partial.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise not_written(path, error) from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def append_to_file(path: Path, pieces: list[bytes | memoryview]) -> None:
    """Append to a file, and wait until it is on disk.

    Raises:
        OSError: it cannot be written; a part may have been appended.
    """
    try:
        with path.open("ab") as file:
            file.writelines(pieces)
            sync(file)
    except OSError as error:
        raise not_written(path, error) from error


def keep_numbered(path: Path) -> Path:
    """Give a file a second, numbered name in its folder, and return that path.

    The file can then be replaced. It is never moved, so its own name exists at any moment.

    Raises:
        OSError: it cannot be written.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "run.td")
        ...     path.write_bytes(b"first")
        ...     keep_numbered(path).name
        5
        'run.1.td'
    """
    for _ in range(1_000):  # another process may take the same number
        target = numbered(path)
        before = numbered(path, ahead=0)
        if before.exists() and before.samefile(path):
            return before  # a process died between this and the replacement
        try:
            os.link(path, target)
        except FileExistsError:
            continue
        except (OSError, NotImplementedError, AttributeError):  # the disk has no hard links
            with path.open("rb") as source, whole_file(target) as copy:
                shutil.copyfileobj(source, copy)
        sync_folder(path.parent)
        return target
    raise not_written(path, OSError(errno.EEXIST, os.strerror(errno.EEXIST)))


def numbered(path: Path, ahead: int = 1) -> Path:
    """Return a path with the next number in its folder.

    Args:
        path: the path without a number.
        ahead: what to add to the highest existing number; 0 for the last existing path.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     Path(folder, "run.7.td").touch()
        ...     numbered(Path(folder, "run.td")).name
        'run.8.td'
    """
    pattern = re.compile(re.escape(path.stem) + r"\.([1-9]\d*)" + re.escape(path.suffix))
    found = [pattern.fullmatch(other.name) for other in path.parent.iterdir()]
    highest = max((int(match[1]) for match in found if match), default=0)
    return path.with_name(f"{path.stem}.{highest + ahead}{path.suffix}")


def sync(file: BinaryIO) -> None:
    """Wait until the content of a file is on disk."""
    file.flush()
    os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on disk, if the system supports that."""
    with suppress(OSError):  # Windows and some network drives cannot
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def not_written(path: Path, error: OSError) -> OSError:
    """Return an error of the same kind that says what to do if a file cannot be written."""
    remedy = "Make its folder" if error.errno == errno.ENOENT else "Make room there"
    words = refusal(
        "path",
        expected="a place to write to",
        got=f"{str(path)[:200]!r}: {error.strerror or error}",
        remedy=f"{remedy} or save elsewhere; files saved before are unchanged.",
    )
    return OSError(error.errno, str(words))
