"""Files that appear whole or not at all, and files kept beside others under a number."""

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
    """Write a file that appears whole or not at all; what was there stays until then.

    Args:
        path: the file.

    Raises:
        OSError: it cannot be written; what was there is as it was.

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
    """Write at the end of a file, and wait until it is on the disk.

    Raises:
        OSError: it cannot be written; some of it may be there.
    """
    try:
        with path.open("ab") as file:
            file.writelines(pieces)
            sync(file)
    except OSError as error:
        raise not_written(path, error) from error


def keep_numbered(path: Path) -> Path:
    """Give a file a second, numbered name beside its own; return that name.

    The file can then be replaced. Nothing is moved, so it is found by its own name at any moment.

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
        except (OSError, NotImplementedError, AttributeError):  # no hard links on this disk
            with path.open("rb") as source, whole_file(target) as copy:
                shutil.copyfileobj(source, copy)
        sync_folder(path.parent)
        return target
    raise not_written(path, OSError(errno.EEXIST, os.strerror(errno.EEXIST)))


def numbered(path: Path, ahead: int = 1) -> Path:
    """Return a path with the number after the highest that is there beside it.

    Args:
        path: the path without a number.
        ahead: how much to add to the highest number; 0 for the last one there is.

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
    """Wait until a file's content is on the disk."""
    file.flush()
    os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk, where the system can do that."""
    with suppress(OSError):  # Windows and some network drives cannot
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def not_written(path: Path, error: OSError) -> OSError:
    """Return an error of the same kind that says what to do where a file cannot be written."""
    words = refusal(
        "path",
        expected="a place to write to",
        got=f"{str(path)[:200]!r}: {error.strerror or error}",
        remedy="Make room there or save elsewhere; what was saved before is unharmed.",
    )
    return OSError(error.errno, str(words))
