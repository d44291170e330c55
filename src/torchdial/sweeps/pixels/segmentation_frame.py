"""A frame: the levels and counts of a model's maps at one moment, in host memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch

from torchdial.array_types import Bytes
from torchdial.inputs.device_copies import copy_together
from torchdial.inputs.probability_maps import Task
from torchdial.inputs.stops import Stops
from torchdial.sweeps.pixels.image_confusion import Cells, ImageConfusion, cells_of
from torchdial.sweeps.pixels.pixel_counts import (
    Levels,
    Tally,
    append_tally,
    bincount,
    count_image,
    count_joint,
    measure_levels,
)
from torchdial.sweeps.pixels.threshold_curves import ThresholdCurves
from torchdial.sweeps.pixels.top_classes import top_classes


@dataclass(frozen=True)
class SegmentationFrame:
    """Levels of N images and what they count.

    Attributes:
        levels: of each class, uint8 (N, C, H, W).
        argmax: for multiclass, the class of the highest probability, uint8 (N, H, W).
        maximum: for multiclass, that probability's level, uint8 (N, H, W).
        histograms: pixels of each image at each level, int64 (N, C, T + 1); for multiclass a last
            row is the maximum's.
        confusion: for multiclass, pixels of each image by target, argmax and level.
        curves: counts against the targets, where there are any.
        opened: the same without small parts, for each minimum size above 0.
    """

    levels: Bytes
    argmax: Bytes | None
    maximum: Bytes | None
    histograms: npt.NDArray[np.int64]
    confusion: ImageConfusion | None
    curves: ThresholdCurves | None
    opened: tuple[SegmentationFrame, ...] = ()
    _tops: dict[int, Bytes] = field(default_factory=dict, init=False, repr=False, compare=False)

    def at_size(self, index: int) -> SegmentationFrame:
        """Return the frame for a minimum size, 0 for what is not opened."""
        return self.opened[index - 1] if index else self

    def tops(self, image: int) -> Bytes:
        """Return `top_classes` of an image, computed when it is first looked at."""
        if image not in self._tops:
            self._tops[image] = top_classes(self.levels[image])
        return self._tops[image]

    @property
    def planes(self) -> Levels:
        """The levels as tensors that share their memory."""
        planes = (self.levels, self.argmax, self.maximum)
        return Levels(*(None if p is None else torch.from_numpy(p) for p in planes))  # type: ignore[arg-type]


def measure_frame(
    batches: Iterable[tuple[torch.Tensor, torch.Tensor | None]],
    task: Task,
    stops: Stops,
    include_background: bool = True,
) -> SegmentationFrame:
    """Measure canonical (probs, targets or None) batch by batch, on their own device.

    Only one byte a pixel and class is copied to the host, together with the histogram.
    """
    measured = ((measure_levels(probs, task, stops), targets) for probs, targets in batches)
    return frame_of_levels(measured, task, stops, include_background)


def frame_of_levels(
    batches: Iterable[tuple[Levels, torch.Tensor | None]],
    task: Task,
    stops: Stops,
    include_background: bool = True,
) -> SegmentationFrame:
    """Return the frame of (levels, targets or None), counted batch by batch on their device."""
    levels: list[Levels] = []
    tallies: list[Tally] = []
    cells: list[Cells] = []
    histograms: list[torch.Tensor] = []
    for batch, targets in batches:
        if targets is None:
            cells += map(cells_of, _joints_without_targets(batch, len(stops)))
            counted = [_histogram(image, len(stops)) for image in batch.images()]
        else:
            counted = []
            for image, target in zip(batch.images(), targets, strict=True):
                tally, of_classes = count_image(image, target, len(stops))
                counted.append(_histogram(image, len(stops), of_classes))
                cells += [] if tally.joint is None else [cells_of(tally.joint)]
                append_tally(tallies, tally)
        planes = [p for p in (batch.classes, batch.argmax, batch.maximum) if p is not None]
        of_images, *planes = copy_together("cpu", torch.stack(counted), *planes)
        histograms.append(of_images)
        levels.append(Levels(*planes))
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
        torch.cat(histograms).numpy(),
        ImageConfusion.of(cells, len(levels[0].classes[0])) if multiclass else None,
        curves,
    )


def _joints_without_targets(levels: Levels, num_stops: int) -> Iterator[torch.Tensor]:
    for image in levels.images():
        if image.argmax is not None and image.maximum is not None:
            planes = (torch.zeros_like(image.argmax), image.argmax, image.maximum)
            yield count_joint(*planes, len(image.classes), num_stops)


def _histogram(
    image: Levels, num_stops: int, of_classes: torch.Tensor | None = None
) -> torch.Tensor:
    """Return the pixels of an image at each level, (R, T + 1); those of classes may be known."""
    bins = num_stops + 1
    if of_classes is None:
        of_classes = torch.stack([bincount(plane.flatten(), bins) for plane in image.classes])
    if image.maximum is None:
        return of_classes
    return torch.cat([of_classes, bincount(image.maximum.flatten(), bins)[None]])


def _to_host(planes: list[torch.Tensor | None]) -> Bytes:
    found = [plane for plane in planes if plane is not None]
    return (found[0] if len(found) == 1 else torch.cat(found)).numpy()
