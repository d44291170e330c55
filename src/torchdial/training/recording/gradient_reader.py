"""Reads gradients and weights of some parameters, without waiting for their device."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from torchdial.training.recording import gradient_statistics as gradients
from torchdial.training.recording.device_buffers import Numbers, Recorder
from torchdial.training.recording.step_records import Depth, GradientReading, UpdateReading
from torchdial.training.recording.watched_parameters import Parameters, stepped_by


class GradientReader:
    """Reads the watched ones among an optimizer's parameters.

    Args:
        parameters: which are watched, and their names.
        recorder: carries the numbers to the publishing thread.
    """

    def __init__(self, parameters: Parameters, recorder: Recorder[Any]) -> None:
        self._parameters = parameters
        self._recorder = recorder
        self._names: dict[int, tuple[list[int], list[str | None]]] = {}

    def named(self, index: int, optimizer: Optimizer) -> dict[str, Tensor]:
        """Return the watched parameters that an optimizer steps, by name."""
        stepped = list(stepped_by(optimizer))
        ids = [id(parameter) for parameter in stepped]
        known, names = self._names.get(index, ([], []))
        if known != ids or self._parameters.has_lazy:
            names = [self._parameters.name(parameter) for parameter in stepped]
            self._names[index] = ids, names
        return {name: p for name, p in zip(names, stepped, strict=True) if name is not None}

    @torch.no_grad()
    def read(
        self, named: Mapping[str, Tensor], depth: Depth, scale: Tensor | None = None
    ) -> GradientReading | None:
        """Read the gradients that some parameters hold now; None if they hold none.

        Args:
            named: the parameters by name.
            depth: what to read of them.
            scale: what the gradients are multiplied by, for the histograms of a sample.
        """
        if depth == "nothing":
            return None
        found = {name: p.grad for name, p in named.items() if p.grad is not None}
        plain = {name: gradients.plain(grad) for name, grad in found.items()}
        plain = {name: grad for name, grad in plain.items() if grad.numel()}
        if not plain:
            return None
        names, grads = list(plain), list(plain.values())
        self._parameters.add(names)
        reading = GradientReading(
            names, self._parameters.names, *self._norms(gradients.norms(grads), grads)
        )
        if depth == "sample":
            weights = gradients.norms([gradients.plain(named[name]) for name in names])
            counts = [gradients.log2_counts(grad, _beside(scale, grad)) for grad in grads]
            reading.weights = self._recorder.hold(weights)
            reading.largest = self._recorder.hold(gradients.largest(grads))
            reading.counts = self._recorder.hold(counts)
        return reading

    @torch.no_grad()
    def copies(self, named: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return copies of some values of each weight with two or more dimensions."""
        found = {name: p for name, p in named.items() if p.ndim > 1 and p.requires_grad}
        found = {name: p for name, p in found.items() if gradients.plain(p.detach()).numel()}
        return dict(zip(found, gradients.copied(list(found.values())), strict=True))

    @torch.no_grad()
    def compare(
        self, before: Mapping[str, Tensor], named: Mapping[str, Tensor]
    ) -> UpdateReading | None:
        """Return how far weights are from their copies; None if there are none."""
        names = [name for name in before if name in named]
        if not names:
            return None
        old = [before[name] for name in names]
        updates = gradients.updates(old, [named[name] for name in names])
        hold = self._recorder.hold
        return UpdateReading(names, hold(gradients.norms(old)), hold(updates))

    def _norms(
        self, norms: list[Tensor], grads: Sequence[Tensor]
    ) -> tuple[Numbers, Numbers | None]:
        """Hold norms, with what tells whether the gradients themselves were finite.

        On the CPU that is seen at once, and only where a norm is not finite.
        """
        if not all(self._recorder.is_at_hand(norm) for norm in norms):
            return self._recorder.hold(norms), self._recorder.hold(gradients.largest(grads))
        row = torch.stack(norms)
        if not math.isfinite(float(row.sum())):
            row = torch.stack(
                [
                    norm if math.isfinite(norm) else gradients.norm_without_overflow(grad)
                    for norm, grad in zip(norms, grads, strict=True)
                ]
            )
        return self._recorder.hold([row]), None


def _beside(scale: Tensor | None, tensor: Tensor) -> Tensor | None:
    return None if scale is None else scale.to(tensor.device, non_blocking=True)
