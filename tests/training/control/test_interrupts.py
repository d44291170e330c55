"""Real signals at any moment of real runs: what is stepped is stepped whole."""

from __future__ import annotations

import itertools
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest
import torch

from tests.training.steps import SlowSteps, Steps, Undisturbed
from torchdial.training.control.interrupts import held_back
from torchdial.training.monitor import TrainingMonitor


@contextmanager
def interrupts(*moments: float, of_a_loop: bool = True) -> Iterator[None]:
    """Send this process a SIGINT after so many seconds each, from the loop's beginning on."""

    def send() -> None:
        while of_a_loop and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            time.sleep(0.0005)
        for moment in moments:
            time.sleep(moment)
            os.kill(os.getpid(), signal.SIGINT)

    sender = threading.Thread(target=send)
    sender.start()
    try:
        yield
    finally:
        sender.join()


def test_the_first_interrupt_leaves_weights_optimizer_and_record_whole_at_any_moment() -> None:
    chance, undisturbed = random.Random(0), Undisturbed()
    for _ in range(40):
        run = SlowSteps()
        moment = interrupts(chance.uniform(0.0, 0.05))
        with TrainingMonitor(run, run.optimizer) as monitor, moment:
            for _batch in monitor.loop(itertools.count()):
                monitor.log(loss=run.train_step())
        steps, history = monitor.step, monitor.history
        assert monitor.problem == ""
        assert run.counts == ({steps} if steps else set())
        torch.testing.assert_close(run.weights, undisturbed.after(steps), rtol=0, atol=0)
        for name in ("loss", "lr") if steps else ():
            assert history[name].steps.tolist() == list(range(1, steps + 1))
        assert [event.kind for event in monitor.events if event.kind == "stop"] == ["stop"]


def test_without_the_loop_an_interrupt_does_leave_steps_half_made() -> None:
    """So that the test above is known to look where it hurts."""
    chance = random.Random(0)
    assert any(is_torn(chance.uniform(0.0, 0.02)) for _ in range(200))


def is_torn(moment: float) -> bool:
    run = SlowSteps()
    run.train_step()
    with suppress(KeyboardInterrupt), interrupts(moment, of_a_loop=False):
        while True:
            run.train_step()
    return len(run.counts) > 1


def test_the_second_interrupt_raises_at_once() -> None:
    steps = Steps()

    def sleeps() -> None:
        for _batch in steps.loop(range(3)):
            time.sleep(60)

    with pytest.raises(KeyboardInterrupt), interrupts(0.05, 0.2):
        sleeps()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert steps.control.state == "finished"


def test_a_pause_is_ended_by_an_interrupt() -> None:
    steps = Steps()
    with interrupts(0.2):
        for _batch in steps.loop(range(3)):
            steps.control.request_pause()
    assert steps.kinds == ["pause", "stop"]
    assert "by an interrupt" in steps.events[-1].message


def ends(steps: Steps) -> None:
    for _batch in steps.loop(range(3)):
        pass


def breaks(steps: Steps) -> None:
    for _batch in steps.loop(range(3)):
        break


def fails(steps: Steps) -> None:
    with suppress(ZeroDivisionError):
        for _batch in steps.loop(range(3)):
            1 / 0  # noqa: B018


def fails_in_the_loader(steps: Steps) -> None:
    with suppress(ZeroDivisionError):
        for _batch in steps.loop(1 / i for i in (1, 0)):
            pass


def is_closed(steps: Steps) -> None:
    batches = steps.loop(range(3))
    next(batches)
    batches.close()


def is_stopped(steps: Steps) -> None:
    for _batch in steps.loop(range(3)):
        steps.control.request_stop()


def loops_inside_a_loop(steps: Steps) -> None:
    for _epoch in steps.loop(range(2)):
        for _batch in steps.loop(range(2)):
            pass


@pytest.mark.parametrize(
    "use",
    [ends, breaks, fails, fails_in_the_loader, is_closed, is_stopped, loops_inside_a_loop],
)
def test_the_handler_is_put_back_when_a_loop(use: Callable[[Steps], None]) -> None:
    def mine(*_: object) -> None: ...

    before = signal.signal(signal.SIGINT, mine)
    try:
        use(Steps())
        assert signal.getsignal(signal.SIGINT) is mine
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_loop_that_is_held_but_left_gives_way() -> None:
    steps = Steps()
    held = steps.loop(range(3))

    def begins() -> None:
        for _batch in held:
            return

    begins()
    with pytest.raises(KeyboardInterrupt), interrupts(0.05):
        time.sleep(60)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_handler_that_somebody_else_has_set_since_stays() -> None:
    def theirs(*_: object) -> None: ...

    before = signal.getsignal(signal.SIGINT)
    try:
        for _batch in Steps().loop(range(3)):
            signal.signal(signal.SIGINT, theirs)
        assert signal.getsignal(signal.SIGINT) is theirs
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("found", [signal.SIG_IGN], ids=["ignored, as under nohup"])
def test_an_ignored_interrupt_stays_ignored(found: signal.Handlers) -> None:
    before = signal.signal(signal.SIGINT, found)
    try:
        with interrupts(0.0):
            batches = [batch for batch in Steps().loop(range(3)) if time.sleep(0.02) is None]
    finally:
        signal.signal(signal.SIGINT, before)
    assert batches == [0, 1, 2]


def test_a_loop_in_another_thread_touches_no_handler() -> None:
    found = []

    def train() -> None:
        for _batch in Steps().loop(range(1)):
            found.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=train)
    thread.start()
    thread.join()
    assert found == [signal.default_int_handler]


class Rows(torch.utils.data.Dataset[int]):
    def __len__(self) -> int:
        return 10_000

    def __getitem__(self, index: int) -> int:
        time.sleep(0.001)
        return index


def test_an_interrupt_of_the_whole_process_group_ends_gently_with_workers() -> None:
    """A notebook interrupts the kernel's group, and with it the processes of a DataLoader."""
    loader = torch.utils.data.DataLoader(Rows(), batch_size=4, num_workers=2)
    steps = Steps()
    for number, _batch in enumerate(steps.loop(loader)):
        if number == 5:
            for worker in torch.multiprocessing.active_children():
                os.kill(worker.pid, signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)
    assert number == 5
    assert steps.kinds == ["stop"]


def test_an_interrupt_that_is_held_back_comes_right_after() -> None:
    done = []

    def work() -> None:
        with held_back():
            os.kill(os.getpid(), signal.SIGINT)
            done.append(True)

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == [True]
