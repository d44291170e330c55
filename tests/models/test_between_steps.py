"""Running a model in one thread while another trains it: the training does not notice."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import matplotlib
import pytest
import torch
from matplotlib import pyplot as plt
from torch import Tensor, nn

import torchdial as td
from torchdial.models.between_steps import between_steps
from torchdial.models.predictions import ModelMaps

STEPS = 60
IMAGES = torch.rand(2, 1, 8, 8, generator=torch.Generator().manual_seed(1))
TARGETS = (IMAGES[:, 0] > 0.5).long()


class Training:
    """A model with dropout and batch norm, trained on random batches; each step takes a while."""

    def __init__(self) -> None:
        self.model = nn.Sequential(
            nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.Dropout(0.5), nn.Conv2d(4, 1, 1)
        )
        self.modes: list[bool] = []
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.1)

    def step(self) -> Tensor:
        x = torch.rand(4, 1, 8, 8)
        self.modes.append(all(module.training for module in self.model.modules()))
        loss: Tensor = (self.model(x) - x).square().mean()
        self.modes.append(all(module.training for module in self.model.modules()))
        time.sleep(0.004)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.detach()


def in_a_loop(run: Training, monitor: td.TrainingMonitor) -> None:
    for _ in monitor.loop(range(STEPS)):
        monitor.log(loss=run.step())


def where_it_logs(run: Training, monitor: td.TrainingMonitor) -> None:
    for _ in range(STEPS):
        monitor.log(loss=run.step())


def in_a_loop_over_epochs(run: Training, monitor: td.TrainingMonitor) -> None:
    for _epoch in monitor.loop(range(1)):
        where_it_logs(run, monitor)


def under_autocast(run: Training, monitor: td.TrainingMonitor) -> None:
    for _ in monitor.loop(range(STEPS)):
        with torch.autocast("cpu", torch.bfloat16):
            monitor.log(loss=run.step())


def trained(
    how: Callable[[Training, td.TrainingMonitor], None],
    meanwhile: Callable[[Training, td.TrainingMonitor, Any], None] | None = None,
) -> Training:
    torch.manual_seed(0)
    run = Training()
    monitor = td.TrainingMonitor(run.model, run.optimizer)
    handle = monitor.start(how, run, monitor)
    if meanwhile is not None:
        meanwhile(run, monitor, handle)
    handle.result(timeout=60)
    monitor.close()
    assert monitor.problem == ""
    return run


def previews(run: Training, _monitor: td.TrainingMonitor, handle: Any) -> None:
    preview = td.SegmentationPreview.from_model(run.model, IMAGES, TARGETS, from_logits=True)
    while not handle.is_done:
        assert preview.refresh(), preview.notice
        preview.evaluate([(IMAGES, TARGETS)])


def trees(run: Training, _monitor: td.TrainingMonitor, handle: Any) -> None:
    while not handle.is_done:
        assert td.ModelTree(run.model, IMAGES).table.failure is None


def short_calls(run: Training, _monitor: td.TrainingMonitor, handle: Any) -> None:
    matplotlib.use("agg")
    while not handle.is_done:
        td.Visualization(run.model).run(IMAGES, IMAGES)
        plt.close("all")


class Detector(nn.Module):
    """One box in each image, whose score is the trained model's."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, images: Tensor) -> Any:
        scores = self.body(images).mean((1, 2, 3)).sigmoid()
        box, label = torch.tensor([[1.0, 1.0, 4.0, 4.0]]), torch.tensor([1])
        return [{"boxes": box, "scores": score[None], "labels": label} for score in scores]


def detections(run: Training, _monitor: td.TrainingMonitor, handle: Any) -> None:
    preview = td.DetectionPreview.from_model(Detector(run.model), IMAGES)
    while not handle.is_done:
        assert preview.refresh(), preview.notice


def an_average_of_it(run: Training, _monitor: td.TrainingMonitor, handle: Any) -> None:
    """Shares no module with the model, but the random state."""
    average = torch.optim.swa_utils.AveragedModel(run.model)
    preview = td.SegmentationPreview.from_model(average, IMAGES, from_logits=True)
    while not handle.is_done:
        assert preview.refresh(), preview.notice


@pytest.mark.parametrize(
    ("how", "meanwhile"),
    [
        (in_a_loop, previews),
        (in_a_loop, detections),
        (in_a_loop, trees),
        (in_a_loop, short_calls),
        (in_a_loop, an_average_of_it),
        (where_it_logs, previews),
        (in_a_loop_over_epochs, trees),
        (under_autocast, previews),
    ],
    ids=lambda value: value.__name__,
)
def test_training_in_a_thread_stays_bit_for_bit(how: Any, meanwhile: Any) -> None:
    alone, watched = trained(how), trained(how, meanwhile)
    assert len(watched.modes) == 2 * STEPS
    assert all(watched.modes)
    for name, value in alone.model.state_dict().items():
        assert torch.equal(watched.model.state_dict()[name], value), name


@pytest.fixture
def slow() -> Iterator[tuple[td.TrainingMonitor, Any, threading.Event]]:
    """A run in a thread whose step does not end until it is let go."""
    run, go_on = Training(), threading.Event()
    monitor = td.TrainingMonitor(run.model, run.optimizer)

    def train() -> None:
        for _ in monitor.loop(range(3)):
            run.step()
            go_on.wait(30)

    handle = monitor.start(train)
    try:
        yield monitor, handle, go_on
    finally:
        go_on.set()
        handle.result(timeout=30)
        monitor.close()


def test_without_a_boundary_the_caller_gets_an_error_after_two_seconds(slow: Any) -> None:
    monitor, _, _ = slow
    began = time.monotonic()
    with pytest.raises(TimeoutError, match="Call this inside the training function, or after"):
        td.ModelTree(nn.Linear(2, 2), torch.rand(1, 2))
    assert 1.9 < time.monotonic() - began < 10
    assert monitor.control.state == "running"


def test_a_preview_shows_that_error_and_keeps_its_picture(slow: Any) -> None:
    _, handle, go_on = slow
    model = nn.Conv2d(1, 1, 1)
    preview = td.SegmentationPreview(IMAGES, IMAGES[:, 0])
    preview._source = ModelMaps(model, IMAGES, None, 8)
    assert not preview.refresh()
    assert "no end of a step in that time" in preview.notice
    go_on.set()
    handle.result(timeout=30)


def test_a_call_that_waits_when_the_run_ends_is_made_by_its_own_thread(slow: Any) -> None:
    _, _, go_on = slow
    threading.Timer(0.2, go_on.set).start()
    threads = [between_steps(threading.get_ident) for _ in range(20)]
    assert threads[-1] == threading.get_ident()


def test_a_paused_run_runs_the_model_during_its_pause() -> None:
    def meanwhile(run: Training, monitor: td.TrainingMonitor, handle: Any) -> None:
        handle.pause()
        while monitor.control.state != "paused":
            time.sleep(0.01)
        preview = td.SegmentationPreview.from_model(run.model, IMAGES, from_logits=True)
        assert preview.refresh()
        assert between_steps(threading.current_thread).name == "torchdial training"
        assert monitor.control.state == "paused"
        handle.resume()

    assert all(trained(in_a_loop, meanwhile).modes)


def test_the_caller_has_its_own_settings_there_and_gets_what_is_raised() -> None:
    def look() -> tuple[bool, bool, str]:
        return (
            torch.is_grad_enabled(),
            torch.is_autocast_enabled("cpu"),
            threading.current_thread().name,
        )

    def fail() -> None:
        raise ZeroDivisionError("of the caller")

    def meanwhile(*_: Any) -> None:
        with torch.no_grad():
            assert between_steps(look) == (False, False, "torchdial training")
        with torch.autocast("cpu", torch.bfloat16):
            assert between_steps(look) == (True, True, "torchdial training")
        with pytest.raises(ZeroDivisionError, match="of the caller"):
            between_steps(fail)

    trained(in_a_loop, meanwhile)


def test_a_run_that_only_steps_its_optimizer_is_served_in_time() -> None:
    def only_steps(run: Training, monitor: td.TrainingMonitor) -> None:
        for _ in range(1_000):
            run.step()
            if called.is_set():
                return

    called = threading.Event()

    def meanwhile(*_: Any) -> None:
        assert between_steps(lambda: threading.current_thread().name) == "torchdial training"
        called.set()

    trained(only_steps, meanwhile)


def test_two_runs_in_threads_are_both_between_steps() -> None:
    """And two callers at once do not wait for each other."""
    inside = [0, 0]
    over = threading.Event()
    seen: list[tuple[int, int]] = []

    def train(k: int, monitor: td.TrainingMonitor, run: Training) -> None:
        for _ in monitor.loop(iter(int, 1)):
            inside[k] = 1
            run.step()
            inside[k] = 0
            if over.is_set():
                return

    runs = [Training() for _ in range(2)]
    monitors = [td.TrainingMonitor(run.model, run.optimizer) for run in runs]
    handles = [m.start(train, k, m, runs[k]) for k, m in enumerate(monitors)]

    def call() -> None:
        for _ in range(5):
            between_steps(lambda: seen.append((inside[0], inside[1])))

    callers = [threading.Thread(target=call) for _ in range(2)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    over.set()
    for handle, monitor in zip(handles, monitors, strict=True):
        handle.result(timeout=30)
        monitor.close()
    assert seen == [(0, 0)] * 10


def test_a_loop_left_open_in_a_thread_that_ended_is_not_waited_for() -> None:
    training = Training()
    monitor = td.TrainingMonitor(training.model, training.optimizer)
    left_open = []

    def train() -> None:
        batches = iter(monitor.loop(range(5)))
        left_open.append(batches)
        next(batches)
        training.step()

    thread = threading.Thread(target=train)
    thread.start()
    thread.join()
    assert monitor.control.state == "running"
    assert between_steps(lambda: 3) == 3
    left_open.pop().close()
