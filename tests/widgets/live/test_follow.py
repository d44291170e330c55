"""A panel over files that other processes write."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import torchdial as td
from tests.training.recording.recorded import check_same, fill, recorded
from torchdial.training import History
from torchdial.training.history.autosave import Autosave
from torchdial.widgets.live.follow import FollowPanel


@pytest.fixture
def panels() -> Iterator[Callable[..., FollowPanel]]:
    """Make panels whose messages are kept in `sent`, and close them after the test."""
    made: list[FollowPanel] = []

    def make(path: Any) -> FollowPanel:
        panel = td.follow(path)
        panel.sent = []
        panel._send_message = lambda content, _: panel.sent.append(content)
        panel._feed._send = panel._send_message
        made.append(panel)
        return panel

    yield make
    for panel in made:
        panel.close()


def wait_until(check: Callable[[], bool], seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.02)


def opening(panel: FollowPanel) -> dict[str, Any]:
    return panel.get_state()["_opening"]["frame"]


def test_a_page_opens_with_what_is_there_and_gets_what_comes(panels: Any, tmp_path: Path) -> None:
    history, path = recorded(50), tmp_path / "run.td"
    saver = Autosave(history, path)
    saver.save()
    panel = panels(path)
    frame = opening(panel)
    (run,) = frame["runs"]
    assert (run["name"], run["earlier"]) == ("run 7", False)
    assert {s["name"]: s["total"] for s in run["scalars"]} == {"loss": 50, "lr": 50, "val/loss": 5}
    assert {layers["name"] for layers in frame["layers"]} == {"grad_norm", "update_ratio"}
    assert len(frame["events"]["items"]) == 5
    status = frame["status"]
    assert (status["state"], status["step"]) == ("followed", 49)
    assert status["silence"] < 20 < status["patience"]
    panel._feed.want_keyframe()  # as a page does
    fill(history, 50, 60)
    saver.save()
    wait_until(lambda: len(panel.sent) == 2)
    delta = panel.sent[1]
    assert delta["type"] == "delta"
    firsts = {s["name"]: (s["first"], s["total"]) for s in delta["frame"]["runs"][0]["scalars"]}
    assert firsts["loss"] == (50, 60)
    assert delta["frame"]["status"]["silence"] < 2
    check_same(history, panel.histories[0])


def test_the_end_of_a_run_is_shown(panels: Any, tmp_path: Path) -> None:
    history = recorded(12)
    saver = Autosave(history, tmp_path / "run.td")
    saver.save()
    panel = panels(tmp_path / "run.td")
    panel._display_id = "shown"
    pictures: list[bool] = []
    panel._publish = lambda *, update: pictures.append(update)
    for error, expected in (
        ("RuntimeError: out of memory", ("failed", "RuntimeError: out of memory")),
        (None, ("followed", "")),
        ("", ("finished", "")),
    ):
        history.ended = error
        saver.save()
        wait_until(lambda state=expected[0]: opening(panel)["status"]["state"] == state)
        assert opening(panel)["status"]["reason"] == expected[1]
        wait_until(lambda state=expected[0]: panel.sent[-1]["frame"]["status"]["state"] == state)
    wait_until(lambda: len(pictures) == 2)  # in the notebook, as often as the run has ended
    assert all(pictures)


def test_a_folder_that_is_not_there_yet_and_two_runs_in_it(panels: Any, tmp_path: Path) -> None:
    panel = panels(str(tmp_path / "runs"))
    status = opening(panel)["status"]
    assert status["notes"] == [f"Waiting for {tmp_path / 'runs'}"]
    assert status["silence"] is None
    panel.to_matplotlib()
    (tmp_path / "runs").mkdir()
    for number in (1, 2):
        history = History(f"run {number}")
        history.record(1, {"loss": 0.5})
        history.save(tmp_path / "runs" / f"{number}.td")
        wait_until(lambda count=number: len(panel.histories) == count)
        names = [f"run {k + 1}" for k in range(number)]
        wait_until(
            lambda names=names: (
                panel.sent[-1:] != []
                and panel.sent[-1]["type"] == "keyframe"
                and [run["name"] for run in panel.sent[-1]["frame"]["runs"]] == names
            )
        )
    assert opening(panel)["status"]["notes"] == []


def test_runs_keep_their_ids_when_others_come_before_them(panels: Any, tmp_path: Path) -> None:
    def save(file: str, name: str, started: float) -> History:
        history = History(name)
        history.started = started
        history.record(1, {"loss": started})
        history.save(tmp_path / file)
        return history

    save("b.td", "second", 2e9)
    panel = panels(tmp_path)
    (second,) = opening(panel)["runs"]
    save("a.td", "first", 1e9)
    wait_until(lambda: len(opening(panel)["runs"]) == 2)
    first, again = opening(panel)["runs"]
    assert (first["name"], again["name"]) == ("first", "second")
    assert again["id"] == second["id"] != first["id"]
    question = {"along": "step", "buckets": 9, "series": []}
    for run, value in ((first, 1e9), (second, 2e9)):
        question["series"] = [{"run": run["id"], "name": "loss", "window": [0, 9]}]
        answered: list[Any] = []
        panel._answer = lambda *args, answered=answered: answered.append(args)
        panel._send_detail(question)
        (packed,) = (args[2] for args in answered)
        assert value in np.frombuffer(
            packed.data, "<f8", 1, packed.head["scalars"][0]["value"]["at"]
        )
    save("b.td", "another", 3e9)  # in the place of the second: a run of its own
    wait_until(lambda: opening(panel)["runs"][-1]["name"] == "another")
    assert opening(panel)["runs"][-1]["id"] not in (first["id"], second["id"])


def test_files_of_other_tools(panels: Any, tmp_path: Path) -> None:
    path = tmp_path / "results.csv"
    path.write_text("epoch,train/box_loss\n1,0.5\n")
    panel = panels([path])
    with path.open("a") as file:
        file.write("2,0.25\n3,0.1")
    wait_until(lambda: len(panel.histories[0]["train/box_loss"]) == 2)
    assert opening(panel)["status"]["step"] == 2


def test_a_closed_panel_follows_no_more(panels: Any, tmp_path: Path) -> None:
    history = recorded(3)
    saver = Autosave(history, tmp_path / "run.td")
    saver.save()
    panel = panels(tmp_path / "run.td")
    panel.close()
    panel.close()
    fill(history, 3, 6)
    saver.save()
    time.sleep(1.2)
    assert len(panel.histories[0]["loss"]) == 3
    assert panel.sent == []


def test_a_saved_page_says_how_far_the_run_was(tmp_path: Path, panels: Any) -> None:
    recorded(3).save(tmp_path / "run.td")
    panel = panels(tmp_path / "run.td")
    panel.save_html(tmp_path / "run.html")
    assert panel._saved().state["_opening"]["frame"]["status"]["state"] == "saved"
    assert (tmp_path / "run.html").stat().st_size > 100_000


@pytest.mark.parametrize("path", ["s3://bucket/run.td", ["https://example.org/run.td"]])
def test_a_url_is_refused(path: Any) -> None:
    with pytest.raises(ValueError, match=r"Read finished files with td\.read_runs\(url\)"):
        td.follow(path)


TRAINING = """
import sys, time
import torch
import torch.distributed as dist
from torch import nn
import torchdial as td
from torchdial.training.recording import publisher_thread

publisher_thread.SAVING = 0.2
torch.set_num_threads(1)
torch.manual_seed(0)
dist.init_process_group("gloo")
rank = dist.get_rank()
model = nn.parallel.DistributedDataParallel(nn.Linear(8, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
monitor = td.TrainingMonitor(
    model, optimizer, autosave=sys.argv[1], name="two ranks", budget=1
)
with monitor:
    for step in range(int(sys.argv[2])):
        x = torch.randn(16, 8)
        loss = model(x).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        monitor.log(loss=loss, rank=rank)
        time.sleep(0.02)
dist.destroy_process_group()
"""


def test_two_ranks_under_torchrun_are_followed_while_they_train(
    panels: Any, tmp_path: Path
) -> None:
    script, runs = tmp_path / "train.py", tmp_path / "runs"
    script.write_text(TRAINING)
    runs.mkdir()
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    panel = panels(runs)
    with subprocess.Popen([*command, str(script), str(runs / "exp.td"), "150"]) as training:
        try:
            wait_until(lambda: bool(panel.histories and "loss" in panel.histories[0]))
            (history,) = panel.histories
            seen = [len(history["loss"])]
            wait_until(lambda: len(history["loss"]) > seen[0])
            assert training.poll() is None  # while it trains
            assert opening(panel)["status"]["state"] == "followed"
            assert training.wait(120) == 0
        finally:
            training.kill()
    wait_until(lambda: opening(panel)["status"]["state"] == "finished")
    assert history.name == "two ranks"
    assert history["loss"].steps.tolist() == list(range(1, 151))
    assert set(history["rank"].values) == {0.0}  # the other writes nothing
    assert len(history["optim/grad_norm"]) == 150
    assert [path.name for path in runs.iterdir()] == ["exp.td"]
    check_same(td.History.load(runs / "exp.td"), history)
