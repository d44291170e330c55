"""A small run with chance in it, watched or not, to which something happens half-way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

import torchdial as td

STEPS = 24
HALF = STEPS // 2


@dataclass
class Run:
    """A model that is trained; `monitor` is None where none watches."""

    model: nn.Module
    optimizer: torch.optim.Optimizer
    monitor: td.TrainingMonitor | None = None
    losses: list[float] = field(default_factory=list)
    kept: list[Any] = field(default_factory=list)

    @property
    def like(self) -> Tensor:
        return next(self.model.parameters())

    @property
    def weights(self) -> list[Tensor]:
        return [tensor.detach().clone() for tensor in self.model.state_dict().values()]


def net() -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.3), nn.Linear(8, 8), nn.Linear(8, 1)
    )


def batches(steps: int = STEPS) -> Iterator[Tensor]:
    for _ in range(steps):
        yield torch.randn(6, 4)


def begin(*, watched: bool, **settings: Any) -> Run:
    torch.manual_seed(0)
    model = net()
    run = Run(model, torch.optim.AdamW(model.parameters(), lr=0.01, foreach=False))
    if watched:
        run.monitor = td.TrainingMonitor(model, run.optimizer, budget=1, **settings)
    return run


def step(run: Run, batch: Tensor) -> None:
    loss = run.model(batch.to(run.like)).square().mean()
    run.optimizer.zero_grad()
    loss.backward()
    run.optimizer.step()
    run.losses.append(float(loss.detach()))
    if run.monitor is not None:
        run.monitor.log(loss=loss)


def train(
    happens: Callable[[Run], Any] = lambda run: None, *, watched: bool, **settings: Any
) -> Run:
    """Train, and let something happen half-way."""
    run = begin(watched=watched, **settings)
    for number, batch in enumerate(batches()):
        if number == HALF:
            happens(run)
        step(run, batch)
    if run.monitor is not None:
        run.monitor.flush()
    run.kept.append(torch.get_rng_state())
    return run


def check_same_training(bare: Run, watched: Run) -> None:
    """Check weights, buffers, optimizer and random state, bit for bit."""
    assert len(bare.weights) == len(watched.weights)
    for one, other in zip(bare.weights, watched.weights, strict=True):
        assert one.dtype == other.dtype
        assert torch.equal(one, other)
    states = [run.optimizer.state_dict()["state"] for run in (bare, watched)]
    assert states[0].keys() == states[1].keys()
    for key, state in states[0].items():
        for name, value in state.items():
            assert torch.equal(torch.as_tensor(value), torch.as_tensor(states[1][key][name]))
    assert torch.equal(bare.kept[-1], watched.kept[-1])
    assert bare.losses == watched.losses


def check_recorded(run: Run, steps: int = STEPS) -> None:
    """Check that every loss is in the history, and that nothing had to be kept from the loop."""
    monitor = run.monitor
    assert monitor is not None
    assert monitor.problem == ""
    assert monitor.step == steps
    assert monitor.history["loss"].values.tolist() == run.losses
    assert monitor.history["loss"].steps.tolist() == list(range(1, steps + 1))
    assert len(monitor.history["grad_norm"]) == steps
