"""Trainings recorded by the monitor, as a user's are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn
from torch.optim import Optimizer

from torchdial.training import Event, History
from torchdial.training.monitor import TrainingMonitor


class Recorder:
    """A monitor that reads every step, however little a step of these small models takes."""

    def __init__(
        self, model: nn.Module | Mapping[str, nn.Module], optimizer: Any, scaler: Any = None
    ) -> None:
        self.monitor = TrainingMonitor(model, optimizer, scaler, budget=1.0)
        self.scaler = scaler

    @property
    def history(self) -> History:
        return self.monitor.history

    def step(self, optimizer: Optimizer) -> None:
        if self.scaler is None:
            optimizer.step()
        else:
            self.scaler.step(optimizer)
            self.scaler.update()

    def log(self, **scalars: Any) -> None:
        self.monitor.log(scalars)

    def finish(self) -> list[Event]:
        """Return all that was said about the run."""
        self.monitor.close()
        assert self.monitor.problem == ""
        return self.monitor.events
