"""What control needs of a monitor, and small runs whose every step is known."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from torchdial.training.control.control import Control
from torchdial.training.control.loop import Loop, loop
from torchdial.training.history.events import Event


class Steps:
    """Counts the steps of the first optimizer and tells the control about all."""

    def __init__(self, *optimizers: Optimizer) -> None:
        self.step = 0
        self.events: list[Event] = []
        self.problems: list[str] = []
        self.control = Control(lambda: self.step)
        self.control.on_event = self.events.append
        self.control.on_problem = self.problems.append
        for optimizer in optimizers:
            optimizer.register_step_pre_hook(lambda o, *_: self.control.before_step(o))
            optimizer.register_step_post_hook(self._after)
        self._first = optimizers[0] if optimizers else None

    def _after(self, optimizer: Optimizer, *_: Any) -> None:
        if optimizer is self._first:
            self.step += 1
        self.control.after_step(optimizer)

    def loop(self, loader: Any, epochs: int = 1, total: int | None = None) -> Loop[Any]:
        return loop(self.control, loader, epochs, total)

    def log(self) -> None:
        if self._first is None:
            self.step += 1
        self.control.boundary()

    @property
    def kinds(self) -> list[str]:
        return [event.kind for event in self.events]


class SlowSteps(nn.Module):
    """A run whose optimizer's steps take long enough to be hit, with many parameters."""

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.layers = nn.ParameterList(torch.randn(8, 8, generator=generator) for _ in range(40))
        self.optimizer = torch.optim.AdamW(self.parameters(), lr=0.01, foreach=False)

    def loss(self) -> Tensor:
        return torch.stack([(p * p).sum() for p in self.parameters()]).sum()

    def train_step(self) -> Tensor:
        self.optimizer.zero_grad()
        loss = self.loss()
        loss.backward()
        self.optimizer.step()
        return loss

    @property
    def counts(self) -> set[int]:
        """How often each parameter was stepped."""
        return {int(state["step"]) for state in self.optimizer.state.values() if state}

    @property
    def weights(self) -> Tensor:
        return torch.stack([p.detach().clone() for p in self.parameters()])


class Undisturbed:
    """The weights after each step of a run without interruptions."""

    def __init__(self) -> None:
        self._run = SlowSteps()
        self._weights = [self._run.weights]

    def after(self, steps: int) -> Tensor:
        while len(self._weights) <= steps:
            self._run.train_step()
            self._weights.append(self._run.weights)
        return self._weights[steps]
