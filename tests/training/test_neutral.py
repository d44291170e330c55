"""Watching changes nothing: same weights bit for bit, same random numbers, errors kept away."""

import random

import numpy as np
import pytest
import torch
from torch import nn

import torchdial as td

STEPS = 200
OPTIMIZERS = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, foreach=False),
    "sgd foreach": lambda p: torch.optim.SGD(p, lr=0.05, weight_decay=1e-3, foreach=True),
    "sgd fused": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, fused=True),
    "adam": lambda p: torch.optim.Adam(p, lr=0.01, amsgrad=True, foreach=False),
    "adamw foreach": lambda p: torch.optim.AdamW(p, lr=0.01, maximize=False, foreach=True),
    "adamw fused": lambda p: torch.optim.AdamW(p, lr=0.01, fused=True),
    "rmsprop": lambda p: torch.optim.RMSprop(p, lr=0.01),
}


def net():
    return nn.Sequential(
        nn.Conv2d(1, 4, 3),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.Dropout(0.3),
        nn.Flatten(),
        nn.Linear(4 * 16, 3),
    )


def train(optimizer_of, watched, steps=STEPS, clip=None):
    """Train a small network with every source of chance in it; return all that came of it."""
    torch.manual_seed(0)
    np.random.seed(0)
    random.seed(0)
    model = net()
    optimizer = optimizer_of(model.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.05, total_steps=steps + 1)
    monitor = td.TrainingMonitor(model, optimizer, budget=1) if watched else None
    for _ in range(steps):
        x = torch.randn(8, 1, 6, 6) + random.random() + np.random.rand()
        loss = nn.functional.cross_entropy(model(x), torch.randint(0, 3, (8,)))
        optimizer.zero_grad()
        loss.backward()
        if clip and monitor is None:
            torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
        elif clip:
            monitor.clip_grad_norm_(max_norm=clip)
        optimizer.step()
        schedule.step()
        if monitor is not None:
            monitor.log(loss=loss)
    if monitor is not None:
        monitor.close()
        assert monitor.problem == ""
        assert monitor.step == steps
        assert len(monitor.history["grad_norm"]) == steps
    states = torch.get_rng_state(), np.random.get_state()[1], random.getstate()
    return model.state_dict(), optimizer.state_dict(), states


def assert_equal(one, other):
    for name, tensor in one[0].items():
        assert torch.equal(tensor, other[0][name]), name
    for index, state in one[1]["state"].items():
        for name, value in state.items():
            assert torch.equal(
                torch.as_tensor(value), torch.as_tensor(other[1]["state"][index][name])
            )
    assert torch.equal(one[2][0], other[2][0])
    assert np.array_equal(one[2][1], other[2][1])
    assert one[2][2] == other[2][2]


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_weights_after_200_steps_and_random_numbers_are_the_same_bit_for_bit(kind):
    assert_equal(train(OPTIMIZERS[kind], False), train(OPTIMIZERS[kind], True))


def test_clipping_by_the_monitor_leaves_the_same_weights_bit_for_bit():
    sgd = OPTIMIZERS["sgd"]
    assert_equal(train(sgd, False, clip=0.3), train(sgd, True, clip=0.3))


def test_closures_leave_the_same_weights_bit_for_bit():
    def run(watched):
        torch.manual_seed(0)
        model = nn.Linear(4, 1)
        optimizer = torch.optim.LBFGS(model.parameters(), line_search_fn="strong_wolfe")
        monitor = td.TrainingMonitor(model, optimizer, budget=1) if watched else None
        x = torch.randn(16, 4)
        calls = []

        def closure():
            calls.append(1)
            optimizer.zero_grad()
            loss = model(x).cos().mean()
            loss.backward()
            return loss

        for _ in range(5):
            optimizer.step(closure)
        if monitor is not None:
            monitor.close()
            assert monitor.problem == ""
        return model.weight.detach(), len(calls)

    (bare, calls), (watched, calls_watched) = run(False), run(True)
    assert torch.equal(bare, watched)
    assert calls == calls_watched


def test_grad_mode_and_gradients_are_left_alone():
    model = nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    monitor = td.TrainingMonitor(model, optimizer, budget=1)
    model(torch.ones(1, 2)).sum().backward()
    before, versions = model.weight.grad, model.weight.grad._version
    optimizer.step()
    assert torch.is_grad_enabled()
    assert model.weight.grad is before
    assert model.weight.grad._version == versions
    monitor.close()


def stepping(monitor, model, optimizer, steps=3):
    for _ in range(steps):
        optimizer.zero_grad()
        model(torch.ones(1, 2)).sum().backward()
        optimizer.step()
        monitor.log(loss=1.0)


BROKEN = {
    "reading gradients": "torchdial.training.recording.gradient_reader.gradients.norms",
    "comparing weights": "torchdial.training.recording.gradient_reader.gradients.updates",
    "taking down numbers": "torchdial.training.recording.device_buffers.Recorder.add",
    "writing": "torchdial.training.recording.record_writer.RecordWriter.write",
    "diagnosis": "torchdial.training.diagnosis.diagnosis.Diagnosis.look",
    "measuring": "torchdial.training.recording.overhead_budget.Clock.readings",
    "dials": "torchdial.training.control.control.Control.before_step",
    "dials after": "torchdial.training.control.control.Control.after_step",
}


@pytest.mark.parametrize("part", BROKEN)
def test_an_error_inside_never_reaches_the_loop_and_is_shown_once(part, monkeypatch):
    def broken(*args, **kwargs):
        raise RuntimeError(f"planted in {part}")

    monkeypatch.setattr(BROKEN[part], broken)
    model = nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    with torch.no_grad():
        model.weight.fill_(1.0)
    monitor = td.TrainingMonitor(model, optimizer, budget=1)
    stepping(monitor, model, optimizer)
    assert monitor._publisher.catch_up(events=True) == 0  # nothing is waited for in vain
    monitor.close()
    assert monitor.problem.count(f"RuntimeError: planted in {part}") == 1
    assert "Traceback" in monitor.problem
    assert model.weight.tolist() == [[-0.5, -0.5]]  # 1 − 3 · 0.5


def test_errors_of_subscribers_and_of_on_event_are_kept_and_the_others_are_served():
    def broken(*args):
        raise RuntimeError("planted in a callback")

    called = []
    model = nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    monitor = td.TrainingMonitor(model, optimizer, on_event=broken)
    monitor.subscribe(broken)
    monitor.subscribe(lambda: called.append(1))
    stepping(monitor, model, optimizer)
    monitor.log(loss=float("nan"))
    monitor.close()
    assert called
    assert "planted in a callback" in monitor.problem
    assert monitor.events


def test_errors_of_the_training_itself_are_not_swallowed():
    model = nn.Linear(2, 1)
    optimizer = torch.optim.LBFGS(model.parameters())
    monitor = td.TrainingMonitor(model, optimizer)

    def closure():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        optimizer.step(closure)
    monitor.close()
    assert monitor.problem == ""
