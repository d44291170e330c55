"""What is known of one attempt to step, on its way into the history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from torch import Tensor

from torchdial.training.recording.device_buffers import Number, Numbers, is_ready

Depth = Literal["nothing", "norms", "sample"]
"""What is read of the gradients of an attempt; a sample is the norms and more."""


@dataclass(slots=True)
class GradientReading:
    """What was read of some parameters' gradients, a number for each of `names`.

    Attributes:
        names: the parameters that had a gradient.
        rows: all that are watched, in the order of the network.
        norms: of the gradients.
        largest: max |gradient|, in samples and where an overflowed norm has to be told from an
            overflowed gradient.
        weights: norms of the weights before the step, in samples.
        counts: of each name one a bin, those of one name after the other, in samples.
    """

    names: Sequence[str]
    rows: Sequence[str]
    norms: Numbers
    largest: Numbers | None = None
    weights: Numbers | None = None
    counts: Numbers | None = None

    def ready(self) -> bool:
        """Return whether all has arrived."""
        return is_ready(self.norms, self.largest, self.weights, self.counts)


@dataclass(slots=True)
class GradientClip:
    """A call of `clip_grad_norm_` on parameters of one optimizer.

    Attributes:
        parameters: ids of all that were clipped.
        total: their norm before.
        coefficients: what they were multiplied by, more than one if they were clipped again, none
            if that is not known.
        is_total: whether `total` is a Euclidean norm of gradients as backward left them.
        gradient: one of the gradients; while it is a parameter's, the clip applies to it.
        version: the gradient's version counter after clipping.
        reading: the gradients from before.
    """

    parameters: frozenset[int]
    total: Number
    coefficients: list[Number]
    is_total: bool
    gradient: Tensor
    version: int
    reading: GradientReading | None


@dataclass(slots=True)
class UpdateReading:
    """How far an attempt moved some weights, a number for each of `names`.

    Attributes:
        names: weights with two or more dimensions.
        before: norms of the copied weights.
        updates: norms of what the step changed in them.
    """

    names: Sequence[str]
    before: Numbers
    updates: Numbers


@dataclass(slots=True)
class StepRecord:
    """One attempt of one optimizer to step, or one call of `log` between two.

    It is open, and gathers what clips and the optimizer's step add, until the step is over. Then
    it gets its serial number and its step, and nothing changes it any more.

    Attributes:
        optimizer: which of the monitor's; None for a log.
        depth: what is read of its gradients.
        serial: 1, 2, … in the order of closing.
        step: the run's step, counting those of the first optimizer that AMP skipped.
        time: seconds since the run began.
        measured: what torchdial measures, by name.
        logged: what the user logged, by name.
        given_step: the step the user gave with it, if any.
        is_own_axis: whether that is no step of the run but a number of the scalars' own.
        shift: by how much the run's axis moves before it.
        clips: what was clipped, and the gradients from before.
        reading: the gradients as the optimizer used them, of parameters that were not clipped.
        is_total_known: whether the clips' totals make up the norm of all of the gradients.
        update: how far the weights moved.
        scale: what a fused optimizer divides the gradients by.
        overflow: above 0 if a fused optimizer skipped the step.
        backoff: the factor by which each skipped step lowers the AMP scale.
        has_begun: whether the optimizer is in its step.
        before: copies of some weights by name, from before the step; only while it is open.
    """

    optimizer: int | None
    depth: Depth = "nothing"
    serial: int = 0
    step: int = 0
    time: float = 0.0
    measured: dict[str, Number] = field(default_factory=dict)
    logged: Mapping[str, Number] = field(default_factory=dict)
    given_step: int | None = None
    is_own_axis: bool = False
    shift: int = 0
    clips: list[GradientClip] = field(default_factory=list)
    reading: GradientReading | None = None
    is_total_known: bool = False
    update: UpdateReading | None = None
    scale: Number | None = None
    overflow: Number | None = None
    backoff: float = 1.0
    has_begun: bool = False
    before: dict[str, Tensor] = field(default_factory=dict)

    def close(self, serial: int, step: int, time: float) -> None:
        """Number it, and let go of the user's tensors."""
        self.serial, self.step, self.time = serial, step, time
        self.before = {}
        for clip in self.clips:
            del clip.gradient

    def readings(self) -> list[GradientReading]:
        """Return all that was read of gradients."""
        found = [*(clip.reading for clip in self.clips), self.reading]
        return [reading for reading in found if reading is not None]

    def ready(self) -> bool:
        """Return whether all has arrived."""
        return (
            is_ready(self.overflow, self.scale, *self.measured.values(), *self.logged.values())
            and all(reading.ready() for reading in self.readings())
            and all(is_ready(clip.total, *clip.coefficients) for clip in self.clips)
            and (self.update is None or is_ready(self.update.before, self.update.updates))
        )
