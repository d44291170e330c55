"""Runs of all formats in files, folders and elsewhere: found, named, listed, or refused."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest
from torch import nn
from torch.utils.tensorboard import SummaryWriter

import torchdial as td
import torchdial.training.readers.find_runs as find_runs
import torchdial.training.readers.run_reader as run_reader
import torchdial.training.runs as runs_module
from torchdial.training import History
from torchdial.training.runs import forget_runs


@pytest.fixture(autouse=True)
def none_before() -> Iterator[None]:
    kept = runs_module._runs[:]
    forget_runs()
    yield
    runs_module._runs[:] = kept


def saved_run(path: Path, name: str = "run 1") -> None:
    history = History(name, {"lr": 0.1})
    for step in range(5):
        history.record(step, {"loss": 1 / (1 + step)})
    path.parent.mkdir(parents=True, exist_ok=True)
    history.save(path)


def table(path: Path, text: str = "epoch,step,loss\n0,1,0.5\n0,2,0.25\n") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def events(folder: Path) -> None:
    with SummaryWriter(folder) as writer:
        writer.add_scalar("loss", 0.5, 1)


def state(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"log_history": [{"loss": 0.5, "step": 1}]}))


def everything(folder: Path) -> None:
    saved_run(folder / "mine.td", "warm")
    saved_run(folder / "sub" / "a.td")
    saved_run(folder / "sub" / "b.td")
    table(folder / "lightning_logs" / "version_10" / "metrics.csv")
    table(folder / "lightning_logs" / "version_2" / "metrics.csv")
    table(folder / "yolo" / "results.csv", "epoch,time,train/box_loss\n1,2.5,0.5\n")
    table(folder / "sub" / "own.csv", "step;loss\n1;0.5\n")
    events(folder / "tb" / "one")
    events(folder / "tb" / "two")
    state(folder / "hf" / "checkpoint-500" / "trainer_state.json")
    state(folder / "hf" / "checkpoint-1000" / "trainer_state.json")
    # None of these is a run.
    table(folder / "data.csv", "x,y\n1,2\n")
    (folder / "config.json").write_text("{}")
    (folder / "weights.pt").write_bytes(b"PK\3\4")
    saved_run(folder / ".hidden" / "old.td")


NAMES = [
    "warm",
    "hf",
    "lightning_logs/version_2",
    "lightning_logs/version_10",
    "run 1 (sub/a)",
    "run 1 (sub/b)",
    "sub/own",
    "tb/one",
    "tb/two",
    "yolo",
]


def test_everything_in_a_folder_is_found_named_and_shown(tmp_path: Path) -> None:
    everything(tmp_path)
    found = td.read_runs(tmp_path)
    assert [history.name for history in found] == NAMES
    assert {history.name for history in td.runs()} == set(NAMES)
    rows = {row["run"]: row for row in td.compare_runs(found)}
    assert rows["warm"]["config/lr"] == 0.1
    assert rows["warm"]["best loss"] == pytest.approx(0.2)
    assert rows["sub/own"]["loss"] == 0.5
    assert rows["yolo"]["train/box_loss"] == 0.5
    for history in found:
        assert history.to_pandas().notna().any(axis=None)
    plot = td.LossPlot(found)
    assert [run["name"] for run in plot._feed.opening()["frame"]["runs"]] == NAMES
    plot.to_matplotlib()
    plot.close()


@pytest.mark.parametrize("as_type", [str, Path])
def test_several_paths(as_type: Any, tmp_path: Path) -> None:
    saved_run(tmp_path / "a")  # without an ending, known by its first bytes
    table(tmp_path / "log.txt")
    table(tmp_path / "version_3" / "metrics.csv")
    paths = [as_type(tmp_path / name) for name in ("a", "log.txt", "version_3/metrics.csv")]
    assert [history.name for history in td.read_runs(paths)] == ["run 1", "log", "version_3"]


def test_a_run_that_is_read_again_is_listed_once(tmp_path: Path) -> None:
    everything(tmp_path)
    td.read_runs(tmp_path)
    table(tmp_path / "sub" / "own.csv", "step;loss\n1;0.5\n2;0.1\n")
    again = td.read_runs(tmp_path)
    assert len(td.runs()) == len(again) == len(NAMES)
    assert all(any(run is history for run in td.runs()) for history in again)


def test_runs_that_were_read_are_earlier_runs_of_a_new_one(tmp_path: Path) -> None:
    everything(tmp_path)
    monitor = td.TrainingMonitor(nn.Linear(1, 1))
    td.read_runs(tmp_path)  # what began before it comes before it
    plot = td.LossPlot(monitor)
    runs = plot._feed.opening()["frame"]["runs"]
    assert [run["earlier"] for run in runs] == [True] * len(NAMES) + [False]
    plot.close()
    monitor.close()


def test_what_is_wrong_with_a_run_is_in_its_events(tmp_path: Path) -> None:
    rows = "".join(f"{step},{0.5 if step < 40 else 'nan'}\n" for step in range(1, 61))
    table(tmp_path / "run.csv", f"step,loss\n{rows}")
    (history,) = td.read_runs(tmp_path / "run.csv")
    assert [(event.step, event.kind) for event in history.events] == [(40, "nonfinite_loss")]


# Elsewhere


def test_files_by_url(tmp_path: Path) -> None:
    everything(tmp_path / "runs")
    memory = fsspec.filesystem("memory")
    memory.put(str(tmp_path / "runs"), "/runs", recursive=True)
    try:
        names = {history.name for history in td.read_runs("memory://runs")}
        assert names == set(NAMES)
        td.read_runs("memory://runs")
        assert len(td.runs()) == len(NAMES)
        (one,) = td.read_runs("memory://runs/yolo/results.csv")
        assert one["train/box_loss"].last == (1, 0.5)
        with pytest.raises(FileNotFoundError):
            td.read_runs("memory://runs/none.td")
    finally:
        memory.rm("/runs", recursive=True)


def test_a_server_cannot_write_outside_of_the_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = type(fsspec.filesystem("memory"))
    monkeypatch.setattr(memory, "isdir", lambda *_: True)
    monkeypatch.setattr(memory, "find", lambda *_: ["/runs/../../../evil.td"])
    with pytest.raises(ValueError, match="names of files below this folder"):
        td.read_runs("memory://runs")


@pytest.mark.parametrize("most", [100, 1000])
def test_a_server_that_gives_no_size_is_counted_while_it_is_copied(
    most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = fsspec.filesystem("memory")
    memory.pipe("/run.csv", b"step,loss\n" + b"".join(b"%d,0.5\n" % i for i in range(100)))
    monkeypatch.setattr(type(memory), "size", lambda *_: None)
    monkeypatch.setattr(run_reader.refuse_size, "__defaults__", (most,))
    try:
        if most == 1000:
            (run,) = td.read_runs("memory://run.csv")
            assert len(run["loss"]) == 100
        else:
            with pytest.raises(ValueError, match="a file of a run, of at most"):
                td.read_runs("memory://run.csv")
    finally:
        memory.rm("/run.csv")


# Refused

PACKAGES = {
    "pandas": ("pandas", "run.csv", table),
    "tensorboard": ("tensorboard.backend.event_processing.event_file_loader", "tb", events),
    "fsspec": ("fsspec", "memory://run.td", None),
}


@pytest.mark.parametrize("package", PACKAGES)
def test_a_missing_package_is_named(
    package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, name, write = PACKAGES[package]
    if write is not None:
        write(tmp_path / name)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=f"Install it: pip install {package}$"):
        td.read_runs(name if write is None else tmp_path / name)


def test_what_cannot_be_read_in_a_folder_is_left_out_with_a_warning(tmp_path: Path) -> None:
    everything(tmp_path)
    (tmp_path / "bad.td").write_bytes(b"mine")
    table(tmp_path / "bad.csv", "step,loss\nx,1\n")
    with pytest.warns(UserWarning, match="not read") as caught:
        assert len(td.read_runs(tmp_path)) == len(NAMES)
    assert sorted("bad.td" in str(w.message) for w in caught) == [False, True]
    (tmp_path / "alone").mkdir()
    (tmp_path / "alone" / "bad.td").write_bytes(b"mine")
    with pytest.raises(ValueError, match=r"bad\.td': expected a run saved as"):
        td.read_runs(tmp_path / "alone")


def test_the_end_that_is_left_out_is_said(tmp_path: Path) -> None:
    saved_run(tmp_path / "a.td")
    whole = (tmp_path / "a.td").read_bytes()
    (tmp_path / "a.td").write_bytes(whole + whole[:40])
    table(tmp_path / "b.csv", "step,loss\n1,0.5\n2,0.")
    with pytest.warns(UserWarning, match="no whole row") as caught:
        td.read_runs(tmp_path)
    assert [str(w.message).split("the last ")[1][:8] for w in caught] == ["40 bytes", "4 bytes "]


REFUSED: dict[str, tuple[str, str]] = {
    "a picture": ("cat.png", "expected a run of torchdial, an event file .* column of steps, got"),
    "other JSON": ("config.json", "expected a state of the Trainer"),
    "a table without steps": ("data.csv", 'first line names its columns, one of them "step"'),
    "a folder without runs": ("empty", 'expected a folder in which there is .*ending ".td"'),
}


@pytest.mark.parametrize(("name", "words"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_run(name: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "cat.png").write_bytes(b"\x89PNG\r\n\x1a\n" * 9)
    (tmp_path / "config.json").write_text("{}")
    table(tmp_path / "data.csv", "x,y\n1,2\n")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=f"(?s){words}"):
        td.read_runs(tmp_path / name)


def test_an_empty_path_is_not_the_current_folder() -> None:
    with pytest.raises(ValueError, match="path: expected a path, or a list of paths, got str ''"):
        td.read_runs("")


def test_a_path_at_which_there_is_nothing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="expected an existing file or folder"):
        td.read_runs(tmp_path / "none.td")


@pytest.mark.parametrize("name", ["run.td", "run.csv", "trainer_state.json"])
def test_files_of_unreasonable_size_are_refused(name: str, tmp_path: Path) -> None:
    """Before a byte is read: they are sparse, and take no place on the disk."""
    with (tmp_path / name).open("wb") as file:
        file.write(b"step,loss\n1,2\n")
        file.truncate(run_reader.MOST_BYTES + 1)
    path = tmp_path if name == "run.td" else tmp_path / name
    with pytest.raises(ValueError, match=r"of at most .* GB, got 4\.29 GB\. Write every tenth"):
        td.read_runs(path)


def test_a_folder_of_too_many_files_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(find_runs, "MOST_FILES", 5)
    everything(tmp_path)
    with pytest.raises(ValueError, match=r"at most 5 files, got one with more\. Pass"):
        td.read_runs(tmp_path)
