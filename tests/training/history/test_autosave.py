"""Autosave: the file follows the run, and nothing that was recorded is lost."""

from __future__ import annotations

import os
import random
import stat
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

from tests.training.recording.recorded import check_same, fill, recorded
from torchdial.training import History
from torchdial.training.history import (
    autosave as files,
    layer_histograms as histograms_module,
    layer_matrix as matrix,
)
from torchdial.training.history.autosave import Autosave
from torchdial.training.history.run_file import read_frames


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
    received = os.read(out, 1)  # the first save is done
    time.sleep(dice.uniform(0, 0.5))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    while more := os.read(out, 65536):
        received += more
    print(received.split(b"\\n")[-2].decode(), flush=True)
"""


@pytest.mark.parametrize("count", [2, pytest.param(8, marks=pytest.mark.wide)])
def test_a_process_killed_at_any_moment_leaves_the_last_whole_state(
    count: int, tmp_path: Path
) -> None:
    paths = [tmp_path / f"{way}-{k}" for k in range(count) for way in ("autosave", "save")]
    command = [sys.executable, "-c", KILLER, *map(str, paths)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    for path, printed in zip(paths, map(int, done.stdout.split()), strict=True):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a last frame that was incomplete
            history = History.load(path)
        saved = len(history["loss"])
        assert saved in (
            printed,
            printed + 7,
        )  # killed before it printed
        twin = recorded(saved)
        twin.started = history.started
        check_same(history, twin)


OPERATIONS = """
import os, signal, sys, warnings
from pathlib import Path
from tests.training.recording.recorded import fill, recorded
from torchdial.training import History
from torchdial.training.history import autosave as files
from torchdial.training.history.autosave import Autosave

case = sys.argv[2]

def link(*_):
    raise PermissionError("no hard links")

def save(path, left):
    if case == "first, without hard links":
        os.link = link
    history = recorded(0)
    if case == "continued":
        history.load_state_dict(History.load(path).state_dict())
        history.start_step = 19
    fill(history, 40, 43)
    saver = Autosave(history, path)
    if case.startswith("later"):
        saver.save()
        files.LEAST_APPENDED = saver._rewritten = 0 if case == "later, rewritten" else 2**20
        fill(history, 43, 46)

    def count(event, args):
        nonlocal left
        changes = ("open", "os.rename", "os.link", "os.remove")
        if event == "fsync" or (event in changes and str(path.parent) in str(args)):
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)

    def fsync(descriptor, fsync=os.fsync):
        count("fsync", ())
        fsync(descriptor)
        count("fsync", ())

    os.fsync = fsync
    sys.addaudithook(count)
    saver.save()
    os._exit(0)

for k in range(40):
    path = Path(sys.argv[1], str(k), "run.td")
    path.parent.mkdir()
    recorded(20).save(path)
    child = os.fork()
    if not child:
        save(path, k)
    _, status = os.waitpid(child, 0)
    if not status:
        break
    assert os.WTERMSIG(status) == signal.SIGKILL
"""


@pytest.mark.parametrize(
    ("case", "operations"),
    [
        ("first", 9),
        pytest.param("first, without hard links", 14, marks=pytest.mark.wide),
        ("continued", 7),
        ("later, appended", 3),
        pytest.param("later, rewritten", 6, marks=pytest.mark.wide),
    ],
)
def test_killed_between_any_two_file_operations_the_record_loads_by_its_name(
    case: str, operations: int, tmp_path: Path
) -> None:
    """Each time there is an earlier run in the file; SIGKILL comes before operation k."""
    command = [sys.executable, "-c", OPERATIONS, str(tmp_path), case]
    subprocess.run(command, check=True)
    old, new, newer = [*range(20)], [40, 41, 42], [43, 44, 45]
    expected = {"first": [old, new], "continued": [old, old + new], "later": [new, new + newer]}
    folders = list(tmp_path.iterdir())
    assert len(folders) > operations  # so many places at which it was killed, and the last save
    for folder in folders:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of an incomplete save
            found = {p.name: History.load(p)["loss"].steps.tolist() for p in folder.glob("*.td")}
        assert found["run.td"] in expected[case.split(",")[0]]
        assert any(steps[:20] == old for steps in found.values())


def test_a_folder_is_synced_after_its_names_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded(3).save(tmp_path / "run.td")
    order, fsync, replace, link = [], os.fsync, Path.replace, os.link

    def synced(descriptor: int) -> None:
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        order.append("folder" if is_folder else "file")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", lambda *a: order.append("replace") or replace(*a))
    monkeypatch.setattr(os, "link", lambda *a: order.append("link") or link(*a))
    Autosave(recorded(5), tmp_path / "run.td").save()
    assert order == ["link", "folder", "file", "replace", "folder"]


READER = """
import sys, warnings
from tests.training.recording.recorded import check_same, recorded
from torchdial.training import History

warnings.simplefilter("ignore")  # of an incomplete save
seen = []
print("reading", flush=True)
while not seen or seen[-1] < 700:
    history = History.load(sys.argv[1])
    count = len(history["loss"])
    twin = recorded(count)
    twin.started = history.started
    check_same(twin, history)
    assert not seen or count >= seen[-1]
    seen.append(count)
print(len(set(seen)))
"""


def test_another_process_reads_whole_saves_while_the_file_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "LEAST_APPENDED", 50_000)  # so that it is rewritten, too
    history, path = recorded(7), tmp_path / "run.td"
    saver = Autosave(history, path)
    saver.save()
    command = [sys.executable, "-c", READER, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "reading\n"
        for step in range(7, 700):
            fill(history, step, step + 1)
            saver.save()
        different = reader.stdout.read()
    assert reader.returncode == 0
    assert int(different) > 5


def test_bytes_that_arrive_while_the_file_is_read_are_no_damage(tmp_path: Path) -> None:
    """The size was taken in the middle of a save, and the next save is there before the end."""
    path, history = tmp_path / "run", recorded(3)
    saver = Autosave(history, path)
    saver.save()
    first = path.stat().st_size
    for step in (3, 4):
        fill(history, step, step + 1)
        saver.save()
    whole = path.read_bytes()

    class Growing:
        """A file that seems to end in the middle of a frame until it is read."""

        def __init__(self) -> None:
            self.file = path.open("rb")

        def seek(self, place: int, whence: int = 0) -> int:
            return first + 30 if whence else self.file.seek(place)

        def __getattr__(self, name: str) -> object:
            return getattr(self.file, name)

    with pytest.warns(UserWarning, match="30 bytes are an incomplete save"):
        frames = list(read_frames(Growing(), name="run"))
    assert len(frames) == 1
    assert len(whole) > first + 30
