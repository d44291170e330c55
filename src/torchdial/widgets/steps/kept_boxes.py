"""The candidates of a frame as they are kept for the step dial."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch

from torchdial.sweeps.boxes.detection_frame import DetectionFrame


@dataclass(frozen=True)
class KeptBoxes:
    """A frame as it is: some forty bytes a candidate, and its packed instance masks.

    Attributes:
        frame: the frame, without the curves that were computed from it.
    """

    frame: DetectionFrame

    @cached_property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        frame = self.frame
        return sum(_sizes([frame.boxes, frame.index, frame.masks, vars(frame.tally)]))

    def restore(self) -> DetectionFrame:
        """Return the frame."""
        return self.frame


def _sizes(value: Any) -> Iterator[int]:
    if isinstance(value, (torch.Tensor, np.ndarray)):
        yield value.nbytes
    elif isinstance(value, dict):
        yield from _sizes(list(value.values()))
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from _sizes(one)
