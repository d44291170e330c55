"""The levels of a frame as they are kept for the step dial: compressed, without their counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch

from torchdial.array_types import Bytes
from torchdial.sweeps.pixels.pixel_counts import Levels
from torchdial.sweeps.pixels.segmentation_frame import SegmentationFrame
from torchdial.widgets.preview.plane_coding import SMALL, CodedPlane, deflated, inflated

Count = Callable[[Levels], SegmentationFrame]


@dataclass(frozen=True)
class CompressedLevels:
    """All planes of a frame; its counts are made anew from them.

    Attributes:
        planes: by their keys without the model, such as "level/3/0" or "argmax/3".
        shape: height and width of each.
        num_images: number of images.
        count: makes a frame of levels.
    """

    planes: dict[str, bytes]
    shape: tuple[int, int]
    num_images: int
    count: Count

    @staticmethod
    def of(frame: SegmentationFrame, count: Count) -> CompressedLevels:
        """Return what is kept of a frame."""
        num_images, num_classes, *shape = frame.levels.shape
        planes = {
            f"level/{i}/{c}": frame.levels[i, c]
            for i in range(num_images)
            for c in range(num_classes)
        }
        for name, plane in (("argmax", frame.argmax), ("maximum", frame.maximum)):
            if plane is not None:
                planes |= {f"{name}/{i}": plane[i] for i in range(num_images)}
        packed = dict(zip(planes, _deflate_all(list(planes.values())), strict=True))
        return CompressedLevels(packed, (shape[0], shape[1]), num_images, count)

    @property
    def nbytes(self) -> int:
        """Bytes of all planes."""
        return sum(map(len, self.planes.values()))

    def restore(self) -> SegmentationFrame:
        """Return the frame, counted anew."""
        levels = torch.from_numpy(self._stack("level/")).view(self.num_images, -1, *self.shape)
        if "argmax/0" not in self.planes:
            return self.count(Levels(levels))
        planes = (torch.from_numpy(self._stack(f"{name}/")) for name in ("argmax", "maximum"))
        return self.count(Levels(levels, *planes))

    def has(self, keys: Sequence[str]) -> bool:
        """Return whether planes are kept, by the keys of the first model."""
        return all(_without_model(key) in self.planes for key in keys)

    def coded(self, keys: Sequence[str]) -> list[CodedPlane]:
        """Return planes as they are sent, by the keys of the first model.

        Raises:
            KeyError: there is no such plane.
        """
        coding = {"kind": "deflate", "shape": list(self.shape)}
        return [CodedPlane(self.planes[_without_model(key)], coding) for key in keys]

    def _stack(self, prefix: str) -> Bytes:
        chosen = [plane for key, plane in self.planes.items() if key.startswith(prefix)]
        return inflated(chosen, self.shape)


def _without_model(key: str) -> str:
    return key.replace("/0/", "/", 1)


def _deflate_all(planes: Sequence[Bytes]) -> list[bytes]:
    if all(plane.nbytes <= SMALL for plane in planes):
        return [deflated(plane) for plane in planes]
    with ThreadPoolExecutor() as threads:
        return list(threads.map(deflated, map(np.ascontiguousarray, planes)))
