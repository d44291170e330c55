"""Planes on their way to the page, decoded pixel by pixel and by Pillow."""

from __future__ import annotations

import base64
import io
import json
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image
from skimage import data

import torchdial as td
from tests.golden.make_planes import PATH
from torchdial.widgets.preview.plane_coding import (
    SMALL,
    code_planes,
    deflated,
    inflated,
    may_be_lossy,
)

MEGABYTE = 1 << 20


def decoded(coded: bytes, shape: tuple[int, ...]) -> np.ndarray:
    """Add to each difference the value that is predicted from its neighbours."""
    differences = np.frombuffer(zlib.decompress(coded), np.uint8).reshape(*shape[:2], -1)
    out = np.zeros((shape[0] + 1, shape[1] + 1, differences.shape[2]), int)
    for y, x, c in np.ndindex(differences.shape):
        left, above, corner = (int(v) for v in (out[y + 1, x, c], out[y, x + 1, c], out[y, x, c]))
        predicted = sorted([left, above, left + above - corner])[1]
        out[y + 1, x + 1, c] = (int(differences[y, x, c]) + predicted) % 256
    return out[1:, 1:].reshape(shape)


@pytest.mark.parametrize("case", json.loads(PATH.read_text()), ids=lambda case: str(case["shape"]))
def test_a_plane_arrives_as_it_was(case: dict[str, Any]) -> None:
    shape = tuple(case["shape"])
    plane = np.array(case["values"], np.uint8).reshape(shape)
    np.testing.assert_array_equal(decoded(base64.b64decode(case["data"]), shape), plane)
    np.testing.assert_array_equal(decoded(deflated(plane), shape), plane)


def test_small_planes_are_sent_row_by_row() -> None:
    plane = np.arange(SMALL, dtype=np.uint8).reshape(256, 256).T
    (coded,) = code_planes([plane], [True])
    assert coded.coding is None
    assert bytes(coded.data) == plane.tobytes()


def test_packed_bits_arrive_as_they_were() -> None:
    bits = np.random.default_rng(0).integers(0, 256, SMALL + 5, dtype=np.uint8)
    (coded,) = code_planes([bits], [False])
    assert coded.coding == {"kind": "deflate", "shape": [1, SMALL + 5]}
    np.testing.assert_array_equal(decoded(bytes(coded.data), (1, SMALL + 5))[0], bits)


def photographs() -> np.ndarray:
    """Return 16 photographs, uint8 (16, 512, 512, 3)."""
    shown = [Image.fromarray(p).resize((512, 512)) for p in (data.astronaut(), data.coffee())]
    return np.stack([np.roll(np.asarray(shown[i % 2]), 31 * i, axis=1) for i in range(16)])


def smooth_maps() -> np.ndarray:
    """Return probabilities as a U-Net gives them, float32 (16, 512, 512)."""
    rng = np.random.default_rng(0)
    coarse = [Image.fromarray(np.float32(rng.normal(0, 3, (32, 32)))) for _ in range(16)]
    logits = np.stack([np.asarray(one.resize((512, 512), Image.BICUBIC)) for one in coarse])
    return 1 / (1 + np.exp(-logits))


def bytes_of(value: Any) -> int:
    if isinstance(value, (bytes, memoryview)):
        return memoryview(value).nbytes
    items = value.values() if isinstance(value, dict) else value
    return sum(map(bytes_of, items)) if isinstance(value, (dict, list)) else 0


def test_sixteen_photographs_open_with_four_megabytes() -> None:
    pictures, probs = photographs(), smooth_maps()
    preview = td.SegmentationPreview(pictures, probs, probs > 0.5)
    assert bytes_of(preview.get_state()) <= 4 * MEGABYTE
    exact = td.SegmentationPreview(pictures, probs, probs > 0.5, pictures="exact")
    assert pictures.nbytes / 4 < bytes_of(exact.get_state()) < pictures.nbytes


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        pytest.param((2, 512, 512, 3), True, id="photographs"),
        pytest.param((1, 512, 512, 3), False, id="less than a megabyte"),
        pytest.param((2, 512, 512, 1), False, id="grey"),
        pytest.param((2, 512, 512, 4), False, id="transparent"),
        pytest.param((30, 128, 128, 3), False, id="small ones"),
        pytest.param((1, 8, 66_000, 3), False, id="wider than a JPEG can be"),
    ],
)
def test_only_large_colour_pictures_may_be_lossy(shape: tuple[int, ...], expected: bool) -> None:
    assert may_be_lossy(np.zeros(shape, np.uint8)) == expected


def kinds(preview: Any) -> dict[str, str | None]:
    state = preview.get_state()
    tiles = [*state["_pictures"]["tiles"], *state["_frame"]["sources"][0]["tiles"]]
    return {tile["key"]: (tile["coding"] or {}).get("kind") for tile in tiles}


@pytest.mark.parametrize(
    ("options", "expected"),
    [({}, "jpeg"), ({"pictures": "exact"}, "deflate"), ({"window": (0, 255)}, "deflate")],
    ids=["compact", "exact", "windowed"],
)
def test_levels_and_targets_are_exact_whatever_the_pictures_are(
    options: dict[str, Any], expected: str
) -> None:
    pictures, probs = photographs()[:2], smooth_maps()[:2]
    preview = td.SegmentationPreview(pictures, probs, probs > 0.5, **options)
    found = kinds(preview)
    assert found["image/1"] == expected
    assert found["level/0/1/0"] == "deflate"
    assert found["target/1"] == "bits"
    both = td.compare(td.SegmentationPreview(pictures, probs, probs > 0.5), preview)
    assert kinds(both)["image/0"] == (
        "deflate" if "pictures" in options else kinds(both)["image/0"]
    )


def test_two_models_are_compared_exactly_if_one_of_them_is() -> None:
    pictures, probs = photographs()[:2], smooth_maps()[:2]
    compact = td.SegmentationPreview(pictures, probs)
    exact = td.SegmentationPreview(pictures, probs, pictures="exact")
    assert kinds(td.compare(compact, exact))["image/0"] == "deflate"
    assert kinds(td.compare(compact, compact))["image/0"] == "jpeg"


def test_a_photograph_loses_little() -> None:
    picture = photographs()[0]
    (coded,) = code_planes([picture], [True])
    shown = np.asarray(Image.open(io.BytesIO(coded.data))).astype(int)
    assert np.abs(shown - picture).mean() < 3


def test_another_word_is_refused() -> None:
    with pytest.raises(ValueError, match=r"pictures: expected 'compact' \| 'exact', got 'lossy'"):
        td.SegmentationPreview(np.zeros((1, 4, 4)), np.zeros((1, 4, 4)), pictures="lossy")


def test_small_planes_are_coded_where_they_are_many() -> None:
    planes = [np.full((64, 128), 2 + i % 7, np.uint8) for i in range(600)]
    few, many = (code_planes(planes[:n], [False] * n) for n in (10, 600))
    assert {one.coding is None for one in few} == {True}
    assert sum(len(one.data) for one in many) < 0.05 * sum(plane.nbytes for plane in planes)
    for plane, one in zip(planes, many, strict=True):
        np.testing.assert_array_equal(decoded(bytes(one.data), plane.shape), plane)


@pytest.mark.parametrize("highest", [0, 1, 2, 255])
def test_planes_of_two_values_are_sent_as_bits(highest: int) -> None:
    plane = np.random.default_rng(0).integers(0, 2, (300, 257), dtype=np.uint8)
    plane *= highest > 0
    plane[7, 200] = highest
    (coded,) = code_planes([plane], [False])
    assert coded.coding is not None
    if highest > 1:
        assert coded.coding["kind"] == "deflate"
        return
    assert coded.coding == {"kind": "bits", "shape": [300, 257]}
    packed = np.frombuffer(zlib.decompress(coded.data), np.uint8)
    for y, x in [(0, 0), (7, 200), (299, 256), *np.random.default_rng(1).integers(0, 257, (50, 2))]:
        place = int(y) * 257 + int(x)
        assert (packed[place // 8] >> (place % 8)) & 1 == plane[y, x]


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (5, 7), (30, 20)])
def test_inflated_is_what_was_deflated(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    planes = [rng.integers(0, 256, shape, dtype=np.uint8), np.full(shape, 7, np.uint8)]
    np.testing.assert_array_equal(inflated([deflated(plane) for plane in planes], shape), planes)
