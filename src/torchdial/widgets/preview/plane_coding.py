"""How large planes are made small on their way to the page; js/src/lib/preview/plane_coding.ts.

Levels and targets arrive exactly: what is compressed is each value's difference from the one that
its neighbours predict, and zlib keeps all of it. Photographs may go as JPEG.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from PIL import Image

from torchdial.array_types import Bytes
from torchdial.inputs.arguments import one_of

SMALL = 256 * 256  # bytes of a plane that is sent as it is; pixels of a picture that is not lossy
MANY_BYTES = 4 << 20  # bytes of planes together; past this, smaller ones are coded too
SMALLEST = 64 * 64  # then bytes of a plane that is sent as it is
LOSSY_BYTES = 1 << 20  # of all pictures together; up to this, they are exact
JPEG_QUALITY = 90
JPEG_SIDE = 65_500  # pixels that a JPEG may have along a side

Coding = dict[str, Any]


Pictures = Literal["compact", "exact"]


def check_pictures(pictures: Any) -> None:
    """Raise ValueError for anything but "compact" and "exact"."""
    one_of("pictures", pictures, get_args(Pictures))


class CodedPlane(NamedTuple):
    """The bytes of a plane, and how they are to be read; None for row by row."""

    data: bytes | memoryview
    coding: Coding | None


def code_planes(planes: Sequence[Bytes], lossy: Sequence[bool]) -> list[CodedPlane]:
    """Return planes as they are sent.

    Args:
        planes: uint8, (H, W) or (H, W, C), or bits (B,).
        lossy: of each whether its values may change a little.
    """
    least = SMALLEST if sum(plane.nbytes for plane in planes) > MANY_BYTES else SMALL
    if all(plane.nbytes <= least for plane in planes):
        return [CodedPlane(plane_bytes(plane), None) for plane in planes]
    with ThreadPoolExecutor() as threads:  # zlib and Pillow let others run meanwhile
        return list(threads.map(partial(_code, least=least), planes, lossy))


def may_be_lossy(pictures: Sequence[Bytes]) -> bool:
    """Return whether pictures are in colour and so large that JPEG is worth its errors.

    Args:
        pictures: uint8 (H, W, C) each.
    """
    is_large = sum(picture.nbytes for picture in pictures) > LOSSY_BYTES
    return is_large and all(
        p.shape[2] == 3 and p[..., 0].size > SMALL and max(p.shape) <= JPEG_SIDE for p in pictures
    )


def plane_bytes(plane: Bytes) -> memoryview:
    """Return the bytes of a plane, row by row."""
    if plane.size == 0:  # which Python casts to nothing
        return memoryview(b"")
    return np.ascontiguousarray(plane).data.cast("B")


def _code(plane: Bytes, lossy: bool, least: int) -> CodedPlane:
    if plane.nbytes <= least:
        return CodedPlane(plane_bytes(plane), None)
    if plane.ndim == 1:
        plane = plane[None]
    elif plane.ndim == 2 and plane.max(initial=0) <= 1:
        bits = zlib.compress(np.packbits(plane, bitorder="little").data, zlib.Z_BEST_SPEED)
        return CodedPlane(bits, {"kind": "bits", "shape": list(plane.shape)})
    if lossy:
        file = io.BytesIO()
        Image.fromarray(plane).save(file, "JPEG", quality=JPEG_QUALITY)
        return CodedPlane(file.getvalue(), {"kind": "jpeg"})
    return CodedPlane(deflated(plane), {"kind": "deflate", "shape": list(plane.shape)})


def deflated(plane: Bytes) -> bytes:
    """Return a plane in the zlib format, as differences from the predicted values, modulo 256.

    The prediction is left + above - above left, kept between left and above (Weinberger, Seroussi
    and Sapiro: The LOCO-I Lossless Image Compression Algorithm, 2000). Runs and entropy coding
    only: on level maps it is as small as with a search for repeats, in half of the time.

    Args:
        plane: uint8 (H, W) or (H, W, C).
    """
    framed = np.zeros((plane.shape[0] + 1, plane.shape[1] + 1, *plane.shape[2:]), np.uint8)
    framed[1:, 1:] = plane
    left, above, corner = framed[1:, :-1], framed[:-1, 1:], framed[:-1, :-1]
    low, high = np.minimum(left, above), np.maximum(left, above)
    predicted = low + high - np.clip(corner, low, high)  # the same, in bytes
    packer = zlib.compressobj(1, zlib.DEFLATED, zlib.MAX_WBITS, zlib.DEF_MEM_LEVEL, zlib.Z_RLE)
    return packer.compress((plane - predicted).data) + packer.flush()


def inflated(planes: Sequence[bytes], shape: tuple[int, int]) -> Bytes:
    """Return the planes of `deflated`, uint8 (P, H, W).

    A value depends on those left and above, so all of a diagonal, and of all planes, are computed
    at once.

    Args:
        planes: of one shape.
        shape: (H, W).
    """
    height, width = shape
    found = np.empty((height, width, len(planes)), np.int16)
    for i, plane in enumerate(planes):
        found[..., i] = np.frombuffer(zlib.decompress(plane), np.uint8).reshape(shape)
    # Of a diagonal by row; row 0 is above the plane.
    left, before = (np.zeros((height + 1, len(planes)), np.int16) for _ in range(2))
    for diagonal in range(height + width - 1):
        rows = np.arange(max(0, diagonal - width + 1), min(height, diagonal + 1))
        columns = diagonal - rows
        a, b, corner = left[rows + 1], left[rows], before[rows]
        predicted = np.clip(a + b - corner, np.minimum(a, b), np.maximum(a, b))
        values = (found[rows, columns] + predicted) & 255
        found[rows, columns] = values
        now = np.zeros_like(left)
        now[rows + 1] = values
        left, before = now, left
    return np.moveaxis(found, -1, 0).astype(np.uint8)
