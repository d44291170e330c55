"""Files that somebody made to do harm: words, no code run, nothing written, bounded memory.

What is refused in each format for its own reasons is in tests/sweeps/test_npz_archive.py and
tests/training/history/test_run_file.py.
"""

from __future__ import annotations

import copy
import io
import json
import math
import os
import pickle
import re
import struct
import warnings
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas  # noqa: F401 - so that its import is not counted as memory
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

import torchdial as td
from tests.faults.test_saving import things_to_save
from tests.memory import little_memory
from tests.training.history.test_run_file import frame
from tests.training.recording.recorded import recorded
from torchdial.sweeps import npz_archive as archive
from torchdial.sweeps.npz_archive import read_archive
from torchdial.training.history.run_file import to_frame
from torchdial.training.history.run_record import Mark

CLASSES: dict[str, Any] = {
    "curves": td.ThresholdCurves,
    "detections": td.DetectionCurves,
    "history": td.History,
}
ARCHIVES = ["curves", "detections"]
REMEDY = r"(?s)^load: expected .+, got .+\. (Save it again|Load it with the class that saved it)\.$"


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A whole file of each class."""
    folder = tmp_path_factory.mktemp("saved")
    found = {}
    for kind in CLASSES:
        things_to_save(kind)[1].save(folder / kind)
        found[kind] = (folder / kind).read_bytes()
    return found


def load(kind: str, path: Path) -> Any:
    """Return what is loaded, or None if it is refused as it should be."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of frames that are cut off
        try:
            return CLASSES[kind].load(path)
        except ValueError as error:
            message = str(error)
    assert re.match(REMEDY, message)
    return None


def members_of(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        return {name: file.read(name) for name in file.namelist()}


def packed(members: list[tuple[str, bytes]], way: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w", way) as file:
        warnings.simplefilter("ignore")  # of duplicate names
        for name, content in members:
            file.writestr(name, content)
    return buffer.getvalue()


def npy(dtype: str, shape: tuple[int, ...], content: bytes = bytes(64)) -> bytes:
    head = repr({"descr": dtype, "fortran_order": False, "shape": shape}).encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + content


class Bomb:
    """An object whose unpickling leaves a mark."""

    def __init__(self, mark: str) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return os.mkdir, (self.mark,)


Members = dict[str, bytes]


def with_first(name: str, content: bytes) -> Callable[[Members], list[tuple[str, bytes]]]:
    """Put something in the place of an array."""
    return lambda good: [(n, content if n == name else c) for n, c in good.items()]


def with_more(name: str, content: bytes) -> Callable[[Members], list[tuple[str, bytes]]]:
    return lambda good: [*good.items(), (name, content)]


OBJECTS = npy("|O", (1,), pickle.dumps(Bomb("it ran")))
ARRAYS = {
    "2⁶⁰ elements": npy("<i8", (2**60,)),
    "2⁶⁰ elements of no size": npy("<i8", (2**60, 0), b""),
    "more than memory": npy("<i8", (10**11,)),
    "a negative shape": npy("<i8", (-1,)),
    "two negative lengths": npy("<i8", (-1, -8)),
    "objects": OBJECTS,
    "objects in fields": npy([("a", "|O")], (1,)),  # type: ignore[arg-type]
    "text": npy("<U16", (1,)),
    "times": npy("<M8[ns]", (8,)),
    "the other byte order": npy(">i8", (8,)),
    "floats of 16 bytes": npy("<f16", (4,)),
    "a head that is code": npy("__import__('os').mkdir('it ran')", (1,)),
    "a head as long as the file": b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**32 - 1) + bytes(99),
    "a head cut off": b"\x93NUMPY\x01\x00\xff\xff{",
    "nothing": b"",
    "no npy": b"0" * 99,
}


@pytest.mark.parametrize("content", ARRAYS.values(), ids=list(ARRAYS))
@pytest.mark.parametrize("kind", ARCHIVES)
def test_arrays_that_are_not_what_was_saved(
    kind: str, content: bytes, saved: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    good = members_of(saved[kind])
    for name in good:
        file = packed(with_first(name, content)(good))
        Path("file").write_bytes(file)
        with little_memory(1_000_000 + 50 * len(file)):
            assert load(kind, Path("file")) is None
        assert os.listdir() == ["file"]


NAMES = [
    "../../escaped.npy",
    "/escaped.npy",
    "..\\escaped.npy",
    "C:escaped.npy",
    ".npy",
    "a" * 999,
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ARCHIVES)
def test_names_that_lead_elsewhere_lead_nowhere(
    kind: str, name: str, saved: Any, tmp_path: Path
) -> None:
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    path = folder / "file"
    path.write_bytes(packed(with_more(name, npy("<i8", (8,)))(members_of(saved[kind]))))
    assert load(kind, path) is None
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == [path]


@pytest.mark.parametrize("kind", ARCHIVES)
def test_a_name_twice(kind: str, saved: Any, tmp_path: Path) -> None:
    good = members_of(saved[kind])
    for name in good:
        (tmp_path / "file").write_bytes(packed(with_more(name, good[name])(good)))
        assert load(kind, tmp_path / "file") is None


@pytest.mark.parametrize("kind", ARCHIVES)
def test_zeros_packed_a_thousandfold(
    kind: str, saved: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten megabytes are little and go through; they are too much where less is allowed."""
    zeros = npy("<i8", (10 << 17,), bytes(10 << 20))
    content = packed(with_more("more.npy", zeros)(members_of(saved[kind])))
    path = tmp_path / "file"
    path.write_bytes(content)
    assert len(content) < 40_000
    with little_memory(3 * (10 << 20)):
        assert load(kind, path) is None
    monkeypatch.setattr(archive, "SAFE_BYTES", 1 << 20)
    with little_memory(1_000_000), pytest.raises(ValueError, match="bytes packed into"):
        CLASSES[kind].load(path)


@pytest.mark.parametrize("kind", ARCHIVES)
def test_sizes_that_are_not_true(kind: str, saved: Any, tmp_path: Path) -> None:
    """In the directory of the archive stands less, or much more, than there is."""
    zeros = npy("<i8", (10 << 17,), bytes(10 << 20))
    content = packed(with_more("more.npy", zeros)(members_of(saved[kind])))
    size, path = struct.pack("<I", len(zeros)), tmp_path / "file"
    assert content.count(size) == 2  # before the member and in the directory
    for claimed in (0, 100, 2**32 - 2):
        path.write_bytes(content.replace(size, struct.pack("<I", claimed)))
        with little_memory(3_000_000):
            assert load(kind, path) is None


@pytest.mark.parametrize("way", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_denser_ways_of_packing(way: int, saved: Any, tmp_path: Path) -> None:
    good = members_of(saved["curves"])
    for name in ("more.npy", "tp.npy"):
        content = good | {name: npy("<i8", (10 << 17,), bytes(10 << 20))}
        (tmp_path / "file").write_bytes(packed(list(content.items()), way))
        with little_memory(1_000_000):
            assert load("curves", tmp_path / "file") is None


def test_what_is_very_empty_can_be_saved_and_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It packs as densely as a bomb, so it is not packed."""
    monkeypatch.setattr(archive, "SAFE_BYTES", 1 << 20)
    empty = {"x": np.zeros((1 << 18,), np.int64)}
    archive.write_archive(tmp_path / "file", {"format": "a/1"}, empty)
    _, arrays = read_archive(tmp_path / "file", "a/1")
    assert np.array_equal(arrays["x"], empty["x"])


@pytest.mark.parametrize("kind", CLASSES)
def test_a_pickle_is_not_run(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    bomb = pickle.dumps(Bomb("it ran"))
    for content in (bomb, OBJECTS, frame([]) + bomb, packed([("data.pkl", bomb)])):
        Path("file").write_bytes(content)
        assert load(kind, Path("file")) is None
    assert os.listdir() == ["file"]
    pickle.loads(bomb)
    assert os.path.isdir("it ran")  # so it would be known


@pytest.mark.parametrize("kind", CLASSES)
def test_cut_at_every_fiftieth_byte(kind: str, saved: Any, tmp_path: Path) -> None:
    whole, path = saved[kind], tmp_path / "file"
    for cut in range(0, len(whole), 50):
        path.write_bytes(whole[:cut])
        assert load(kind, path) is None


relaxed = settings(
    max_examples=120,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.mark.parametrize("kind", CLASSES)
@relaxed
@given(data=st.data())
def test_any_bits_flipped(kind: str, data: st.DataObject, saved: Any, tmp_path: Path) -> None:
    """Either a checksum finds it, or it was a bit of no meaning: nothing loads as another."""
    whole = bytearray(saved[kind])
    for _ in range(data.draw(st.integers(1, 3))):
        whole[data.draw(st.integers(0, len(whole) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    path = tmp_path / "file"
    path.write_bytes(whole)
    with little_memory(2_000_000 + 50 * len(whole)):
        loaded = load(kind, path)
    if loaded is not None:
        loaded.save(path)
        same = tmp_path / "same"
        same.write_bytes(saved[kind])
        CLASSES[kind].load(same).save(same)
        assert path.read_bytes() == same.read_bytes()


JUNK: list[Any] = [
    *(None, True, 0, -1, 1, 2**31, 2**60, 2**64, 10**300, 0.5, math.nan, math.inf, -math.inf),
    *("", "x", "\0", "../..", "1e999", [], {}, [[]], ["a", "a"], [-1], [2**60], {"": None}),
    *([0.5] * 300, "a" * 1000, [[0.5]], [math.nan], {"values": [2, 1], "even": False}),
]
DTYPES = ["<i8", "<f8", "<f4", "<i4", "|u1", "|b1"]


def places(note: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Go through all places in a note."""
    pairs = note.items() if isinstance(note, dict) else enumerate(note)
    for key, value in list(pairs)[:20]:
        yield (*path, key)
        if isinstance(value, (dict, list)):
            yield from places(value, (*path, key))


def change_note(note: Any, data: st.DataObject) -> Any:
    note = copy.deepcopy(note)
    *way, last = data.draw(st.sampled_from(list(places(note))))
    inner = note
    for key in way:
        inner = inner[key]
    if data.draw(st.booleans()) and isinstance(inner, dict):
        del inner[last]
    else:
        inner[last] = data.draw(st.sampled_from(JUNK))
    return note


def change_array(array: np.ndarray, data: st.DataObject) -> np.ndarray:
    way = data.draw(st.sampled_from(["dtype", "shape", "longer", "values"]))
    if way == "dtype":
        with np.errstate(invalid="ignore"):
            return array.astype(data.draw(st.sampled_from(DTYPES)))
    if way == "shape":
        return array[..., None] if data.draw(st.booleans()) else array.reshape(-1)
    if way == "longer":
        return np.concatenate([array, array]) if array.ndim else array[None]
    values = array.copy().reshape(-1)
    if values.size:
        number = data.draw(st.sampled_from([-1, 0, 255, -(2**31), 2**31 - 1, 2**62, math.nan]))
        with np.errstate(all="ignore"):
            values[data.draw(st.integers(0, values.size - 1))] = np.array(number).astype(
                array.dtype
            )
    return values.reshape(array.shape)


@pytest.mark.parametrize("kind", CLASSES)
@relaxed
@given(data=st.data())
def test_what_does_not_go_together_is_refused_or_does_no_harm(
    kind: str, data: st.DataObject, tmp_path: Path
) -> None:
    """With right checksums: the note or an array is another, and what loads can be used."""
    path = tmp_path / "file"
    if kind == "history":
        about, arrays = recorded(30).take(Mark())
    else:
        things_to_save(kind)[1].save(path)
        content = members_of(path.read_bytes())
        about = json.loads(content["about.npy"].split(b"\n", 1)[1])
        _, arrays = read_archive(path, about["format"])
    if data.draw(st.booleans()):
        about = change_note(about, data)
    else:
        name = data.draw(st.sampled_from(sorted(arrays)))
        arrays[name] = change_array(arrays[name], data)
    path.write_bytes(written(kind, about, arrays))
    with little_memory(3_000_000):
        loaded = load(kind, path)
    if loaded is not None:
        with np.errstate(all="ignore"):
            use(loaded)


def written(kind: str, about: Any, arrays: Any) -> bytes:
    note = json.dumps(about).encode()  # with NaN, as Python writes and reads it
    if kind != "history":
        buffer = io.BytesIO()
        np.savez(buffer, about=np.frombuffer(note, np.uint8), **arrays)
        return buffer.getvalue()
    plain = {name: a for name, a in arrays.items() if a.dtype.str in DTYPES[:4]}
    shapes = [[name, a.dtype.str, list(a.shape)] for name, a in plain.items()]
    raw = b"".join(np.ascontiguousarray(a).tobytes() for a in plain.values())
    return frame(about, shapes, more=raw)


def use(loaded: Any) -> None:
    """Do what people do with what they load."""
    assert repr(loaded)
    if isinstance(loaded, td.History):
        loaded.to_pandas()
        to_frame(*loaded.take(Mark()))
        for matrix in loaded.layers.values():
            assert matrix.max.shape == matrix.mean.shape
        loaded.record(31, {"loss": 0.5})
        return
    if loaded.num_classes > 20:  # as many as the labels say, at 80 kB each
        return
    metric = "iou" if isinstance(loaded, td.ThresholdCurves) else "f1"
    loaded.metric(metric)
    loaded.to_pandas()


def test_frames_that_declare_what_is_not_there(tmp_path: Path) -> None:
    about, _ = recorded(3).take(Mark())
    shapes: list[Any] = [[2**60], [2**60, 0], [-1], [0, -1], [2**40, 2**40], [1] * 100, ["1"], None]
    for shape in shapes:
        content = frame(about, [["scalars/0/steps", "<i8", shape]])
        (tmp_path / "file").write_bytes(content)
        with little_memory(500_000 + 20 * len(content)):
            assert load("history", tmp_path / "file") is None


@relaxed
@given(
    note=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
        lambda inner: (
            st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4)
        ),
        max_leaves=12,
    )
)
def test_any_note_in_a_frame(note: Any, tmp_path: Path) -> None:
    for about, arrays in ((note, []), ({}, note), ({"format": "torchdial.History/1"}, note)):
        (tmp_path / "file").write_bytes(frame(about, arrays))
        assert load("history", tmp_path / "file") is None
