"""A frame: the levels and counts of a model's maps at one moment, in host memory."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from torchdial.array_types import Bytes
from torchdial.inputs.probability_maps import Task
from torchdial.inputs.stops import Stops
from torchdial.sweeps.pixels.pixel_counts import Levels, Tally, count_levels, measure_levels
from torchdial.sweeps.pixels.threshold_curves import ThresholdCurves


@dataclass(frozen=True)
class SegmentationFrame:
    """Levels of N images and what they count.

    Attributes:
        levels: of each class, uint8 (N, C, H, W).
        argmax: for multiclass, the class of the highest probability, uint8 (N, H, W).
        maximum: for multiclass, that probability's level, uint8 (N, H, W).
        histogram: pixels at each level, int64 (C, T + 1); for multiclass a last row is the
            maximum's.
        curves: counts against the targets, where there are any.
    """

    levels: Bytes
    argmax: Bytes | None
    maximum: Bytes | None
    histogram: npt.NDArray[np.int64]
    curves: ThresholdCurves | None


def measure_frame(
    batches: Iterable[tuple[torch.Tensor, torch.Tensor | None]],
    task: Task,
    stops: Stops,
    include_background: bool = True,
) -> SegmentationFrame:
    """Measure canonical (probs, targets or None) batch by batch, on their own device.

    Only one byte a pixel and class is copied to the host; a batch's floats can be freed after it.
    """
    levels: list[Levels] = []
    tallies: list[Tally] = []
    histograms: list[torch.Tensor] = []
    for probs, targets in batches:
        batch = measure_levels(probs, task, stops)
        if targets is not None:
            tallies.append(count_levels(batch, targets, len(stops)))
        histograms.append(_histogram(batch, len(stops)).cpu())
        levels.append(batch)
    curves = None
    if tallies:
        curves = ThresholdCurves.from_tally(
            Tally.cat(tallies), task, stops, include_background=include_background
        )
    multiclass = task == "multiclass"
    return SegmentationFrame(
        _to_host([batch.classes for batch in levels]),
        _to_host([batch.argmax for batch in levels]) if multiclass else None,
        _to_host([batch.maximum for batch in levels]) if multiclass else None,
        torch.stack(histograms).sum(0).numpy(),
        curves,
    )


def _histogram(levels: Levels, num_stops: int) -> torch.Tensor:
    planes = list(levels.classes.unbind(1))
    if levels.maximum is not None:
        planes.append(levels.maximum)
    return torch.stack([torch.bincount(p.flatten(), minlength=num_stops + 1) for p in planes])


def _to_host(planes: list[torch.Tensor | None]) -> Bytes:
    return torch.cat([plane.cpu() for plane in planes if plane is not None]).numpy()
