"""Progress, pause, resume and stop between two batches."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

from tests.training.steps import SlowSteps, Steps
from torchdial.training.control.control import Progress, StopTraining


class Stream(IterableDataset[int]):
    def __iter__(self) -> Any:
        return iter(range(4))


LOADED = DataLoader(TensorDataset(torch.arange(10.0)), batch_size=4)


@pytest.mark.parametrize(
    ("loader", "epochs", "total", "batches", "in_all"),
    [
        pytest.param(LOADED, 1, None, 3, 3, id="a loader"),
        pytest.param(LOADED, 2, None, 6, 6, id="twice"),
        pytest.param(DataLoader(Stream()), 2, None, 8, None, id="a loader without a length"),
        pytest.param(DataLoader(Stream()), 2, 8, 8, 8, id="whose length is said"),
        pytest.param(iter("abc"), 1, None, 3, None, id="an iterator"),
        pytest.param([], 1, None, 0, 0, id="nothing"),
    ],
)
def test_progress(
    loader: Any, epochs: int, total: int | None, batches: int, in_all: int | None
) -> None:
    steps = Steps()
    seen = []
    for _batch in steps.loop(loader, epochs, total):
        seen.append(steps.control.progress)
        assert steps.control.state == "running"
    per_epoch = batches // epochs
    assert seen == [Progress(i, in_all, i // per_epoch, epochs) for i in range(batches)]
    assert steps.control.state == "finished"
    if batches:
        assert steps.control.progress == Progress(batches, in_all, epochs - 1, epochs)


def test_a_loop_over_epochs_counts_the_batches_of_the_loop_inside() -> None:
    steps = Steps()
    seen = []
    for _epoch in steps.loop(range(2)):
        for _batch in steps.loop("abc"):
            seen.append(steps.control.progress)
    assert seen == [Progress(i, 6, i // 3, 2) for i in range(6)]
    assert steps.control.progress == Progress(6, 6, 1, 2)


def test_a_look_at_other_data_inside_leaves_progress_alone() -> None:
    steps = Steps()
    for _batch in steps.loop("ab"):
        before = steps.control.progress
        for _held_out in steps.loop("vwxyz"):
            assert steps.control.progress == before
    assert steps.control.progress == Progress(2, 2, 0, 1)


def test_the_time_waited_for_each_batch_is_reported() -> None:
    waits: list[float] = []
    steps = Steps()
    steps.control.on_batch = lambda seconds, _batch: waits.append(seconds)

    def slow() -> Any:
        for seconds in (0.05, 0.0, 0.1):
            time.sleep(seconds)
            yield seconds

    for _batch in steps.loop(slow()):
        time.sleep(0.02)  # is no waiting
    assert waits[0] >= 0.05
    assert waits[1] < 0.02
    assert waits[2] >= 0.1


def later(act: Any, seconds: float = 0.2) -> threading.Timer:
    timer = threading.Timer(seconds, act)
    timer.start()
    return timer


def test_a_pause_waits_and_a_resume_goes_on() -> None:
    steps = Steps()
    states = []

    def look() -> None:
        states.append(steps.control.state)
        steps.control.request_resume()

    for batch in steps.loop(range(3)):
        if batch == 0:
            steps.control.request_pause()
            later(look)
    assert states == ["paused"]
    assert steps.kinds == ["pause", "resume"]
    assert 0.1 < steps.control.waited < 5
    assert steps.events[1].evidence["seconds"] == steps.control.waited


def test_a_pause_is_no_time_waited_for_a_batch() -> None:
    waits: list[float] = []
    steps = Steps()
    steps.control.on_batch = lambda seconds, _batch: waits.append(seconds)
    for batch in steps.loop(range(3)):
        if batch == 0:
            steps.control.request_pause()
            later(steps.control.request_resume)
    assert steps.control.waited > 0.1
    assert max(waits) < steps.control.waited / 2


def test_a_dial_turned_during_a_pause_is_applied_then() -> None:
    steps = Steps()
    turned: list[float] = []
    steps.control.dial("size", turned.append, min=0, max=10)

    def act() -> None:
        steps.control.set_dial("size", 3)
        later(steps.control.request_resume)

    for batch in steps.loop(range(2)):
        if batch == 0:
            steps.control.request_pause()
            later(act)
    assert turned == [3.0]
    assert steps.kinds == ["pause", "dial", "resume"]


def test_a_stop_ends_a_pause() -> None:
    steps = Steps()
    for _batch in steps.loop(range(3)):
        steps.control.request_pause()
        later(steps.control.request_stop)
    assert steps.kinds == ["pause", "stop"]
    assert steps.control.state == "finished"


def test_requests_come_together() -> None:
    steps = Steps()
    for batch in steps.loop(range(3)):
        if batch == 0:
            for _ in range(100):
                steps.control.request_pause()
                steps.control.request_resume()
    assert steps.kinds == []


def test_a_stop_asked_for_while_a_batch_is_loaded_does_not_hand_it_out() -> None:
    steps = Steps()

    def loader() -> Any:
        yield 0
        steps.control.request_stop()
        yield 1

    assert list(steps.loop(loader())) == [0]


def test_what_was_asked_when_nothing_ran_is_not_held_against_the_next_run() -> None:
    steps = Steps()
    steps.control.request_stop()
    steps.control.request_pause()
    assert list(steps.loop(range(3))) == [0, 1, 2]
    assert steps.control.state == "finished"


def test_the_next_run_goes_on_after_a_stop() -> None:
    steps = Steps()

    def run() -> int:
        code = "for n, _ in enumerate(steps.loop(range(5))):\n    at(n)\ncount.append(n)"
        count: list[int] = []
        exec(code, {"steps": steps, "count": count, "at": at})
        return count[0]

    def at(n: int) -> None:
        if n == 1 and not steps.events:
            steps.control.request_stop()

    assert run() == 1
    assert run() == 4


EPOCHS_AROUND = """
for epoch in range(5):
    for batch in steps.loop(range(5)):
        if (epoch, batch) == (1, 2):
            steps.control.request_stop()
    epochs.append(epoch)
"""


def test_a_stop_does_not_let_the_next_epoch_of_a_plain_loop_begin() -> None:
    steps, epochs = Steps(), []
    with pytest.raises(StopTraining, match="Stopped at step 0"):
        exec(EPOCHS_AROUND, {"steps": steps, "epochs": epochs})
    assert epochs == [0, 1]
    exec(EPOCHS_AROUND.replace("(1, 2)", "None"), {"steps": steps, "epochs": epochs})
    assert epochs == [0, 1, 0, 1, 2, 3, 4]


def test_a_stop_ends_loops_inside_each_other_gently() -> None:
    steps, seen = Steps(), []
    for epoch in steps.loop(range(5)):
        for batch in steps.loop(range(5)):
            seen.append((epoch, batch))
            if (epoch, batch) == (1, 2):
                steps.control.request_stop()
    assert seen[-1] == (1, 2)
    assert steps.kinds == ["stop"]


def test_accumulated_gradients_are_used_before_a_stop() -> None:
    run = SlowSteps()
    steps = Steps(run.optimizer)
    batches = 0
    for batch in steps.loop(range(100)):
        run.loss().backward()
        batches += 1
        if batch % 4 == 3:
            run.optimizer.step()
            run.optimizer.zero_grad()
        if batch == 9:
            steps.control.request_stop()
    assert batches == 12
    assert steps.step == 3
    assert all(p.grad is None for p in run.parameters())


def test_a_stop_does_not_wait_for_a_step_that_never_comes() -> None:
    run = SlowSteps()
    steps = Steps(run.optimizer)
    batches = 0
    for batch in steps.loop(range(100)):
        batches += 1
        if batch < 3:
            run.train_step()
        if batch == 10:
            steps.control.request_stop()
    assert batches == 11


def test_a_loop_in_an_async_cell_lets_other_things_run() -> None:
    steps = Steps()
    seen: list[Any] = []

    async def others() -> None:
        while steps.control.state != "running":
            await asyncio.sleep(0)
        steps.control.request_pause()
        await asyncio.sleep(0.2)
        seen.append(steps.control.state)
        steps.control.request_resume()
        await asyncio.sleep(0.2)
        steps.control.request_stop()

    async def cell() -> None:
        task = asyncio.ensure_future(others())
        async for _batch in steps.loop(range(10_000)):
            time.sleep(0.001)
        await task

    asyncio.run(cell())
    assert seen == ["paused"]
    assert steps.kinds == ["pause", "resume", "stop"]


def test_a_loop_that_fails_says_so() -> None:
    steps = Steps()
    with pytest.raises(ZeroDivisionError):
        for _batch in steps.loop(1 / i for i in (1, 0)):
            pass
    assert steps.control.state == "failed"
    assert "ZeroDivisionError" in steps.control.error
    assert list(steps.loop(range(2))) == [0, 1]
    assert steps.control.error == ""


def test_batches_of_a_validation_between_two_steps_are_not_those_of_the_training() -> None:
    steps = Steps()
    seen: list[Any] = []
    steps.control.on_batch = lambda _seconds, batch: seen.append(batch)
    for _epoch in steps.loop(range(2)):  # counts epochs, so the loops inside are the training
        for batch in steps.loop("ab"):
            list(steps.loop("xyz"))
            assert batch in "ab"
    assert seen == [0, "a", "b", 1, "a", "b"]


def test_callbacks_may_fail_without_ending_the_loop() -> None:
    steps = Steps()

    def fail(*_: Any) -> None:
        raise RuntimeError("of no concern")

    steps.control.on_event = steps.control.on_batch = steps.control.on_listen = fail
    assert list(steps.loop(range(2))) == [0, 1]
    assert "of no concern" in steps.problems[0]


@pytest.mark.parametrize(
    ("loader", "epochs", "total", "words"),
    [
        pytest.param("ab", 0, None, "epochs: expected a whole number from 1, got int 0", id="0"),
        pytest.param("ab", 1.5, None, "got float 1.5", id="half an epoch"),
        pytest.param("ab", True, None, "got bool True", id="true"),
        pytest.param("ab", 1, -1, "total: expected", id="a negative total"),
        pytest.param(iter("ab"), 2, None, "an iterable for 2 epochs", id="an iterator"),
    ],
)
def test_refusals(loader: Any, epochs: Any, total: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Steps().loop(loader, epochs, total)
