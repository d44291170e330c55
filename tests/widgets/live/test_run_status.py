"""How a run ended, how fast it was in the last minute, and what its learning rate comes from."""

from __future__ import annotations

import math
from typing import Any

import pytest

from torchdial.training.control.training_dials import Dial
from torchdial.training.history.events import Event
from torchdial.training.history.history import History
from torchdial.widgets.live.run_status import (
    RunEnd,
    in_file,
    recent_rate,
    run_end,
    scheduled_rate,
    status_of,
)

from .monitors import FakeMonitor

NAN = math.nan
TRACEBACK = "Traceback (most recent call last):\n  File …\nRuntimeError: shapes do not fit\n"


def history_of(series: dict[str, list[float]], stop: int | None = None) -> History:
    history = History("run 1")
    for name, values in series.items():
        for step, value in enumerate(values, 1):
            history.record(step, {name: value}, time=float(step))
    if stop is not None:
        history.add_event(Event(stop, "stop", None, f"Stopped at step {stop}, as asked."))
    return history


@pytest.mark.parametrize(
    ("losses", "state", "error", "stop", "expected"),
    [
        pytest.param([3, 2, 1], "running", "", None, None, id="running"),
        pytest.param([3, 2, 1], "idle", "", None, None, id="idle"),
        pytest.param([3, 2, 1], "finished", "", None, RunEnd("finished", 3), id="finished"),
        pytest.param([3, 2, 1], "finished", "", 3, RunEnd("stopped", 3), id="stopped"),
        pytest.param([3, 2, 1], "finished", "", 2, RunEnd("finished", 3), id="went on after"),
        pytest.param(
            [3, 2, 1],
            "failed",
            TRACEBACK,
            None,
            RunEnd("failed", 3, "RuntimeError: shapes do not fit"),
            id="raised",
        ),
        pytest.param(
            [3, NAN, 2, NAN, NAN],
            "finished",
            "",
            None,
            RunEnd("failed", 4, "loss is NaN or infinite from there on"),
            id="NaN to the end",
        ),
        pytest.param(
            [NAN, NAN],
            "finished",
            "",
            2,
            RunEnd("failed", 1, "loss is NaN or infinite from there on"),
            id="NaN from the first step, and stopped",
        ),
        pytest.param([3, NAN, 2], "finished", "", None, RunEnd("finished", 3), id="NaN once"),
    ],
)
def test_how_a_run_ended(
    losses: list[float], state: str, error: str, stop: int | None, expected: RunEnd | None
) -> None:
    history = history_of({"loss": losses, "optim/lr": [NAN] * len(losses)}, stop)
    assert run_end(history, state, error, len(losses)) == expected


def test_a_loop_that_was_left_with_batches_to_go_was_stopped() -> None:
    history = history_of({"loss": [3, 2, 1]})
    assert run_end(history, "finished", "", 3, is_left=True) == RunEnd("stopped", 3)


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        pytest.param([], None, id="unknown"),
        pytest.param([(10, 5.0, 2.0)], 5.0, id="one measurement"),
        # 90 steps at 10 a second and 10 at 1: 100 steps in 19 seconds.
        pytest.param([(0, 1.0, 0), (90, 10.0, 9), (100, 1.0, 19)], 100 / 19, id="by steps"),
        pytest.param([(0, 1.0, 0), (10, 10.0, 500), (20, 10.0, 501)], 10.0, id="a pause"),
        pytest.param(
            [(0, 9.0, 0), (9, 9.0, 1), (99, 2.0, 90), (199, 4.0, 115)], 190 / 70, id="old"
        ),
    ],
)
def test_the_rate_is_that_of_the_last_minute(
    points: list[tuple[int, float, float]], expected: float | None
) -> None:
    history = History("run 1")
    for step, rate, time in points:
        history.record(step, {"system/steps_per_s": rate}, time=time)
    assert recent_rate(history) == (None if expected is None else pytest.approx(expected))


def dial(step: int, value: float) -> Event:
    return Event(step, "dial", "lr", "lr set", {"new": value})


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        pytest.param([], 0.6, id="no factor yet"),
        pytest.param([dial(1, 0.5)], 1.2, id="a factor"),
        pytest.param([dial(1, 0.5), dial(3, 10.0)], 1.2, id="set after the last recorded step"),
    ],
)
def test_the_schedule_is_the_rate_without_the_factor(events: list[Event], expected: float) -> None:
    history = history_of({"optim/lr": [0.6, 0.6, 0.6]})
    for event in events:
        history.add_event(event)
    assert scheduled_rate(history) == pytest.approx(expected)


def test_several_rates_have_no_one_schedule() -> None:
    assert scheduled_rate(history_of({"optim/lr/0": [0.1], "optim/lr/1": [0.2]})) is None


@pytest.mark.parametrize(
    ("state", "expected"),
    [("running", "saved"), ("paused", "saved"), ("finished", "finished"), ("stopped", "stopped")],
)
def test_a_file_says_how_a_run_ended(state: str, expected: str) -> None:
    assert in_file({"state": state, "reach": "x", "dials": [1]})["state"] == expected


def test_the_end_and_the_schedule_are_sent_to_the_page() -> None:
    monitor: Any = FakeMonitor()
    monitor.history = history_of({"loss": [1.0, NAN], "optim/lr": [0.1, 0.1]})
    monitor.step, monitor.control.state = 2, "finished"
    monitor.control.dials["lr"] = Dial("lr", 2.0, 0.01, 100.0, log=True, is_factor=True)
    monitor.control.dials["own"] = Dial("lr", 0.1, 0.0, 1.0)
    status = status_of(monitor)
    assert (status["state"], status["ended_at"]) == ("failed", 2)
    assert status["reason"] == "loss is NaN or infinite from there on"
    assert status["dials"][0]["schedule"] == 0.1
    assert "schedule" not in status["dials"][1]
