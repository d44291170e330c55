"""The bytes of a saved run: a file of frames, one for each save.

    file    frame, frame, …
    frame   "TDIALRUN", length of what follows the checksum (8 bytes), its CRC-32 (4 bytes),
            length of the note (4 bytes), the note (JSON in UTF-8), the arrays' bytes
    note    {"about": …, "arrays": [[name, dtype, shape], …]}, arrays in this order

The first frame holds the run as it was then, each further one what has changed since the one
before it. Everything is little-endian. Nothing in it is ever run, and reading takes no more memory
than a few times the file's size. A frame that is incomplete at the end of a file is left out: the
save is going on, or its process died.
"""

from __future__ import annotations

import io
import json
import math
import struct
import warnings
import zlib
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

About = dict[str, Any]
Arrays = dict[str, npt.NDArray[Any]]

MAGIC = b"TDIALRUN"
FRAME_HEAD = struct.Struct("<8sQI")
LENGTH = struct.Struct("<I")
DTYPES = ("<i8", "<f8", "<f4", "<i4")
ALIGNED = 8  # bytes of the longest number


class DamageError(ValueError):
    """The bytes are not frames."""


def to_frame(
    about: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]
) -> list[bytes | memoryview]:
    """Return a frame's bytes, in pieces to write one after another; nothing is copied.

    Args:
        about: what JSON can hold.
        arrays: int64, float64, float32 or int32.
    """
    whole = {name: np.ascontiguousarray(a, a.dtype.newbyteorder("<")) for name, a in arrays.items()}
    shapes = [[name, a.dtype.str, list(arrays[name].shape)] for name, a in whole.items()]
    note = json.dumps({"about": about, "arrays": shapes}, allow_nan=False).encode()
    raw = (a.reshape(-1).view(np.uint8).data for a in whole.values())
    body: list[bytes | memoryview] = [LENGTH.pack(len(note)), note, *raw]
    checksum = 0
    for piece in body:
        checksum = zlib.crc32(piece, checksum)
    return [FRAME_HEAD.pack(MAGIC, sum(map(len, body)), checksum), *body]


def read_frames(
    file: BinaryIO, start: int = 0, name: str | None = None
) -> Iterator[tuple[About, Arrays]]:
    """Read one frame after another up to the last complete one, which is where the file is left.

    What is appended while this reads is left out.

    Args:
        file: open for reading, at any place.
        start: the byte at which the first frame to read begins.
        name: what to call it in a warning of an incomplete frame at its end; None gives none.

    Raises:
        DamageError: there is no frame, or one was changed.
    """
    size = file.seek(0, io.SEEK_END)
    place = file.seek(start)
    if not size:
        raise DamageError("it is empty")
    while place < size:
        body = _next_body(file, size - place)
        if body is None:
            _refuse_damage(file, place, size)
            file.seek(place)
            if name is not None:
                warnings.warn(
                    f"{name}: the last {size - place:,} bytes are an incomplete save; read as it "
                    "was at the save before.",
                    stacklevel=2,
                )
            return
        yield _read_body(body)
        place = file.tell()


def _next_body(file: BinaryIO, rest: int) -> memoryview | None:
    """Return what the next frame holds, or None if it is incomplete.

    Its arrays begin where numbers of eight bytes can be read without copying them.
    """
    head = file.read(FRAME_HEAD.size)
    if len(head) < FRAME_HEAD.size:
        return None
    magic, length, checksum = FRAME_HEAD.unpack(head)
    if magic != MAGIC or length > rest - FRAME_HEAD.size:
        return None
    start = file.read(min(length, LENGTH.size))
    note = LENGTH.unpack(start)[0] if len(start) == LENGTH.size else 0
    before = -(LENGTH.size + note) % ALIGNED
    body = np.empty(before + length, np.uint8).data[before:]
    body[: len(start)] = start
    file.readinto(body[len(start) :])  # type: ignore[attr-defined]
    return body if zlib.crc32(body) == checksum else None


def _refuse_damage(file: BinaryIO, place: int, size: int) -> None:
    """Raise if an incomplete frame is the first, or if others follow it, which no crash leaves.

    Raises:
        DamageError: it is.
    """
    file.seek(place + 1)
    if place == 0 or MAGIC in file.read(size - place - 1):
        raise DamageError(f"it was cut or changed at byte {place:,}")


def _read_body(body: memoryview) -> tuple[About, Arrays]:
    """Return a note and its arrays.

    Raises:
        DamageError: they do not fill the frame exactly, or are of another kind.
    """
    try:
        start = LENGTH.size + LENGTH.unpack_from(body)[0]
        note = json.loads(bytes(body[LENGTH.size : start]))
        arrays: Arrays = {}
        for name, dtype, shape in note["arrays"]:
            array = _read_array(body, start, dtype, shape)
            arrays[str(name)] = array
            start += array.nbytes
        if start != len(body):
            raise DamageError("a frame holds more than its arrays")
        return dict(note["about"]), arrays
    except (struct.error, ValueError, LookupError, TypeError, RecursionError) as error:
        raise DamageError(f"{error!r:.80}") from error


def _read_array(body: memoryview, start: int, dtype: str, shape: list[int]) -> npt.NDArray[Any]:
    if dtype not in DTYPES or not all(type(n) is int and n >= 0 for n in shape):
        raise DamageError(f"an array of dtype {dtype!r:.20} and shape {shape!r:.40}")
    count = math.prod(shape)
    if count * np.dtype(dtype).itemsize > len(body) - start:
        raise DamageError("an array is longer than its frame")
    flat = np.frombuffer(body, dtype, count, start)
    return np.require(flat.reshape(shape), np.dtype(dtype).newbyteorder("="), ["ALIGNED"])


def frames_of_state(state: Mapping[str, Any]) -> Iterator[tuple[About, Arrays]]:
    """Read the frames of a `state_dict`; older ones hold a single frame's parts."""
    if "about" in state:
        # The run keeps the arrays; the checkpoint's may change.
        arrays = {name: array.cpu().numpy().copy() for name, array in state["arrays"].items()}
        yield json.loads(state["about"]), arrays
    else:
        yield from read_frames(
            io.BytesIO(state["file"].cpu().numpy().tobytes()), name="the checkpoint"
        )
