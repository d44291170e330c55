"""Small trainings with one fault planted in each."""

from __future__ import annotations

import time
from unittest.mock import patch

import torch
from torch import nn
from torch.nn import functional

from tests.training.diagnosis.healthy import cnn, shapes
from tests.training.diagnosis.recorded_runs import Recorder
from torchdial.training.recording import publisher_thread


class Plain(nn.Module):
    """A stack of linear layers of 16 with an activation of one's choice."""

    def __init__(self, depth: int = 3, activation: type[nn.Module] = nn.ReLU) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(16, 16) for _ in range(depth))
        self.act = activation()
        self.head = nn.Linear(16, 4)

    def forward(self, x):
        for layer in self.layers:
            x = self.act(layer(x))
        return self.head(x)


def batch(generator: torch.Generator, size: int = 32):
    """Vectors whose class is where their largest of four sums is: learnable."""
    x = torch.randn(size, 16, generator=generator)
    return x, x.view(size, 4, 4).sum(2).argmax(1)


def train(
    model: nn.Module,
    steps: int,
    lr: float = 0.1,
    *,
    prepare=lambda step, x: x,
    criterion=functional.cross_entropy,
) -> Recorder:
    """Train, with `prepare(step, x)` as the place where a batch is spoilt."""
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    recorder = Recorder(model, optimizer)
    generator = torch.Generator().manual_seed(0)

    def batches():
        for step in range(1, steps + 1):
            x, y = batch(generator)
            yield prepare(step, x), y

    for x, y in recorder.monitor.loop(batches()):
        loss = criterion(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        recorder.step(optimizer)
        recorder.log(loss=loss)
    return recorder


def rate_too_high() -> Recorder:
    torch.manual_seed(0)
    return train(Plain(), 150, lr=30.0)


def explosion() -> Recorder:
    """Least squares a little above the rate that is stable: it grows by half with each step."""
    torch.manual_seed(0)

    def squared(output, target):
        return functional.mse_loss(output, functional.one_hot(target, 4).float())

    return train(nn.Linear(16, 4), 60, lr=5.0, criterion=squared)


def dead_relu() -> Recorder:
    torch.manual_seed(0)
    model = Plain()
    with torch.no_grad():
        model.layers[1].bias.fill_(-50.0)
    return train(model, 120)


def vanishing() -> Recorder:
    torch.manual_seed(0)
    return train(Plain(12, nn.Sigmoid), 120)


def nan_in_a_batch() -> Recorder:
    torch.manual_seed(0)
    return train(
        Plain(), 90, prepare=lambda step, x: x if step != 61 else x.index_fill(0, *NAN_ROW)
    )


NAN_ROW = (torch.tensor([3]), float("nan"))


class RootOfZero(nn.Module):
    """|x| as a root of a square, whose backward at 0 is 0/0: the loss itself stays finite."""

    def forward(self, x):
        return (x**2).sqrt()


def nan_in_backward() -> Recorder:
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Linear(16, 16, bias=False), RootOfZero(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 4)
    )
    return train(model, 90, prepare=lambda step, x: x if step != 61 else torch.zeros_like(x))


def bad_batches() -> Recorder:
    """Four batches in a row that are a hundred times too large, when the run has settled."""
    torch.manual_seed(0)
    return train(
        Plain(), 260, lr=0.05, prepare=lambda step, x: 20 * x.flip(1) if 200 < step <= 204 else x
    )


def slow_loader() -> Recorder:
    torch.manual_seed(0)

    def slow(step, x):
        time.sleep(0.05)
        return x

    # The rule wants seven readings of the system, which come once a second.
    with patch.multiple(publisher_thread, SYSTEM=0.1, UNSEEN=0.1):
        return train(Plain(), 40, prepare=slow)


class TwoHeads(Plain):
    """A second head whose output is not used."""

    def __init__(self) -> None:
        super().__init__()
        self.unused = nn.Linear(16, 2)


def unused_head() -> Recorder:
    torch.manual_seed(0)
    return train(TwoHeads(), 130)


def rate_of_zero() -> Recorder:
    torch.manual_seed(0)
    return train(Plain(), 60, lr=0.0)


def rate_too_low() -> Recorder:
    torch.manual_seed(0)
    return train(Plain(), 600, lr=1e-5)


def targets_of_chance() -> Recorder:
    torch.manual_seed(0)

    def chance(output, target):
        return functional.cross_entropy(output, target[torch.randperm(len(target))])

    return train(Plain(), 700, criterion=chance)


def float16_that_overflows() -> Recorder:
    """From step 51 on a gradient is infinite at any scale."""
    torch.manual_seed(0)
    model = cnn()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**16)
    recorder = Recorder(model, optimizer, scaler)
    generator = torch.Generator().manual_seed(0)
    for attempt in range(1, 81):
        x, y = shapes(16, generator)
        with torch.autocast("cpu", torch.float16):
            output = model(x)
        if attempt > 50:
            output.register_hook(lambda g: g * float("inf"))
        loss = functional.cross_entropy(output.float(), y)
        optimizer.zero_grad()
        scaler.scale(loss).backward()
        recorder.step(optimizer)
        recorder.log(loss=loss)
    return recorder
