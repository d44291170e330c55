"""Reads gradients when an optimizer steps, through the hooks it has for that."""

from __future__ import annotations

import math
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch.optim import Optimizer

from torchdial.training.recording import gradient_statistics as gradients
from torchdial.training.recording.device_buffers import Numbers, Recorder
from torchdial.training.recording.overhead_budget import Clock, Pace, Reading as Depth
from torchdial.training.recording.step_records import Reading, Sample
from torchdial.training.recording.watched_parameters import Parameters, stepped_by

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass
class Plan:
    """The parameters one optimizer steps, and what they are called; None is not watched."""

    ids: list[int] = field(default_factory=list)
    names: list[str | None] = field(default_factory=list)


@dataclass
class Step:
    """A step of an optimizer that has begun.

    Attributes:
        depth: what is to be read at it.
        reading: what was read last, after the last call of a closure.
        before: copies of some weights by name, from before the step.
    """

    depth: Depth
    reading: Reading | None = None
    before: dict[str, Tensor] = field(default_factory=dict)


class Watch:
    """Takes readings of gradients and weights.

    Args:
        parameters: which of them, and their names.
        recorder: what the numbers are put down in.
        clock: says how often there is time for it.
        optimizers: how many there are.
    """

    def __init__(
        self, parameters: Parameters, recorder: Recorder[Any], clock: Clock, optimizers: int
    ) -> None:
        self.parameters = parameters
        self.paces = [Pace(clock, 1 / max(optimizers, 1)) for _ in range(max(optimizers, 1))]
        self.has_shards = False
        self._recorder = recorder
        self._clock = clock
        self._plans = [Plan() for _ in range(optimizers)]
        self._steps: list[Step | None] = [None] * optimizers

    def begin(self, index: int, optimizer: Optimizer, depth: Depth | None = None) -> None:
        """Say that an optimizer is about to step, maybe after calls of a closure."""
        step = self._steps[index] = Step(depth or self.paces[index].due())
        if step.depth == "sample":
            began = time.perf_counter()
            step.before = self._copies(self._named(index, optimizer))
            self._clock.reading += time.perf_counter() - began

    def read(self, index: int, optimizer: Optimizer) -> None:
        """Read the gradients an optimizer is about to use."""
        step = self._steps[index]
        if step is None or step.depth == "nothing":
            return
        began = time.perf_counter()
        scale = getattr(optimizer, "grad_scale", None)
        step.reading = self.take(self._named(index, optimizer), step.depth, scale)
        if step.reading is not None and index:
            step.reading.total = f"grad_norm/{index}"
        self._spent(index, step.depth, began)

    def give(self, index: int, reading: Reading | None) -> None:
        """Take a reading made elsewhere, before the gradients were clipped, as the step's."""
        step = self._steps[index]
        if step is not None:
            step.reading = reading
            if reading is not None and index:
                reading.total = f"grad_norm/{index}"

    @property
    def depth(self) -> Depth | None:
        """What is to be read at the step that has begun, if one has."""
        return next((step.depth for step in self._steps if step is not None), None)

    def end(self, index: int, optimizer: Optimizer) -> Reading | None:
        """Say that the step is done; return what was read of it."""
        step, self._steps[index] = self._steps[index], None
        if step is None or step.reading is None:
            return None
        if step.before and step.reading.sample is not None:
            began = time.perf_counter()
            self._compare(step.reading.sample, step.before, self._named(index, optimizer))
            self._clock.reading += time.perf_counter() - began
        return step.reading

    def take(
        self, named: Mapping[str, Tensor], depth: Depth, scale: Tensor | None = None
    ) -> Reading | None:
        """Read the gradients that some parameters hold now; None if they hold none.

        Args:
            named: the parameters by name.
            depth: what to read of them.
            scale: what the gradients are to be divided by.
        """
        found = {name: p.grad for name, p in named.items() if p.grad is not None}
        if not found:
            return None
        self.parameters.add(list(found))
        grads = [self._plain(grad) for grad in found.values()]
        norms, largest = self._settled(gradients.norms(grads), grads)
        reading = Reading(list(found), self.parameters.names, norms, largest=largest)
        if scale is not None:
            reading.scale = self._recorder.number(scale)
        if depth == "sample":
            reading.sample = self._sample({name: named[name] for name in found}, grads, scale)
        return reading

    def _settled(
        self, norms: list[Tensor], grads: Sequence[Tensor]
    ) -> tuple[Numbers, Numbers | None]:
        """Put norms down, with what tells whether the gradients themselves were finite.

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

    def _sample(
        self, named: Mapping[str, Tensor], grads: Sequence[Tensor], scale: Tensor | None
    ) -> Sample:
        hold = self._recorder.hold
        return Sample(
            weights=hold(gradients.norms([self._plain(p) for p in named.values()])),
            largest=hold(gradients.largest(grads)),
            counts=hold([gradients.log2_counts(grad, _beside(scale, grad)) for grad in grads]),
            matrices=[],
        )

    def _copies(self, named: Mapping[str, Tensor]) -> dict[str, Tensor]:
        matrices = {name: p for name, p in named.items() if p.ndim > 1 and p.requires_grad}
        return dict(zip(matrices, gradients.copied(list(matrices.values())), strict=True))

    def _compare(
        self, sample: Sample, before: Mapping[str, Tensor], named: Mapping[str, Tensor]
    ) -> None:
        names = [name for name in before if name in named]
        old = [before[name] for name in names]
        sample.matrices = names
        sample.before = self._recorder.hold(gradients.norms(old))
        sample.updates = self._recorder.hold(gradients.updates(old, [named[n] for n in names]))

    def _named(self, index: int, optimizer: Optimizer) -> dict[str, Tensor]:
        stepped = list(stepped_by(optimizer))
        plan, ids = self._plans[index], [id(p) for p in stepped]
        if plan.ids != ids:
            plan = self._plans[index] = Plan(ids, [self.parameters.name(p) for p in stepped])
        return {name: p for name, p in zip(plan.names, stepped, strict=True) if name is not None}

    def _plain(self, tensor: Tensor) -> Tensor:
        if hasattr(tensor, "to_local"):
            self.has_shards = True
        return gradients.plain(tensor)

    def _spent(self, index: int, depth: Depth, began: float) -> None:
        seconds = time.perf_counter() - began
        self._clock.reading += seconds
        self.paces[index].took(depth, seconds)


def _beside(scale: Tensor | None, tensor: Tensor) -> Tensor | None:
    return None if scale is None else scale.to(tensor.device, non_blocking=True)


def untraced(function: Function) -> Function:
    """Return a function that a compiled step calls and does not trace, so its graphs stay."""
    disable: Any = torch.compiler.disable
    called: Function = disable(function)
    return called


class Hooks:
    """Calls back around each step of some optimizers, until it is removed.

    What an optimizer holds of it is a weak reference, so that neither keeps the other alive, and
    pickles and copies of the optimizer know nothing of it.

    Args:
        optimizers: the optimizers, already out of their wrappings.
        target: its `before_step(index, optimizer, args, kwargs)` may return other arguments, its
            `after_step(index, optimizer)` nothing.
    """

    def __init__(self, optimizers: Sequence[Optimizer], target: Any) -> None:
        self._handles = []
        reference = weakref.ref(target)
        for index, optimizer in enumerate(optimizers):
            before, after = _pair(reference, index)
            self._handles += [
                optimizer.register_step_pre_hook(untraced(before)),
                optimizer.register_step_post_hook(untraced(after)),
            ]

    def remove(self) -> None:
        """Take the hooks away."""
        for handle in self._handles:
            handle.remove()
        self._handles = []


def _pair(reference: weakref.ref[Any], index: int) -> tuple[Any, Any]:
    def before(optimizer: Optimizer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        target = reference()
        return None if target is None else target.before_step(index, optimizer, args, kwargs)

    def after(optimizer: Optimizer, *_: Any) -> None:
        target = reference()
        if target is not None:
            target.after_step(index, optimizer)

    return before, after
