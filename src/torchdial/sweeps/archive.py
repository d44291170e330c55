"""Plain arrays and a JSON note in one .npz file: no pickle is written, none is loaded."""

from __future__ import annotations

import io
import json
import os
import zipfile
import zlib
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

_DAMAGE = (  # what a file that was cut, overwritten or crafted makes zipfile, numpy and json raise
    zipfile.BadZipFile,
    zlib.error,
    ValueError,
    LookupError,
    EOFError,
    TypeError,
    AttributeError,
    OverflowError,
    MemoryError,
    RuntimeError,
)


def write_archive(
    path: str | PathLike[str], about: Mapping[str, Any], arrays: Mapping[str, np.ndarray]
) -> None:
    """Write arrays and a note; the file appears whole or not at all."""
    target = Path(path)
    partial = target.with_name(f"{target.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as file:
            note = np.frombuffer(json.dumps(about).encode(), dtype=np.uint8)
            np.savez_compressed(file, allow_pickle=False, about=note, **arrays)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def read_archive(
    path: str | PathLike[str], expected_format: str
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Read what `write_archive` wrote.

    Raises:
        ValueError: the file is not an archive of this format, or is damaged.
    """
    content = Path(path).read_bytes()
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        about = json.loads(arrays.pop("about").tobytes())
        found = about["format"]
    except _DAMAGE as error:
        raise ValueError(
            f"load: expected a file of the format {expected_format}, got {path}, which cannot be "
            f"read ({error!r:.80}). Save it again."
        ) from error
    if found != expected_format:
        raise ValueError(
            f"load: expected a file of the format {expected_format}, got {found!r:.80}. Load it "
            "with the class that saved it."
        )
    return about, arrays
