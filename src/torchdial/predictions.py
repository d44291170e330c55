"""Where a preview's frames come from: given output, or a model run anew at each refresh."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import torch

from torchdial.inference import Model, Output, predict


class Source(Protocol):
    """Something that gives a model's output for the images of a preview."""

    def batches(self) -> Iterator[Any]:
        """Yield the output of some images after the other."""


S = TypeVar("S", bound=Source)


@dataclass(frozen=True)
class Given:
    """Output that somebody has computed."""

    output: Any

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

    def batches(self) -> Iterator[Any]:
        """Yield the model's output, batch by batch."""
        yield from predict(self.model, self.images, output=self.output, batch_size=self.batch_size)


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
