"""Where a preview's maps come from: given ones, or a model run anew at each refresh."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch

from torchdial.inference import Model, Output, predict


@dataclass(frozen=True)
class GivenMaps:
    """Maps that somebody has computed."""

    maps: Any

    def batches(self) -> Iterator[Any]:
        """Yield the maps, as they are."""
        yield self.maps


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
