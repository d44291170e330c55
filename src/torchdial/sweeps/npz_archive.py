"""Plain arrays and a JSON note in one .npz file, without pickle."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from torchdial.atomic_files import whole_file

SAFE_BYTES = 256 << 20  # that any file may unpack to
MAX_DENSITY = 256  # times its own size that a larger one may unpack to; 1,000 are possible

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
    """Write arrays and a note; the file appears whole or not at all.

    Raises:
        OSError: it cannot be written; an earlier file stays.
    """
    note = np.frombuffer(json.dumps(about).encode(), dtype=np.uint8)
    members: dict[str, Any] = {"about": note, **arrays}
    unpacked = sum(array.nbytes for array in arrays.values())
    with whole_file(Path(path)) as file:
        # numpy before 2.1 would take `allow_pickle=False` for one more array.
        np.savez_compressed(file, **members)
        if unpacked > _most(file.tell()):  # it would be refused as a bomb
            file.seek(0)
            file.truncate()
            np.savez(file, **members)


def read_archive(
    path: str | PathLike[str], expected_format: str
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Read what `write_archive` wrote, in memory that a crafted file cannot make larger.

    Raises:
        ValueError: the file is not an archive of this format, or is damaged.
    """
    content = Path(path).read_bytes()
    try:
        arrays = _unpack(content)
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


def _most(size: int) -> int:
    """Return how many bytes a file of so many may unpack to."""
    return max(SAFE_BYTES, MAX_DENSITY * size)


def _unpack(content: bytes) -> dict[str, np.ndarray]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = archive.infolist()
        names = [member.filename.removesuffix(".npy") for member in members]
        if len(set(names)) < len(names):
            raise ValueError("a name twice")
        unpacked = sum(member.file_size for member in members)
        if unpacked > _most(len(content)):
            raise ValueError(f"{unpacked:,} bytes packed into {len(content):,}")
        return {n: _read(archive, member) for n, member in zip(names, members, strict=True)}


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> np.ndarray:
    """Return the array of a member, unpacked no further than it says it goes."""
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"compression {member.compress_type}")
    with archive.open(member) as file:
        return _to_array(bytearray(file.read(member.file_size)))


def _to_array(content: bytearray) -> np.ndarray:
    """Return the array in a .npy file.

    Raises:
        ValueError: it is not of plain numbers, or its size differs from what its header declares.
    """
    file = io.BytesIO(content)
    version = np.lib.format.read_magic(file)
    if version != (1, 0):
        raise ValueError(f"npy {version}")
    shape, is_fortran, dtype = np.lib.format.read_array_header_1_0(file)
    if dtype.kind not in "biuf" or min(shape, default=0) < 0:
        raise ValueError(f"{dtype} of shape {shape}")
    flat = np.frombuffer(memoryview(content)[file.tell() :], dtype)
    return flat.reshape(shape, order="F" if is_fortran else "C")
