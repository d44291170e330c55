"""Whether a file says that its run has ended, and of what."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
import torch
from torch import nn

import torchdial as td
from torchdial.training import History


def monitor_of(path: Path) -> td.TrainingMonitor:
    model = nn.Linear(1, 1)
    return td.TrainingMonitor(
        model, torch.optim.SGD(model.parameters(), lr=0.1), autosave=path, budget=1
    )


def closed(monitor: td.TrainingMonitor) -> None:
    with monitor:
        monitor.log(loss=0.5)


def left_by_an_error(monitor: td.TrainingMonitor) -> None:
    with suppress(RuntimeError), monitor:
        monitor.log(loss=0.5)
        raise RuntimeError("shapes do not fit")


def looped(monitor: td.TrainingMonitor) -> None:
    for _ in monitor.loop(range(3)):
        monitor.log(loss=0.5)


def going_on(monitor: td.TrainingMonitor) -> None:
    for _ in range(3):
        monitor.log(loss=0.5)


def looped_again(monitor: td.TrainingMonitor) -> None:
    looped(monitor)
    monitor.flush()
    for _ in monitor.loop(range(3)):
        monitor.log(loss=0.5)
        monitor.flush()
        assert monitor.history.ended is None
        break


ENDS: dict[str, tuple[Callable[[td.TrainingMonitor], None], str | None]] = {
    "closed": (closed, ""),
    "left by an error": (left_by_an_error, "RuntimeError: shapes do not fit"),
    "a loop to its end": (looped, ""),
    "going on": (going_on, None),
    "in a second loop": (looped_again, ""),
}


@pytest.mark.parametrize(("train", "ended"), ENDS.values(), ids=ENDS)
def test_what_the_file_says(
    train: Callable[[td.TrainingMonitor], None], ended: str | None, tmp_path: Path
) -> None:
    monitor = monitor_of(tmp_path / "run.td")
    train(monitor)
    monitor.flush()
    assert History.load(tmp_path / "run.td").ended == ended
    monitor.close()
    assert History.load(tmp_path / "run.td").ended == (ended or "")


SCRIPT = """
import os, signal, sys
from pathlib import Path
from tests.training.history.test_ended_runs import monitor_of
monitor = monitor_of(Path(sys.argv[1]))
for _ in monitor.loop(range(3)) if "loop" in sys.argv[2] else range(3):
    monitor.log(loss=0.5)
    monitor.flush()
    if "killed" in sys.argv[2]:
        os.kill(os.getpid(), signal.SIGKILL)
    if "error" in sys.argv[2]:
        raise RuntimeError("out of memory\\nTried to allocate 2 GB")
"""
SCRIPTS = {
    "to its end": "",
    "killed": None,
    "killed in a loop": None,
    "by an error": "RuntimeError: out of memory",
    "by an error in a loop": "RuntimeError: out of memory",
}


@pytest.mark.parametrize(("how", "ended"), SCRIPTS.items(), ids=SCRIPTS)
def test_a_process_that_ends_without_closing(how: str, ended: str | None, tmp_path: Path) -> None:
    path = tmp_path / "run.td"
    subprocess.run([sys.executable, "-c", SCRIPT, str(path), how], stderr=subprocess.DEVNULL)
    assert History.load(path).ended == ended


def test_a_run_that_is_continued_has_not_ended(tmp_path: Path) -> None:
    first = monitor_of(tmp_path / "run.td")
    closed(first)
    second = monitor_of(tmp_path / "next.td")
    second.load_state_dict(first.state_dict())
    assert second.history.ended is None
    second.close()
