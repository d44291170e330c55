"""Files that appear whole or not at all."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from torchdial.inputs.errors import refusal


@contextmanager
def whole_file(path: Path, previous: Path | None = None) -> Iterator[BinaryIO]:
    """Write a file that appears whole or not at all; what was there stays until then.

    Args:
        path: the file.
        previous: where what was there goes; None is nowhere.

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
        if previous is not None and path.is_file():
            path.replace(previous)
        partial.replace(path)
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


def sync(file: BinaryIO) -> None:
    """Wait until a file is on the disk."""
    file.flush()
    os.fsync(file.fileno())


def not_written(path: Path, error: OSError) -> OSError:
    """Return the error to raise where a file cannot be written, of the same kind, in words."""
    words = refusal(
        "path",
        expected="a place to write to",
        got=f"{str(path)[:200]!r}: {error.strerror or error}",
        remedy="Make room there or save elsewhere; what was saved before is unharmed.",
    )
    return OSError(error.errno, str(words))
