"""A run in a file: it comes back as it was, whatever happened in between."""

from __future__ import annotations

import copy
import io
import json
import pickle
import random
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.inputs.error_messages import says
from tests.memory import little_memory
from tests.training.recording.recorded import check_same, fill, recorded
from torchdial.training import History
from torchdial.training.history.autosave import Autosave
from torchdial.training.history.run_file import MAGIC, read_frames, to_frame
from torchdial.training.history.run_record import Mark


@pytest.mark.parametrize("count", [0, 1, 50, 1500])
@pytest.mark.parametrize("as_type", [str, Path])
def test_a_round_trip(count: int, as_type: Any, tmp_path: Path) -> None:
    history = recorded(count)
    history.start_step = 3
    path = as_type(tmp_path / "run")
    history.save(path)
    history.save(path)  # over the first
    check_same(history, History.load(path))
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


def test_a_loaded_run_goes_on(tmp_path: Path) -> None:
    recorded(40).save(tmp_path / "run")
    history, twin = History.load(tmp_path / "run"), recorded(40)
    assert 39 / 8 <= history.now < 39 / 8 + 60
    for each in (history, twin):
        fill(each, 40, 1400)
    twin.started = history.started
    check_same(history, twin)


def test_a_cut_anywhere_gives_a_whole_state_or_is_refused(tmp_path: Path) -> None:
    path, history = tmp_path / "run", recorded(0)
    saver, states = Autosave(history, path), {}
    for step in range(4):
        fill(history, step, step + 1)
        saver.save()
        states[path.stat().st_size] = step + 1
    whole = path.read_bytes()
    first = min(states)
    for cut in range(0, len(whole), 7):
        path.write_bytes(whole[:cut])
        if cut < first:
            with pytest.raises(ValueError, match="damaged"):
                History.load(path)
            continue
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            loaded = History.load(path)
        assert len(loaded["loss"]) == max(n for size, n in states.items() if size <= cut)
        assert len(caught) == (cut not in states)
        assert all("incomplete" in str(w.message) for w in caught)


def test_a_flipped_bit_is_refused_or_costs_the_last_frame(tmp_path: Path) -> None:
    path, history = tmp_path / "run", recorded(0)
    saver = Autosave(history, path)
    for step in range(3):
        last = path.stat().st_size if step else 0
        fill(history, step, step + 1)
        saver.save()
    whole = path.read_bytes()
    dice = random.Random(0)
    for _ in range(300):
        place = dice.randrange(len(whole))
        changed = bytearray(whole)
        changed[place] ^= 1 << dice.randrange(8)
        path.write_bytes(bytes(changed))
        if place < last:
            with pytest.raises(ValueError, match="damaged"):
                History.load(path)
        else:
            with pytest.warns(UserWarning, match="incomplete"):
                assert len(History.load(path)["loss"]) == 2


class Bomb:
    """An object whose unpickling leaves a mark."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return Path.touch, (self.mark,)


def frame(about: Any, arrays: Any = (), *, more: bytes = b"") -> bytes:
    """A frame with a right checksum around anything."""
    import struct
    import zlib

    note = json.dumps({"about": about, "arrays": arrays}).encode()
    body = struct.pack("<I", len(note)) + note + more
    return struct.pack("<8sQI", MAGIC, len(body), zlib.crc32(body)) + body


def crafted(mark: Path) -> dict[str, bytes]:
    about, arrays = recorded(30).take(Mark())
    good = {name: np.array(a) for name, a in arrays.items()}
    npy = io.BytesIO()
    np.save(npy, np.array([Bomb(mark)], dtype=object), allow_pickle=True)

    def changed(*, without: str = "", arrays: Any = None, **notes: Any) -> bytes:
        kept = {k: a for k, a in (good | (arrays or {})).items() if k != without}
        return b"".join(map(bytes, to_frame(about | notes, kept)))

    layers = about["layers"]["grad_norm"]
    return {
        "nothing": b"",
        "text": b"step,loss\n1,0.5\n",
        "a pickle": pickle.dumps(Bomb(mark)),
        "an array of objects": npy.getvalue(),
        "a checkpoint of torch": b"PK\x03\x04" + bytes(100),
        "zeros": bytes(1000),
        "the beginning alone": MAGIC,
        "a length beyond the file": MAGIC + b"\xff" * 12 + b"short",
        "no note": frame([]),
        "a note as deep as the stack": frame(about).replace(b'{"about"', b"[" * 8),
        "an array longer than memory": frame(about, [["scalars/0/steps", "<i8", [10**12]]]),
        "a negative length": frame(about, [["scalars/0/steps", "<i8", [-1]]]),
        "a length that is no number": frame(about, [["scalars/0/steps", "<i8", ["8"]]]),
        "objects": frame(about, [["scalars/0/steps", "|O", [1]]], more=bytes(8)),
        "more bytes than arrays": frame(about, [], more=bytes(8)),
        "another format": changed(format="torchdial.ThresholdCurves/1"),
        "steps without values": changed(without="scalars/0/values"),
        "columns without a maximum": changed(without="layers/0/max"),
        "fewer values than steps": changed(arrays={"scalars/0/values": np.zeros(1)}),
        "steps that are broken": changed(arrays={"scalars/0/steps": np.full(30, 0.5)}),
        "times that are none": changed(arrays={"scalars/0/times": np.full(30, np.nan)}),
        "another number of layers": changed(layers={"grad_norm": layers | {"names": ["a"]}}),
        "layers of one name": changed(layers={"grad_norm": layers | {"names": ["a"] * 3}}),
        "columns behind others": changed(layers={"grad_norm": layers | {"start": 5}}),
        "a column of no samples": changed(layers={"grad_norm": layers | {"stride": 0}}),
        "layers that are a list": changed(layers=[1, 2]),
        "an event that is a word": changed(events=["a"]),
        "an event with more in it": changed(events=[{"step": 1, "run": "rm"}]),
        "settings that are a number": changed(config=3),
        "a start that is none": changed(started="today"),
        "branches that are a number": changed(branches=3),
        "a branch that is none": changed(branches=[{}]),
        "a branch with less than it says": changed(branches=[about]),
    }


@pytest.mark.parametrize("case", crafted(Path("unused")))
def test_crafted_files_are_refused_run_nothing_and_take_little(case: str, tmp_path: Path) -> None:
    mark, path = tmp_path / "it ran", tmp_path / "run"
    content = crafted(mark)[case]
    path.write_bytes(content)
    with (
        little_memory(10 * len(content) + 500_000),
        pytest.raises(ValueError, match=says("load", "History/1", "damaged", "Save it again")),
    ):
        History.load(path)
    assert not mark.exists()


def test_a_missing_file_is_no_damaged_one(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        History.load(tmp_path / "nothing")


def test_the_format_is_open(tmp_path: Path) -> None:
    """Read by hand, as the page of the format says: without torchdial."""
    recorded(30).save(tmp_path / "run")
    content = (tmp_path / "run").read_bytes()
    assert content[:8] == b"TDIALRUN"
    length = int.from_bytes(content[20:24], "little")
    note = json.loads(content[24 : 24 + length])
    place = 24 + length
    found = {}
    for name, dtype, shape in note["arrays"]:
        found[name] = np.frombuffer(content, dtype, int(np.prod(shape)), place).reshape(shape)
        place += found[name].nbytes
    assert place == len(content)
    index = note["about"]["scalars"].index("lr")
    assert found[f"scalars/{index}/values"].tolist() == [0.1] * 30


def test_a_checkpoint_brings_the_run_back(tmp_path: Path) -> None:
    """Through `torch.save` and `torch.load` as they are, which load no pickled objects."""
    first = recorded(50)
    torch.save({"history": first.state_dict()}, tmp_path / "checkpoint.pt")
    state = torch.load(tmp_path / "checkpoint.pt", weights_only=True)["history"]
    history = History("run 8", {"lr": 0.05})
    fill(history, 0, 3)
    version, lock = history.version, history.lock
    history.load_state_dict(state)
    assert history.start_step == 49
    assert history.config == first.config | {"lr": 0.05}
    assert history.version > version
    assert history.lock is lock
    assert 49 / 8 <= history.now < 49 / 8 + 60
    history.config, history.start_step = first.config, 0
    check_same(history, first)
    fill(history, 50, 60)
    fill(first, 50, 60)
    check_same(history, first)


def test_a_checkpoint_of_the_form_before_still_loads() -> None:
    about, arrays = recorded(50).take(Mark())
    about = {key: value for key, value in about.items() if key not in ("id", "branches")}
    tensors = {name: torch.from_numpy(array.copy()) for name, array in arrays.items()}
    one, two = History(), History()
    for history in (one, two):
        history.load_state_dict({"about": json.dumps(about), "arrays": tensors})
    assert one["loss"].steps.tolist() == [*range(50)]
    assert one.id == two.id  # so it continues its file, which has no id of its own either


@pytest.mark.parametrize("way", [copy.deepcopy, lambda h: pickle.loads(pickle.dumps(h))])
def test_a_copy_is_the_same_and_goes_its_own_way(way: Any) -> None:
    history = recorded(50)
    history.start_step, history.hidden, history.number = 7, True, 3
    twin = way(history)
    check_same(history, twin)
    assert (twin.hidden, twin.number) == (True, 3)
    fill(twin, 50, 60)
    assert len(history["loss"]) == 50
    assert len(twin["loss"]) == 60


@pytest.mark.parametrize("state", [{}, {"about": "{}", "arrays": {}}, {"about": 3, "arrays": []}])
def test_a_state_of_something_else_is_refused(state: Any) -> None:
    history = recorded(3)
    with pytest.raises(ValueError, match=says("load_state_dict", "state_dict", "else", "monitor")):
        history.load_state_dict(state)
    assert len(history["loss"]) == 3


def test_arrays_of_eight_bytes_begin_where_they_need_no_copy() -> None:
    for length in range(8):
        note = {"name": "x" * length}
        arrays = {"steps": np.arange(3), "values": np.ones(3)}
        file = io.BytesIO(b"".join(to_frame(note, arrays)))
        [(_, read)] = read_frames(file)
        assert all(array.flags.aligned for array in read.values())
        assert not any(array.flags.owndata for array in read.values())


def test_a_checkpoint_of_the_form_before_that_changes_later_changes_no_run() -> None:
    history = History("run")
    history.record(1, {"loss": 0.5})
    about, arrays = history.take(Mark())
    tensors = {name: torch.from_numpy(array.copy()) for name, array in arrays.items()}
    restored = History("again")
    restored.load_state_dict({"about": json.dumps(about), "arrays": tensors})
    for tensor in tensors.values():
        tensor.zero_()
    assert restored["loss"].values.tolist() == [0.5]
