"""A file that cannot be written: what was saved stays, and the run goes on with a note."""

from __future__ import annotations

import errno
import os
import re
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import torchdial as td
from tests.sweeps.test_npz_archive import curves_of
from tests.training.recording.recorded import check_same, fill, recorded
from torchdial.training.history.autosave import Autosave
from torchdial.training.recording import publisher_thread as publisher

Patch = pytest.MonkeyPatch


def raising(number: int) -> Callable[..., Any]:
    def fail(*_: Any, **__: Any) -> Any:
        raise OSError(number, os.strerror(number))

    return fail


def full(patch: Patch) -> None:
    """The disk takes what is written, as disks do, and finds out when it has to keep it."""
    patch.setattr(os, "fsync", raising(errno.ENOSPC))


def read_only(patch: Patch) -> None:
    is_open = Path.open

    def refuse(path: Path, mode: str = "r", *more: Any, **named: Any) -> Any:
        if mode[0] != "r":
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))
        return is_open(path, mode, *more, **named)

    patch.setattr(Path, "open", refuse)


def gone(patch: Patch) -> None:
    """The disk fails at the last moment, when the new file is to take the old one's place."""
    patch.setattr(Path, "replace", raising(errno.EIO))


DISKS = {
    "full": (full, "No space left on device"),
    "read-only": (read_only, "Read-only file system"),
    "broken at the end": (gone, "Input/output error"),
}
disks = pytest.mark.parametrize(("fault", "words"), DISKS.values(), ids=list(DISKS))


def says(path: Path, words: str) -> str:
    return (
        rf"path: expected a place to write to, got '{re.escape(str(path))}': {words}\. "
        r"Make room there or save elsewhere; files saved before are unchanged\."
    )


@contextmanager
def faulty(fault: Callable[[Patch], None]) -> Iterator[None]:
    with Patch.context() as patch:
        fault(patch)
        yield


@disks
@pytest.mark.parametrize("kind", ["history", "curves", "detections"])
def test_save_says_what_to_do_and_leaves_the_earlier_file(
    fault: Any, words: str, kind: str, tmp_path: Path
) -> None:
    first, second = things_to_save(kind)
    path = tmp_path / "saved"
    first.save(path)
    before = path.read_bytes()
    with faulty(fault), pytest.raises(OSError, match=says(path, words)) as caught:
        second.save(path)
    assert caught.value.errno in (errno.ENOSPC, errno.EROFS, errno.EIO)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["saved"]
    second.save(path)
    assert path.read_bytes() != before


def test_save_into_a_folder_that_is_missing_says_to_make_it(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "run.td"
    with pytest.raises(FileNotFoundError, match=r"Make its folder or save elsewhere"):
        recorded(3).save(path)
    path.parent.mkdir()
    recorded(3).save(path)


def things_to_save(kind: str) -> tuple[Any, Any]:
    if kind == "history":
        return recorded(3), recorded(50)
    if kind == "curves":
        return curves_of("binary"), curves_of("multiclass")
    sweeps = td.DetectionSweep(), td.DetectionSweep()
    boxes = torch.tensor([[0.0, 0.0, 9.0, 9.0]])
    target = {"boxes": boxes, "labels": torch.tensor([0])}
    for score, sweep in zip((0.5, 0.6), sweeps, strict=True):
        sweep.update([target | {"scores": torch.tensor([score])}], [target])
    return sweeps[0].compute(), sweeps[1].compute()


@pytest.mark.parametrize("path", ["", ".", "/"])
def test_a_folder_is_no_place(path: str, tmp_path: Path, monkeypatch: Patch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(IsADirectoryError, match="path: expected a place to write to"):
        recorded(3).save(path)


@disks
def test_the_first_autosave_leaves_the_file_of_the_earlier_run(
    fault: Any, words: str, tmp_path: Path
) -> None:
    path, earlier = tmp_path / "run", recorded(5)
    earlier.save(path)
    saver = Autosave(recorded(50), path)
    with faulty(fault), pytest.raises(OSError, match=words):
        saver.save()
    check_same(earlier, td.History.load(path))
    saver.save()
    check_same(saver.history, td.History.load(path))
    check_same(earlier, td.History.load(path.with_name("run.1")))


def trained(monitored: Callable[[Any, Any], Any] | None) -> tuple[Any, Any]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5), nn.Linear(4, 1))
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    monitor = None if monitored is None else monitored(model, optimizer)
    for step in range(60):
        loss = model(torch.randn(8, 4)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if monitor is not None:
            monitor.log(loss=loss)
            if step % 10 == 0:
                monitor.flush()
    return torch.cat([p.detach().flatten() for p in model.parameters()]), monitor


@pytest.mark.parametrize("fault", ["full", "read-only"])
def test_under_autosave_training_goes_on_with_a_note(fault: str, tmp_path: Path) -> None:
    path = tmp_path / "run"
    recorded(5).save(path)
    bare, _ = trained(None)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with faulty(DISKS[fault][0]):
            watched, monitor = trained(lambda m, o: td.TrainingMonitor(m, o, autosave=path))
            monitor.flush()
            notes = list(monitor.notes)
    assert torch.equal(bare, watched)
    assert len(monitor.history["loss"]) == 60
    assert len(td.History.load(path)["loss"]) == 5  # the earlier run's
    expected = (
        f"Autosave: .*{says(path, DISKS[fault][1])} The run goes on, and saving is tried again."
    )
    assert [note for note in notes if re.fullmatch(expected, note)]
    assert [str(w.message) for w in caught if "Autosave" in str(w.message)] == [
        f"torchdial: {next(note for note in notes if 'Autosave' in note)}"
    ]
    assert monitor.problem == ""
    monitor.close()  # there is room again
    assert not [note for note in monitor.notes if "Autosave" in note]
    check_same(monitor.history, td.History.load(path))


LIMITED = """
import resource, sys
from tests.training.recording.recorded import fill, recorded
from torchdial.training.history.autosave import Autosave

MOST = resource.RLIM_INFINITY

def write(path, size, recovers):
    history = recorded(5)
    saver = Autosave(history, path)
    saver.save()
    history.save(path + ".whole")
    fill(history, 5, 2000)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, MOST))
    for save in (saver.save, saver.save, lambda: history.save(path + ".whole")):
        try:
            save()
        except OSError as error:
            said = str(error)
            resource.setrlimit(resource.RLIMIT_FSIZE, (MOST, MOST))
            print(said, flush=True)
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, MOST))
    resource.setrlimit(resource.RLIMIT_FSIZE, (MOST, MOST))
    if recovers:
        saver.save()

for size in (5_000, 20_000, 60_000):
    for recovers in (False, True):
        write(f"{sys.argv[1]}/{size}-{recovers}", size, recovers)
"""


def test_a_write_that_the_system_cuts_in_the_middle(tmp_path: Path) -> None:
    """A real one: some bytes of the frame are in the file, and then there is no more room."""
    command = [sys.executable, "-c", LIMITED, str(tmp_path)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    assert done.stdout.count("File too large. Make room there or save elsewhere") == 6 * 3
    for path in [p for p in tmp_path.iterdir() if p.suffix != ".whole"]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the frame that was cut off
            loaded = td.History.load(path)
            whole = td.History.load(f"{path}.whole")
        assert len(whole["loss"]) == 5
        twin = recorded(5)
        if path.name.endswith("True"):
            fill(twin, 5, 2000)
        twin.started = loaded.started
        check_same(twin, loaded)


def test_saving_is_tried_again_while_the_run_goes_on(tmp_path: Path, monkeypatch: Patch) -> None:
    """Without a close or a flush: the publishing thread does it by itself."""
    monkeypatch.setattr(publisher, "SAVING", 0.05)
    fails = [True] * 3
    is_synced = os.fsync

    def sync(descriptor: int) -> None:
        if fails and fails.pop():
            raise OSError(errno.ENOSPC, "No space left on device")
        is_synced(descriptor)

    monkeypatch.setattr(os, "fsync", sync)
    with pytest.warns(UserWarning, match="No space left on device"):
        _, monitor = trained(lambda m, o: td.TrainingMonitor(m, o, autosave=tmp_path / "run"))
    monitor.close()
    assert fails == []
    check_same(monitor.history, td.History.load(tmp_path / "run"))
