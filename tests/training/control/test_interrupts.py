"""Real signals at any moment of real runs: what is stepped is stepped whole."""

from __future__ import annotations

import itertools
import os
import queue
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest
import torch
from tqdm import tqdm

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


def test_a_loop_that_is_held_but_left_takes_the_first_interrupt_only() -> None:
    steps = Steps()
    held = steps.loop(range(3))

    def begins() -> None:
        for _batch in held:
            return

    begins()
    with pytest.raises(KeyboardInterrupt), interrupts(0.05, 0.2):
        time.sleep(60)
    held.close()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_two_interrupts_are_enough_for_loops_inside_a_loop() -> None:
    steps = Steps()

    def sleeps() -> None:
        for _epoch in steps.loop(range(2)):
            for _batch in steps.loop(range(2)):
                time.sleep(60)

    with pytest.raises(KeyboardInterrupt), interrupts(0.05, 0.2):
        sleeps()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_interrupt_stops_the_loops_of_all_monitors() -> None:
    outer, inner = Steps(), Steps()
    with interrupts(0.05):
        for _epoch in outer.loop(range(2)):
            for _batch in inner.loop(iter(int, 1)):
                time.sleep(0.001)
    assert outer.kinds == inner.kinds == ["stop"]


def test_the_end_of_the_cell_gives_the_interrupts_of_a_held_loop_back() -> None:
    steps = Steps()
    held = steps.loop(range(3))
    next(held)
    steps.control.rest()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    held.close()


def in_a_generator(loop: Iterator[int]) -> Iterator[int]:
    for batch in loop:
        yield batch + 1


class OneAhead:
    """Loads a batch before the one before it is used, as a prefetcher onto a device does."""

    def __init__(self, loop: Iterator[int]) -> None:
        self._loop = loop
        self._ready = next(loop, None)

    def __iter__(self) -> OneAhead:
        return self

    def __next__(self) -> int:
        if self._ready is None:
            raise StopIteration
        batch, self._ready = self._ready, next(self._loop, None)
        return batch


def in_a_thread(loop: Iterator[int]) -> Iterator[int]:
    """Load batches in another thread, a few ahead."""
    ready: queue.Queue[int | None] = queue.Queue(maxsize=2)

    def load() -> None:
        for batch in loop:
            ready.put(batch)
        ready.put(None)

    threading.Thread(target=load, daemon=True).start()
    return iter(ready.get, None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "around", [in_a_generator, tqdm, OneAhead, in_a_thread], ids=lambda value: value.__name__
)
def test_the_first_interrupt_ends_at_a_whole_step_with_something_around_the_loop(
    around: Callable[[Iterator[int]], Iterator[int]],
) -> None:
    chance, undisturbed = random.Random(0), Undisturbed()
    for _ in range(10):
        run = SlowSteps()
        steps = Steps(run.optimizer)
        with interrupts(chance.uniform(0.0, 0.05)):
            for _batch in around(steps.loop(itertools.count())):
                run.train_step()
        # A loop that ends in another thread cannot put the handler back; it then does nothing.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        assert run.counts == ({steps.step} if steps.step else set())
        torch.testing.assert_close(run.weights, undisturbed.after(steps.step), rtol=0, atol=0)
        assert steps.kinds == ["stop"]
        assert "by an interrupt" in steps.events[-1].message


@pytest.mark.parametrize(
    "around", [in_a_generator, OneAhead, in_a_thread], ids=lambda value: value.__name__
)
def test_the_second_interrupt_raises_with_something_around_the_loop(
    around: Callable[[Iterator[int]], Iterator[int]],
) -> None:
    run = SlowSteps()
    steps = Steps(run.optimizer)

    def sleeps() -> None:
        for _batch in around(steps.loop(range(5))):
            run.train_step()
            time.sleep(60)

    with pytest.raises(KeyboardInterrupt), interrupts(0.1, 0.2):
        sleeps()
    steps.control.rest()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert steps.control.state == "finished"


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
