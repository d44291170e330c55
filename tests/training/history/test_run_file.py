"""A run in a file: it comes back as it was, whatever happened in between."""

from __future__ import annotations

import copy
import io
import json
import os
import pickle
import random
import subprocess
import sys
import tracemalloc
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.inputs.error_messages import says
from tests.training.recording.recorded import check_same, fill, recorded
from torchdial.training import History
from torchdial.training.history import (
    autosave as files,
    layer_histograms as histograms_module,
    layer_matrix as matrix,
)
from torchdial.training.history.autosave import Autosave
from torchdial.training.history.run_file import MAGIC, to_frame
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


def test_appending_comes_to_the_same_as_saving(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With columns that merge, samples that are thinned and layers that come later."""
    monkeypatch.setattr(matrix, "FEWEST", 8)
    monkeypatch.setattr(matrix, "MOST", 16)
    monkeypatch.setattr(histograms_module, "MOST", 4)
    history = recorded(0)
    saver = Autosave(history, tmp_path / "run")
    dice = random.Random(0)
    step = 0
    while step < 300:
        new = dice.choice([0, 1, 2, 30])
        fill(history, step, step + new)
        step += new
        if dice.random() < 0.1:
            history.record_layers("grad_norm", [f"late{step}"], step, np.ones(1))
            history.config["changed"] = step
            history.record(step, {f"late{step}": 1.0})
        saver.save()
        check_same(history, History.load(tmp_path / "run"))


def test_autosaving_writes_new_points_only(tmp_path: Path) -> None:
    history = recorded(5_000)
    saver = Autosave(history, tmp_path / "run")
    saver.save()
    size = saver.path.stat().st_size
    for _ in range(20):
        history.record(1, {"loss": 0.5})
        saver.save()
    grown = saver.path.stat().st_size - size
    assert 20 * 24 < grown < 20 * 8_000
    assert grown < size / 10
    before = saver.path.stat().st_mtime_ns
    saver.save()
    assert saver.path.stat().st_mtime_ns == before


def test_autosaving_stays_below_twice_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "LEAST_APPENDED", 1_000)
    history = recorded(10)
    saver = Autosave(history, tmp_path / "run")
    for _ in range(300):
        history.record(1, {"loss": 0.5})
        saver.save()
    history.save(tmp_path / "whole")
    whole = (tmp_path / "whole").stat().st_size
    assert whole < saver.path.stat().st_size < 2 * whole + 6_000
    check_same(history, History.load(saver.path))


@pytest.mark.parametrize("what", ["removed", "cut", "another"])
def test_a_file_that_someone_changed_is_written_anew(what: str, tmp_path: Path) -> None:
    history = recorded(30)
    saver = Autosave(history, tmp_path / "run")
    saver.save()
    if what == "removed":
        saver.path.unlink()
    else:
        saver.path.write_bytes(saver.path.read_bytes()[:100] if what == "cut" else b"mine")
    saver.save()
    check_same(history, History.load(saver.path))


def test_a_checkpoint_loaded_in_between_is_saved_whole(tmp_path: Path) -> None:
    history, state = recorded(30), recorded(20).state_dict()
    saver = Autosave(history, tmp_path / "run")
    saver.save()
    history.load_state_dict(state)
    fill(history, 20, 25)
    saver.save()
    check_same(history, History.load(saver.path))
    fill(history, 25, 26)
    saver.save()
    check_same(history, History.load(saver.path))


def test_a_start_at_0_keeps_the_files_of_earlier_runs(tmp_path: Path) -> None:
    runs = [recorded(500), recorded(2), recorded(1)]
    for history in runs:
        saver = Autosave(history, tmp_path / "run.td")
        saver.save()
        history.record(999, {"lr": 0.5})
        saver.save()
    paths = [tmp_path / name for name in ("run.1.td", "run.2.td", "run.td")]
    assert sorted(tmp_path.iterdir()) == sorted(paths)
    for history, path in zip(runs, paths, strict=True):
        check_same(history, History.load(path))
    assert sum(len(History.load(path)["loss"]) for path in tmp_path.iterdir()) == 503


def test_a_full_disk_costs_nothing_but_that_save(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    history = recorded(30)
    saver = Autosave(history, tmp_path / "run")
    saver.save()
    history.record(30, {"loss": 0.5})
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError("disk full")))
        with pytest.raises(OSError, match="disk full"):
            saver.save()
    history.record(31, {"loss": 0.4})
    saver.save()
    check_same(history, History.load(saver.path))


KILLER = """
import os, random, signal, sys, time
from pathlib import Path
from tests.training.recording.recorded import fill, recorded
from torchdial.training.history import autosave as files
from torchdial.training.history.autosave import Autosave

files.LEAST_APPENDED = 20_000  # bytes, so that files are written anew often

def write(path, way, pipe):
    history = recorded(0)
    saver = Autosave(history, path)
    for step in range(0, 10**9, 7):
        fill(history, step, step + 7)
        saver.save() if way == "autosave" else history.save(path)
        os.write(pipe, b"%d\\n" % (step + 7))

dice = random.Random(0)
for path in map(Path, sys.argv[1:]):
    out, pipe = os.pipe()
    child = os.fork()
    if not child:
        write(path, path.name.split("-")[0], pipe)
    os.close(pipe)
    told = os.read(out, 1)  # the first save is done
    time.sleep(dice.uniform(0, 0.5))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    while more := os.read(out, 65536):
        told += more
    print(told.split(b"\\n")[-2].decode(), flush=True)
"""


@pytest.mark.parametrize("count", [2, pytest.param(8, marks=pytest.mark.wide)])
def test_a_process_killed_at_any_moment_leaves_the_last_whole_state(
    count: int, tmp_path: Path
) -> None:
    paths = [tmp_path / f"{way}-{k}" for k in range(count) for way in ("autosave", "save")]
    command = [sys.executable, "-c", KILLER, *map(str, paths)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    for path, told in zip(paths, map(int, done.stdout.split()), strict=True):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a last frame that was incomplete
            history = History.load(path)
        saved = len(history["loss"])
        assert saved in (told, told + 7)  # it may have died between writing and telling
        twin = recorded(saved)
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
    }


@pytest.mark.parametrize("case", crafted(Path("unused")))
def test_crafted_files_are_refused_run_nothing_and_take_little(case: str, tmp_path: Path) -> None:
    mark, path = tmp_path / "it ran", tmp_path / "run"
    content = crafted(mark)[case]
    path.write_bytes(content)
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=says("load", "History/1", "damaged", "Save it again")):
            History.load(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 10 * len(content) + 500_000
    assert not mark.exists()


def test_a_missing_file_is_no_damaged_one(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        History.load(tmp_path / "nothing")


def test_the_format_is_open(tmp_path: Path) -> None:
    """Read by hand, as the page of the format says: no code of ours."""
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
