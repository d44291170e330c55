"""Where a preview's frames come from: given output, or a model that runs at each refresh."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar

import torch
from torch import nn

from torchdial.inputs.errors import describe, refusal
from torchdial.inputs.numbers import to_whole
from torchdial.inputs.probability_maps import to_tensor
from torchdial.models.between_steps import between_steps
from torchdial.models.inference import (
    Model,
    Output,
    by_batches,
    like_parameters,
    part_of,
    predict,
    undisturbed,
)
from torchdial.models.raw_candidates import has_raw_candidates, raw_candidates


class OutputSource(Protocol):
    """Something that gives a model's output for the images of a preview."""

    @property
    def num_classes(self) -> int | None:
        """The number of classes of the model's head, if that is known."""

    def batches(self) -> Iterator[Any]:
        """Yield the output of some images after the other."""


S = TypeVar("S", bound=OutputSource)
Result = TypeVar("Result")


@dataclass(frozen=True)
class Given:
    """Output that was computed before."""

    output: Any
    num_classes: None = None

    def batches(self) -> Iterator[Any]:
        """Yield the output, as it is."""
        yield self.output


@dataclass(frozen=True)
class ModelMaps:
    """Maps of a model's current weights for the same images."""

    model: Model
    images: torch.Tensor
    output: Output
    batch_size: int
    num_classes: None = None

    def batches(self) -> Iterator[Any]:
        """Yield the model's output, batch by batch."""
        yield from predict(self.model, self.images, output=self.output, batch_size=self.batch_size)


@dataclass(frozen=True)
class ModelDetections:
    """What a detector's current weights find in the same images.

    One of torchvision's is called with a list and returns its candidates before NMS. Another model
    is called with the images as they are, a batch or a list, and `output` finds in its output what
    `to_detections` reads.
    """

    model: Model
    images: torch.Tensor | Sequence[torch.Tensor]
    output: Output
    batch_size: int
    score_floor: float

    @property
    def num_classes(self) -> int | None:
        """`nc` of the last module that has it, as the head of a YOLO model does; None without."""
        modules = self.model.modules() if isinstance(self.model, nn.Module) else []
        counts: list[Any] = [getattr(module, "nc", None) for module in modules]
        return next((count for count in reversed(counts) if isinstance(count, int)), None)

    def batches(self) -> Iterator[Any]:
        """Yield what is found, batch by batch."""
        yield from by_batches(self._detect, self.images, self.batch_size)

    def _detect(self, images: torch.Tensor | Sequence[torch.Tensor]) -> Any:
        known = has_raw_candidates(self.model)
        given: Any
        if known or not isinstance(images, torch.Tensor):
            given = [like_parameters(self.model, image) for image in images]
        else:
            given = like_parameters(self.model, images)
        raw: Any = (
            raw_candidates(self.model, self.score_floor, masks=True) if known else nullcontext()
        )
        with undisturbed(self.model), raw:
            return part_of(self.model(given), self.output, "output")


def with_source(source: OutputSource, work: Callable[[], Result]) -> Result:
    """Return what `work` returns, which reads a source: a model's between two training steps.

    All batches are read by the same weights, also while another thread trains the model.

    Raises:
        TimeoutError: No step of that training ended within 2 s.
    """
    return work() if isinstance(source, Given) else between_steps(work)


def next_source(source: Given | S, output: Any, *, what: str, argument: str) -> Given | S:
    """Return where the next frame comes from: what is given now, or the model again.

    Raises:
        TypeError: `output` is missing, or is given to a preview of a model.
    """
    if (output is None) == isinstance(source, Given):
        raise TypeError(
            f"refresh: expected {what} for a preview made of {what} and none for one made by "
            f"from_model, got the other. Call refresh({argument}), or refresh() after from_model."
        )
    return source if output is None else Given(output)


def at_other_images(source: Any, images: Any, model: Model | None, *, targets: bool) -> Any:
    """Return a model's source for other images, perhaps of another model.

    Raises:
        TypeError: the preview was made of output, or with targets.
        ValueError: the images are no input of a model.
    """
    if isinstance(source, Given) or targets:
        raise TypeError(
            "look_at: expected a preview made by from_model and without targets, got one of "
            f"{'output' if isinstance(source, Given) else 'targets'}. Other images take a model "
            "to run, and have other targets."
        )
    inputs = to_batch(images) if isinstance(source, ModelMaps) else to_inputs(images)
    return replace(source, images=inputs, model=source.model if model is None else model)


def to_batch(images: Any) -> torch.Tensor:
    """Return a model's input.

    Raises:
        ValueError: it is no batch (N, C, H, W).
    """
    inputs = to_tensor("images", images)
    if inputs.ndim == 4:
        return inputs
    raise refusal(
        "images",
        expected="a batch (N, C, H, W), as the model takes it",
        got=describe(inputs),
        remedy="Add the batch dimension with images[None]."
        if inputs.ndim < 4
        else "Show the slices of volumes as images: run the model, and pass SegmentationPreview "
        "images and maps each as x.movedim(2, 1).flatten(0, 1).",
    )


def to_inputs(images: Any) -> torch.Tensor | list[torch.Tensor]:
    """Return images as a model takes them: a batch, or a list of single ones of any sizes.

    Raises:
        ValueError: they are neither.
    """
    if not isinstance(images, (list, tuple)):
        return to_batch(images)
    inputs = [to_tensor(f"images[{i}]", image) for i, image in enumerate(images)]
    for i, image in enumerate(inputs):
        if image.ndim != 3:
            raise refusal(
                f"images[{i}]",
                expected="an image (C, H, W), as the model takes it",
                got=describe(image),
                remedy="Pass a list of single images, or one batch by itself.",
            )
    return inputs


def check_batch_size(batch_size: int) -> None:
    """Raise ValueError for a batch of no images."""
    to_whole("batch_size", batch_size, 1, remedy="8 is usual.")


def check_model(model: Model) -> None:
    """Raise ValueError for a model that is not callable."""
    if not callable(model):
        raise refusal(
            "model",
            expected="a torch.nn.Module, or another function of images",
            got=describe(model),
            remedy="Pass the model itself; output of a model goes to the constructor.",
        )
