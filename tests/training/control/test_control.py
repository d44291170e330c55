"""A loop that only logs: what it is asked for, and where it does it."""

from __future__ import annotations

import threading
import time

import pytest
import torch

from tests.training.steps import SlowSteps, Steps
from torchdial.training.control import control as control_module
from torchdial.training.control.control import StopTraining


def test_a_plain_loop_is_stopped_where_it_logs() -> None:
    run = SlowSteps()
    steps = Steps(run.optimizer)
    logged = 0

    def train() -> None:
        nonlocal logged
        for batch in range(10):
            run.train_step()
            logged += 1
            if batch == 3:
                steps.control.request_stop()
            steps.log()

    with pytest.raises(StopTraining, match="Stopped at step 4, as asked"):
        train()
    assert (logged, run.counts) == (4, {4})
    assert steps.kinds == ["stop"]
    assert steps.control.state == "finished"


def test_a_stop_is_printed_in_one_line() -> None:
    assert StopTraining("Stopped at step 4.")._render_traceback_() == ["Stopped at step 4."]


def test_a_grad_scaler_is_whole_after_a_stop() -> None:
    weight = torch.nn.Parameter(torch.ones(3))
    optimizer = torch.optim.SGD([weight], lr=0.1)
    scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
    steps = Steps(optimizer)

    def train() -> None:
        optimizer.zero_grad()
        scaler.scale((weight * weight).sum()).backward()
        scaler.unscale_(optimizer)
        scaler.step(optimizer)
        scaler.update()
        steps.log()

    train()
    steps.control.request_stop()
    with pytest.raises(StopTraining):
        train()
    train()  # unscale_ would refuse a scaler that was left in the middle


def test_a_loop_that_never_logs_is_stopped_a_little_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control_module, "OVERDUE_SECONDS", 0.2)
    run = SlowSteps()
    steps = Steps(run.optimizer)
    steps.log()  # once, at its beginning
    steps.control.request_stop()
    asked = time.monotonic()

    def train() -> None:
        while True:
            run.train_step()

    with pytest.raises(StopTraining):
        train()
    assert time.monotonic() - asked >= 0.2
    assert run.counts == {steps.step}


def test_a_loop_over_epochs_only_is_stopped_within_the_epoch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(control_module, "OVERDUE_SECONDS", 0.0)
    run = SlowSteps()
    steps = Steps(run.optimizer)

    def train() -> None:
        for _epoch in steps.loop(range(3)):
            for _batch in range(10):
                run.train_step()
                steps.log()
                if steps.step == 4:
                    steps.control.request_stop()

    with pytest.raises(StopTraining):
        train()
    assert steps.step < 10
    assert steps.kinds == ["stop"]
    assert steps.control.state == "finished"


def test_a_pause_in_a_plain_loop() -> None:
    steps = Steps()
    steps.log()
    steps.control.request_pause()
    threading.Timer(0.2, steps.control.request_resume).start()
    steps.log()
    assert steps.kinds == ["pause", "resume"]
    assert steps.control.state == "running"


def test_closing_a_paused_run_ends_its_pause_and_the_run() -> None:
    steps = Steps()
    logged = threading.Event()

    def train() -> None:
        steps.log()
        steps.control.request_pause()
        steps.log()
        logged.set()

    thread = threading.Thread(target=train)
    thread.start()
    while steps.control.state != "paused":
        time.sleep(0.01)
    steps.control.close()
    assert logged.wait(30)
    thread.join()
    assert steps.control.state == "finished"
    assert steps.kinds == ["pause"]


def test_the_end_of_a_cell_is_the_end_of_a_loop_that_logs() -> None:
    steps = Steps()
    steps.log()
    steps.control.request_stop()
    steps.control.rest()
    assert steps.control.state == "finished"
    steps.log()  # of the next cell: was not asked to stop
    assert steps.control.state == "running"


def test_a_cell_that_fails_after_its_run_is_no_failed_run() -> None:
    steps = Steps()
    list(steps.loop(range(2)))
    steps.control.rest("Traceback of a plot")
    assert steps.control.state == "finished"


def test_a_cell_that_fails_in_its_loop_is_a_failed_run() -> None:
    steps = Steps()
    for _batch in steps.loop(range(2)):
        break
    steps.control.rest("Traceback of a step")
    assert (steps.control.state, steps.control.error) == ("failed", "Traceback of a step")


def test_the_end_of_another_threads_cell_means_nothing() -> None:
    steps = Steps()
    for _batch in steps.loop(range(2)):
        other = threading.Thread(target=steps.control.rest)
        other.start()
        other.join()
        assert steps.control.state == "running"


def test_how_far_clicks_reach_is_known_while_the_main_thread_trains() -> None:
    steps = Steps()
    steps.control.blocking = "after the cell"
    assert steps.control.reach == ""
    for _batch in steps.loop(range(1)):
        assert steps.control.reach == "after the cell"
    assert steps.control.reach == ""


def test_requests_from_many_threads_while_a_run_goes_on() -> None:
    """Weights and optimizer are as without; each thread's last request is applied."""
    run, alone = SlowSteps(), SlowSteps()
    steps = Steps(run.optimizer)
    steps.control.dial("lr", min=0.5, max=2, log=True)
    steps.control.dial("other", lambda value: None, 0, 1000)
    over = threading.Event()

    def click() -> None:
        value = 0
        while not over.is_set():
            steps.control.request_pause()
            steps.control.set_dial("lr", 1.0)
            steps.control.set_dial("other", value := (value + 1) % 1000)
            steps.control.request_resume()
            time.sleep(0.001)

    clickers = [threading.Thread(target=click) for _ in range(4)]
    for clicker in clickers:
        clicker.start()
    for _batch in steps.loop(range(60)):
        run.train_step()
        alone.train_step()
    over.set()
    for clicker in clickers:
        clicker.join()
    torch.testing.assert_close(run.weights, alone.weights, rtol=0, atol=0)
    assert steps.problems == []
    assert steps.control.state == "finished"
