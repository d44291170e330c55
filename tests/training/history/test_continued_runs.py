"""Runs that begin anew, go on or go back: nothing that was recorded is lost."""

from __future__ import annotations

import signal
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.training.recording.recorded import check_same, fill, recorded
from torchdial.training import History
from torchdial.training.history.autosave import Autosave
from torchdial.training.monitor import TrainingMonitor


def continued(state: dict[str, Any], step: int) -> History:
    history = History("again", {"resumed": True})
    history.load_state_dict(state)
    history.start_step = step
    return history


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


def test_what_lay_after_a_checkpoint_becomes_a_branch_in_the_file(tmp_path: Path) -> None:
    path, first = tmp_path / "run.td", recorded(41)
    state = first.state_dict()
    saver = Autosave(first, path)
    saver.save()
    fill(first, 41, 60)
    saver.save()
    for n in (1, 2):  # two processes that continue from the same checkpoint
        history = continued(state, 40)
        history.record(41, {"loss": -n})
        saver = Autosave(history, path)
        saver.save()
        fill(history, 42, 50)
        saver.save()
    assert [p.name for p in tmp_path.iterdir()] == ["run.td"]
    loaded = History.load(path)
    assert loaded.id == first.id
    assert loaded["loss"].steps.tolist() == [*range(50)]
    one, two = loaded.branches
    assert (one.name, one.start_step) == ("run 7, branch 1", 40)
    assert (two.name, two.start_step) == ("run 7, branch 2", 40)
    assert one["loss"].steps.tolist() == [*range(41, 60)]
    assert one["val/loss"].steps.tolist() == [50]
    assert one.layers["grad_norm"].steps.tolist() == [*range(41, 60)]
    assert one.histograms is not None
    assert one.histograms.steps.tolist() == [50]
    assert [event.step for event in one.events] == [50]
    assert two["loss"].steps.tolist() == [*range(41, 50)]
    values = first["loss"].values
    assert one["loss"].values.tolist() == values[41:].tolist()


def test_a_point_at_the_checkpoints_step_that_came_after_it_is_kept(tmp_path: Path) -> None:
    first = recorded(5)
    state = first.state_dict()
    first.record(4, {"val/loss": 0.25})
    Autosave(first, tmp_path / "run").save()
    history = continued(state, 4)
    Autosave(history, tmp_path / "run").save()
    (branch,) = History.load(tmp_path / "run").branches
    assert branch.names == ["val/loss"]
    assert branch["val/loss"].last == (4, 0.25)


def test_going_on_from_a_checkpoint_of_a_branch_loses_nothing(tmp_path: Path) -> None:
    path, first = tmp_path / "run", recorded(30)
    at_30, at_20 = first.state_dict(), recorded(20).state_dict()
    at_20 |= {"id": first.id}
    history = continued(first.state_dict(), 29)
    fill(history, 30, 36)
    at_36 = history.state_dict()
    saver = Autosave(history, path)
    saver.save()
    back = continued(at_30, 29)
    for step in range(30, 34):
        back.record(step, {"loss": -float(step)}, time=step / 8)
        back.record_layers("grad_norm", ["head.weight"], step, [0.5])
    Autosave(back, path).save()
    forth = continued(at_36, 35)
    Autosave(forth, path).save()
    loaded = History.load(path)
    assert loaded["loss"].values[30:].tolist() == [1 / (1 + step) for step in range(30, 36)]
    last = loaded.branches[-1]
    assert last["loss"].values.tolist() == [-30.0, -31.0, -32.0, -33.0]
    assert last.layers["grad_norm"].steps.tolist()[-4:] == [30, 31, 32, 33]


def test_going_back_within_a_process_keeps_what_was_there(tmp_path: Path) -> None:
    history = recorded(20)
    saver = Autosave(history, tmp_path / "run")
    state = history.state_dict()
    fill(history, 20, 30)
    saver.save()
    history.load_state_dict(state)
    (branch,) = history.branches
    assert branch["loss"].steps.tolist() == [*range(20, 30)]
    fill(history, 20, 22)
    saver.save()
    check_same(history, History.load(tmp_path / "run"))
    assert History.load(tmp_path / "run").branches[0]["loss"].steps.tolist() == [*range(20, 30)]
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


@pytest.mark.parametrize("what", ["another run", "a start at 0", "damaged"])
def test_only_a_start_above_0_with_the_files_id_continues_it(what: str, tmp_path: Path) -> None:
    path, first = tmp_path / "run.td", recorded(20)
    first.save(path)
    history = continued((recorded(20) if what == "another run" else first).state_dict(), 19)
    if what == "a start at 0":
        history.start_step = 0
    elif what == "damaged":
        path.write_bytes(path.read_bytes()[:-5] + bytes(5))
    before = path.read_bytes()
    Autosave(history, path).save()
    assert (tmp_path / "run.1.td").read_bytes() == before
    assert History.load(path).branches == []
    check_same(history, History.load(path))


def test_nothing_recorded_yet_takes_no_file_from_another_run(tmp_path: Path) -> None:
    recorded(20).save(tmp_path / "run")
    history = History("new")
    saver = Autosave(history, tmp_path / "run")
    saver.save()
    assert [p.name for p in tmp_path.iterdir()] == ["run"]
    history.record(1, {"loss": 0.5})
    saver.save()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["run", "run.1"]


@pytest.mark.parametrize("resumed", [False, True])
def test_two_processes_with_one_path_each_keep_their_record(resumed: bool, tmp_path: Path) -> None:
    state = recorded(20).state_dict()
    one, two = (continued(state, 19) if resumed else recorded(20) for _ in range(2))
    savers = [Autosave(history, tmp_path / "run.td") for history in (one, two)]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for round in range(5):
            for k, (history, saver) in enumerate(zip((one, two), savers, strict=True)):
                history.record(20 + round, {"loss": float(k)})
                saver.save()
    assert len({saver.path for saver in savers}) == 2
    for history, saver in zip((one, two), savers, strict=True):
        check_same(history, History.load(saver.path))
    assert [str(w.message) for w in caught if "a path of its own" in str(w.message)]
    assert len(caught) == 1
    assert len(list(tmp_path.iterdir())) <= 3


def test_numbers_are_not_used_again(tmp_path: Path) -> None:
    for _ in range(3):
        Autosave(recorded(3), tmp_path / "run").save()
    (tmp_path / "run.1").unlink()
    Autosave(recorded(3), tmp_path / "run").save()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["run", "run.2", "run.3"]


@pytest.mark.parametrize(
    ("name", "rank", "saved"),
    [("run.td", "0", "run.td"), ("run.td", "1", None), ("run.{rank}.td", "1", "run.1.td")],
)
def test_a_monitor_saves_from_the_process_it_should(
    name: str, rank: str, saved: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RANK", rank)
    with TrainingMonitor(torch.nn.Linear(1, 1), autosave=tmp_path / name) as monitor:
        monitor.log(loss=0.5)
    assert [p.name for p in tmp_path.iterdir()] == ([] if saved is None else [saved])


TRAINING = """
import os, signal, sys
import torch
import torchdial as td

folder, resumes, steps = sys.argv[1], sys.argv[2] == "resumes", int(sys.argv[3])
model = torch.nn.Linear(1, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
monitor = td.TrainingMonitor(model, optimizer, autosave=f"{folder}/run.td")
if resumes:
    monitor.load_state_dict(torch.load(f"{folder}/checkpoint.pt", weights_only=True))
for _ in range(steps):
    loss = model(torch.ones(1, 1)).square().sum()
    loss.backward()
    optimizer.step()
    monitor.log(loss=os.getpid())
    if monitor.step == 40 and not resumes:
        torch.save(monitor.state_dict(), f"{folder}/checkpoint.pt")
monitor.flush()
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_killed_resumed_twice_and_started_anew_no_step_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "run.td"

    def train(how: str, steps: int) -> History:
        command = [sys.executable, "-c", TRAINING, str(tmp_path), how, str(steps)]
        child = subprocess.run(command, check=False, stderr=subprocess.PIPE, text=True)
        assert child.returncode == -signal.SIGKILL, child.stderr
        return History.load(path)

    first = train("starts", 60)
    assert first["loss"].steps.tolist() == [*range(1, 61)]
    for n in (1, 2):
        loaded = train("resumes", 10 * n)
        assert loaded.id == first.id
        assert loaded["loss"].steps.tolist() == [*range(1, 41 + 10 * n)]
        assert len(loaded.branches) == n
    assert loaded.branches[0]["loss"].steps.tolist() == [*range(41, 61)]
    assert loaded.branches[1]["loss"].steps.tolist() == [*range(41, 51)]
    assert set(loaded.branches[0]["loss"].values) == set(first["loss"].values)
    latest = train("starts", 3)
    assert latest["loss"].steps.tolist() == [1, 2, 3]
    kept = History.load(tmp_path / "run.1.td")
    assert [len(one["loss"]) for one in (kept, *kept.branches)] == [60, 20, 10]
