"""Training in a thread of its own: what it finds there, how it is steered, how it ends."""

from __future__ import annotations

import contextvars
import subprocess
import sys
import threading
import time
from typing import Any

import pytest
import torch

from tests.training.steps import SlowSteps, Steps, Undisturbed
from torchdial.training.control.control import Control
from torchdial.training.control.loop import loop
from torchdial.training.control.worker_thread import start
from torchdial.training.monitor import TrainingMonitor


def test_the_result_is_returned_and_arguments_are_handed_on() -> None:
    handle = start(Control(), lambda a, *, b: a + b, 1, b=2)
    assert handle.result(timeout=30) == 3
    assert handle.is_done
    assert handle.exception() is None


def surroundings() -> dict[str, Any]:
    return {
        "grad": torch.is_grad_enabled(),
        "inference": torch.is_inference_mode_enabled(),
        "autocast": torch.is_autocast_enabled("cpu"),
        "dtype": torch.get_autocast_dtype("cpu"),
        "cache": torch.is_autocast_cache_enabled(),
        "default": torch.get_default_dtype(),
        "device": torch.get_default_device(),
        "made on": torch.ones(1).device,
        "product": (torch.ones(2, 2, device="cpu") @ torch.ones(2, 2, device="cpu")).dtype,
    }


@pytest.mark.parametrize(
    "around",
    [
        pytest.param([], id="nothing"),
        pytest.param([torch.no_grad()], id="no_grad"),
        pytest.param([torch.inference_mode()], id="inference_mode"),
        pytest.param([torch.autocast("cpu", torch.bfloat16)], id="autocast bf16"),
        pytest.param([torch.autocast("cpu", torch.float16, cache_enabled=False)], id="fp16"),
        pytest.param([torch.device("meta")], id="device"),
    ],
)
def test_it_finds_what_the_caller_has(around: list[Any]) -> None:
    for context in around:
        context.__enter__()
    try:
        here = surroundings()
        there = start(Control(), surroundings).result(timeout=30)
    finally:
        for context in around:
            context.__exit__(None, None, None)
    assert there == here


def test_the_default_dtype_holds_in_the_thread() -> None:
    torch.set_default_dtype(torch.float64)
    try:
        assert start(Control(), torch.get_default_dtype).result(timeout=30) == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)


def test_context_variables_are_carried_but_not_shared() -> None:
    variable = contextvars.ContextVar("variable", default="")
    variable.set("caller's")

    def train() -> str:
        found = variable.get()
        variable.set("worker's")
        return found

    assert start(Control(), train).result(timeout=30) == "caller's"
    assert variable.get() == "caller's"


def test_pause_resume_and_stop() -> None:
    run = SlowSteps()
    steps = Steps(run.optimizer)

    def train() -> str:
        for _batch in steps.loop(range(1_000_000)):
            run.train_step()
        return "ended by itself"

    handle = start(steps.control, train)
    handle.pause()
    wait_until(lambda: steps.control.state == "paused")
    at = steps.step
    time.sleep(0.2)
    assert steps.step == at
    handle.resume()
    wait_until(lambda: steps.step > at)
    handle.stop()
    assert handle.result(timeout=30) == "ended by itself"
    assert steps.kinds == ["pause", "resume", "stop"]
    assert repr(handle) == f"<training, finished at step {steps.step}>"
    torch.testing.assert_close(run.weights, Undisturbed().after(steps.step), rtol=0, atol=0)


def wait_until(is_reached: Any) -> None:
    until = time.monotonic() + 30
    while not is_reached():
        assert time.monotonic() < until
        time.sleep(0.005)


def test_a_plain_loop_is_stopped_where_it_logs() -> None:
    run = SlowSteps()
    steps = Steps(run.optimizer)

    def train() -> None:
        while True:
            run.train_step()
            steps.log()

    handle = start(steps.control, train)
    handle.stop()
    assert handle.result(timeout=30) is None
    assert handle.exception() is None
    assert steps.kinds == ["stop"]
    assert run.counts == {steps.step}


def test_a_stop_ends_a_function_that_would_begin_the_next_epoch() -> None:
    steps, epochs = Steps(), []

    def train() -> None:
        for epoch in range(5):
            for _batch in steps.loop(range(5)):
                steps.control.request_stop()
            epochs.append(epoch)

    handle = start(steps.control, train)
    assert handle.result(timeout=30) is None
    assert epochs == [0]
    assert steps.control.state == "finished"


def test_a_loop_that_the_function_left_open_is_over_with_it() -> None:
    control = Control()
    kept = []

    def train() -> None:
        batches = loop(control, range(9))
        kept.append(batches)  # as a traceback or a cycle does
        next(batches), next(batches)

    start(control, train).result(timeout=30)
    assert (control.state, control.is_elsewhere, control.loop) == ("finished", False, None)
    list(loop(control, range(3)))
    assert control.progress is not None
    assert (control.progress.step, control.progress.total_steps) == (3, 3)


def test_an_error_is_shown_and_raised() -> None:
    control = Control()
    handle = start(control, lambda: 1 / 0)
    assert isinstance(handle.exception(timeout=30), ZeroDivisionError)
    with pytest.raises(ZeroDivisionError):
        handle.result()
    assert control.state == "failed"
    assert "ZeroDivisionError" in control.error


def test_waiting_ends_after_the_timeout() -> None:
    steps = Steps()
    handle = start(steps.control, lambda: list(steps.loop(iter(int, 1))))
    with pytest.raises(TimeoutError, match="still running after"):
        handle.result(timeout=0.1)
    handle.stop()
    handle.result(timeout=30)


def test_starting_twice_is_refused_with_advice() -> None:
    steps = Steps()
    handle = start(steps.control, lambda: list(steps.loop(iter(int, 1))))
    with pytest.raises(ValueError, match=r"got one that is running, at step 0\. End it"):
        start(steps.control, print)
    handle.stop()
    handle.result(timeout=30)
    start(steps.control, int).result(timeout=30)


def test_a_cell_run_again_is_refused_while_its_worker_still_steps_the_optimizer() -> None:
    run = SlowSteps()
    monitor = TrainingMonitor(run, run.optimizer)
    handle = monitor.start(lambda: [run.train_step() for _ in monitor.loop(iter(int, 1))])
    with pytest.raises(
        ValueError, match="optimizer: expected no run of this monitor in another thread"
    ):
        TrainingMonitor(run, run.optimizer)
    handle.stop()
    handle.result(timeout=30)
    TrainingMonitor(run, run.optimizer).close()


def test_what_cannot_be_called_is_refused() -> None:
    with pytest.raises(ValueError, match="train: expected a function, got int 3"):
        start(Control(), 3)  # type: ignore[arg-type]


def test_it_runs_in_a_daemon_thread() -> None:
    thread = start(Control(), threading.current_thread).result(timeout=30)
    assert thread.daemon
    assert thread is not threading.main_thread()


STARTS = """
import itertools, torch
from torchdial.training.control.control import Control
from torchdial.training.monitor import TrainingMonitor
from torchdial.training.control.loop import loop
from torchdial.training.control.loop import loop
from torchdial.training.control.worker_thread import start
control = Control()
def train():
    weight = torch.nn.Parameter(torch.ones(300, 300))
    optimizer = torch.optim.SGD([weight], lr=1e-6)
    for _ in {batches}:
        (weight @ weight).sum().backward()
        optimizer.step()
start(control, train)
print("exits")
"""


@pytest.mark.parametrize(
    "batches",
    [
        pytest.param("loop(control, itertools.count())", id="stopped at a boundary"),
        pytest.param("itertools.count()", id="deaf"),
    ],
)
def test_the_exit_of_python_is_not_blocked(batches: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", STARTS.format(batches=batches)],
        capture_output=True,
        timeout=60,
        text=True,
    )
    assert done.stdout == "exits\n"
    assert (done.returncode, done.stderr) == (0, "")
