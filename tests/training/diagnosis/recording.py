"""A plain recording loop, so that the rules are tested by what really happens in training."""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.optim import Optimizer

from torchdial.training import Event, History
from torchdial.training.diagnosis import Diagnosis
from torchdial.training.matrix import LayerMatrix


class Recorder:
    """Writes what a monitor would, by the plainest code there is, and looks now and then."""

    def __init__(self, *models: nn.Module, total_steps: int | None = None) -> None:
        self.history = History()
        self.diagnosis = Diagnosis(self.history)
        self.total_steps = total_steps
        self.events: list[Event] = []
        self.done = 0
        self.parameters = {
            (f"{i}." if len(models) > 1 else "") + name: parameter
            for i, model in enumerate(models)
            for name, parameter in model.named_parameters()
            if parameter.requires_grad
        }
        for matrix in ("grad_norm", "weight_norm", "update_ratio"):
            rows = [n for n, p in self.parameters.items() if p.ndim >= 2 or matrix == "grad_norm"]
            self.history.layers[matrix] = LayerMatrix(rows, self.history.lock)

    @torch.no_grad()
    def step(self, optimizer: Optimizer, *, counts: bool = True, scaler=None) -> None:
        """Record the gradients, take the step, record what it changed."""
        mine = {id(p) for group in optimizer.param_groups for p in group["params"]}
        held = {n: p for n, p in self.parameters.items() if id(p) in mine and p.grad is not None}
        scale = scaler.get_scale() if scaler else 1.0
        norms = {n: float(p.grad.float().norm()) / scale for n, p in held.items()}
        before = {n: p.detach().clone() for n, p in held.items() if p.ndim >= 2}
        scalars = {"lr": optimizer.param_groups[0]["lr"]}
        scalars["grad_norm"] = math.sqrt(sum(norm**2 for norm in norms.values()))
        if scaler:
            scaler.step(optimizer)
            scaler.update()
            scalars["amp_scale"] = scale
        else:
            optimizer.step()
        skipped = bool(scaler) and scaler.get_scale() < scale
        self.done += counts and not skipped
        self.history.record(self.done, scalars | ({"skipped": 1.0} if skipped else {}))
        sizes = {n: float(weight.norm()) for n, weight in before.items()}
        changes = {n: float((held[n] - before[n]).norm()) / sizes[n] for n in before}
        for matrix, values in [
            ("grad_norm", norms),
            ("weight_norm", sizes),
            ("update_ratio", changes),
        ]:
            self.history.record_layers(matrix, list(values), self.done, list(values.values()))

    @torch.no_grad()
    def log(self, **scalars: float) -> None:
        self.history.record(self.done, {name: float(value) for name, value in scalars.items()})
        if self.done % 7 == 0:
            self.events += self.diagnosis.look(self.total_steps)

    def finish(self) -> list[Event]:
        """Return all that was said about the run."""
        self.events += self.diagnosis.look(self.total_steps, final=True)
        return self.events
