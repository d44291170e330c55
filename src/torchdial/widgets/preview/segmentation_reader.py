"""Reads maps and targets for the segmentation preview: of a fixed number and size of images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from torchdial.array_types import Bytes
from torchdial.inputs import Stops, Task, to_probabilities, to_targets
from torchdial.inputs.arguments import is_dense
from torchdial.inputs.errors import describe, refusal
from torchdial.inputs.min_sizes import Connectivity, to_connectivity, to_min_sizes
from torchdial.inputs.probability_maps import as_tensor_call
from torchdial.inputs.score_maps import check_scores, to_score_maps
from torchdial.models.predictions import Given, ModelMaps
from torchdial.sweeps.pixels.area_opening import without_small_parts
from torchdial.sweeps.pixels.pixel_counts import Levels
from torchdial.sweeps.pixels.segmentation_frame import (
    SegmentationFrame,
    frame_of_levels,
    measure_frame,
)


class MapReader:
    """Reads maps and targets of a fixed number and size of images."""

    def __init__(
        self,
        shape: tuple[int, ...],
        task: Task,
        stops: Stops,
        from_logits: bool,
        ignore_index: int | None,
        targets: Any,
        include_background: bool,
        min_sizes: Sequence[int] | None,
        connectivity: Connectivity,
    ) -> None:
        check_scores(stops, task, from_logits=from_logits)
        self.shape = shape  # of the pictures, (N, H, W, C)
        self.include_background = include_background
        self.task: Task = task
        self.stops = stops
        self.from_logits = from_logits
        self.ignore_index = ignore_index
        self.min_sizes = to_min_sizes(min_sizes)
        self.connectivity = to_connectivity(connectivity)
        self._given_targets = targets
        self._targets: torch.Tensor | None = None
        self._num_classes: int | None = None

    def measure(self, source: Given | ModelMaps) -> SegmentationFrame:
        """Return the frame of a source's maps now."""
        batches = self._batches(source)
        return self._opened(measure_frame(batches, self.task, self.stops, self.include_background))

    def frame_of(self, levels: Levels) -> SegmentationFrame:
        """Return the frame of levels of all images."""
        return self._opened(self._count(levels))

    def _opened(self, frame: SegmentationFrame) -> SegmentationFrame:
        """Return a frame with what is left of it at each minimum size."""
        opened = (
            without_small_parts(frame.planes, size, self.connectivity)
            for size in self.min_sizes[1:]
        )
        return replace(frame, opened=tuple(map(self._count, opened)))

    def _count(self, levels: Levels) -> SegmentationFrame:
        targets = None if self._targets is None else self._targets.cpu()
        return frame_of_levels([(levels, targets)], self.task, self.stops, self.include_background)

    def host_targets(self) -> Bytes | None:
        """Return the canonical targets, once a frame has been measured."""
        return None if self._targets is None else np.asarray(self._targets.cpu())

    def _batches(
        self, source: Given | ModelMaps
    ) -> Iterator[tuple[torch.Tensor, torch.Tensor | None]]:
        start = 0
        for given in source.batches():
            probs = self._to_maps(given)
            self._check_size(given, probs, start, from_model=isinstance(source, ModelMaps))
            self._read_targets(probs.shape[1])
            stop = start + len(probs)
            targets = None if self._targets is None else self._targets[start:stop]
            yield probs, None if targets is None else targets.to(probs.device)
            start = stop

    def _to_maps(self, given: Any) -> torch.Tensor:
        if self.stops.of_scores:
            return to_score_maps(given)
        return to_probabilities(
            given,
            self.task,
            self._num_classes,
            from_logits=self.from_logits,
            scores_by="thresholds=td.quantile_stops(probs)" if self.task == "binary" else None,
        )

    def _check_size(self, given: Any, probs: torch.Tensor, start: int, *, from_model: bool) -> None:
        num_images, height, width, _ = self.shape
        stop = start + len(probs)
        if probs.shape[2:] == (height, width) and (
            stop <= num_images if from_model else stop == num_images
        ):
            return
        raise refusal(
            "the model's maps" if from_model else "probs",
            expected=f"a map of {height} × {width} for each of {num_images} images",
            got=describe(given),
            remedy=self._to_size("maps" if from_model else as_tensor_call("probs", given), probs)
            if not from_model
            else f"Pass output=lambda maps: {self._to_size('maps', probs)}",
        )

    def _read_targets(self, num_classes: int) -> None:
        if self._num_classes is not None:
            return
        if self._given_targets is not None:
            num_images, *size, _ = self.shape
            self._targets = to_targets(
                self._given_targets,
                (num_images, num_classes, *size),
                self.task,
                ignore_index=self.ignore_index,
            )
        self._num_classes = None if self.task == "binary" else num_classes

    def _to_size(self, given: str, probs: torch.Tensor) -> str:
        """Return the line that gives each picture a map of its size."""
        num_images, height, width, channels = self.shape
        size = tuple(probs.shape[-2:])
        if probs.ndim > 4:
            return f"Show the slices of volumes as images: {given}.movedim(2, 1).flatten(0, 1)."
        if size == (height, width) and len(probs) == channels and num_images == 1:
            return f"For {channels} grey images pass torch.as_tensor(images)[:, None]."
        if size == (height, width):
            return f"Pass the maps of these {num_images} images alone."
        if (height, width) in (tuple(probs.shape[1:3]), (len(probs), size[0])):
            return f"Move the channels before height and width: {given}.movedim(-1, -3)."
        if size == (width, height) and height != width:
            return f"Swap height and width: {given}.mT."
        resized = f"{given}.reshape({len(probs)}, -1, {size[0]}, {size[1]}), ({height}, {width})"
        return f"Resize the maps: torch.nn.functional.interpolate({resized})."


def size_of(probs: Any) -> tuple[int, int] | None:
    """Return (H, W) of maps, None where they come from a model."""
    first = probs[0] if isinstance(probs, (list, tuple)) and probs else probs
    plain = isinstance(first, np.ndarray) or (isinstance(first, torch.Tensor) and is_dense(first))
    shape: Sequence[int] = first.shape if plain else ()
    return (int(shape[-2]), int(shape[-1])) if len(shape) >= 2 else None
