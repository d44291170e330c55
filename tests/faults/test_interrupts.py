"""Interrupted at a hundred moments, killed at thirty: the record is whole, and so is the model.

At fewer moments in the short form of each test.

Real signals, in a process of their own. What interrupts do besides is in
tests/training/control/test_interrupts.py.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.training.steps import SlowSteps

hundred = pytest.mark.parametrize("count", [12, pytest.param(100, marks=pytest.mark.wide)])
thirty = pytest.mark.parametrize("count", [6, pytest.param(30, marks=pytest.mark.wide)])


def runs_of(way: str, folder: Path, count: int) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "tests.faults.interrupted", way, str(folder), str(count)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=300)
    runs = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(runs) == count
    return runs


def undisturbed_losses(count: int) -> list[float]:
    run = SlowSteps()
    return [float(run.train_step().detach()) for _ in range(count)]


def check_losses(runs: list[dict[str, Any]]) -> None:
    """Check that each loss that was recorded is that of its step."""
    expected = undisturbed_losses(max(max(run["steps"].get("loss", []), default=0) for run in runs))
    for run in runs:
        steps = run["steps"].get("loss", [])
        assert run["losses"] == [expected[step - 1] for step in steps]


@hundred
def test_a_loop_ends_at_a_step_and_raises_nothing(count: int, tmp_path: Path) -> None:
    runs = runs_of("loop", tmp_path, count)
    for run in runs:
        step = run["step"]
        assert run["raised"] == run["problem"] == ""
        assert run["is whole"]
        assert run["counts"] == ([step] if step else [])
        for steps in run["steps"].values():
            assert steps == list(range(1, step + 1))
        assert run["stops"] == [f"Stopped at step {step}, by an interrupt."]
    check_losses(runs)
    # They were moments of different steps.
    assert len({run["step"] for run in runs}) > min(3, count // 4)


@hundred
def test_a_loop_of_ones_own_raises_and_the_record_goes_on(count: int, tmp_path: Path) -> None:
    """It may raise within a step, so the model may be torn; the record is in order and whole."""
    runs = runs_of("plain", tmp_path, count)
    for run in runs:
        assert run["raised"] == "KeyboardInterrupt"
        assert run["problem"] == ""
        assert run["went on"] == 3
        for steps in run["steps"].values():
            assert len(set(range(1, run["step"] + 1)) - set(steps)) <= 1  # the one it came in
            assert steps == sorted(steps)
    assert len({run["step"] for run in runs}) > min(3, count // 4)


@thirty
def test_a_process_that_is_killed_leaves_a_run_without_gaps(count: int, tmp_path: Path) -> None:
    runs = runs_of("killed", tmp_path, count)
    for run in runs:
        for steps in run["steps"].values():
            assert steps == list(range(1, len(steps) + 1))
    check_losses(runs)
    assert len({len(run["losses"]) for run in runs}) > min(3, count // 4)
