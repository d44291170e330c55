"""Norm and coefficient of clipping, until the gradients that were clipped are replaced."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from torchdial.training.recording.device_buffers import Number, Recorder
from torchdial.training.recording.step_records import GradientClip, GradientReading, StepRecord


def forget_old_clips(record: StepRecord, parameters: Sequence[Tensor]) -> None:
    """Drop clips of gradients that were replaced or changed since, as after a skipped step."""
    count = len(record.clips)
    forget_replaced_clips(record, parameters)
    is_changed = any(clip.gradient._version != clip.version for clip in record.clips)
    if is_changed or len(record.clips) < count:
        record.clips = []


def forget_replaced_clips(record: StepRecord, parameters: Sequence[Tensor]) -> None:
    """Drop clips of gradients that the parameters no longer hold."""
    held = {id(p.grad) for p in parameters if p.grad is not None}
    record.clips = [clip for clip in record.clips if id(clip.gradient) in held]


def clipped_ids(record: StepRecord) -> set[int]:
    """Return the ids of all parameters whose gradients were clipped."""
    return {i for clip in record.clips for i in clip.parameters}


def has_known_total(record: StepRecord, parameters: Sequence[Tensor]) -> bool:
    """Return whether the norms that the clips returned make up that of all gradients."""
    ids = clipped_ids(record)
    return all(clip.is_total for clip in record.clips) and all(
        id(p) in ids for p in parameters if p.grad is not None
    )


def add_clip(
    record: StepRecord,
    clipped: Sequence[Tensor],
    total: Tensor,
    max_norm: float,
    recorder: Recorder[StepRecord],
    reading: GradientReading | None,
    is_total: bool,
) -> None:
    """Add a clip that was just done to the attempt that closes next.

    Args:
        record: the attempt.
        clipped: the optimizer's parameters among those clipped, each with a gradient.
        total: the norm that torch returned.
        max_norm: what it was clipped to.
        recorder: carries the numbers.
        reading: the gradients from before.
        is_total: whether `total` is the Euclidean norm of these parameters' gradients alone.
    """
    ids = frozenset(id(p) for p in clipped)
    # Arithmetic with a DTensor would communicate; what its total is multiplied by stays unknown.
    is_plain = not hasattr(total, "to_local")
    coefficients: list[Number] = []
    if is_plain:  # torch's own formula; what it multiplied by is not returned
        coefficients = [recorder.number(torch.clamp(max_norm / (total + 1e-6), max=1.0))]
    again = next((clip for clip in record.clips if clip.parameters == ids), None)
    if again is not None:
        again.coefficients += coefficients
    else:
        is_first = not ids & clipped_ids(record)
        gradients = [p.grad for p in clipped if p.grad is not None]
        smallest = min(gradients, key=lambda gradient: gradient.numel())
        number = recorder.number(total)
        known = is_total and is_first and is_plain
        record.clips.append(
            GradientClip(ids, number, coefficients, known, smallest, smallest._version, reading)
        )
    for clip in record.clips:
        clip.version = clip.gradient._version
