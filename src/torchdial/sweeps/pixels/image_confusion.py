"""How many pixels of each image a cell of the confusion matrix counts.

js/src/lib/segmentation/image_confusion.ts computes the same; tests/golden/images.json tests both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from torchdial.inputs.device_copies import copy_together
from torchdial.sweeps.image_choice import ANY, are
from torchdial.sweeps.pixels.pixel_counts import Counts


@dataclass(frozen=True)
class ImageConfusion:
    """Pixels of N images over (target, argmax, level of the maximum): the M cells with any.

    Attributes:
        image: int64 (M,).
        target: the true class, 0 everywhere if there are no targets, int64 (M,).
        argmax: the class of the highest probability, int64 (M,).
        level: that probability's level, int64 (M,).
        pixels: how many, int64 (M,).
        num_images: N.
        num_classes: C.
    """

    image: torch.Tensor
    target: torch.Tensor
    argmax: torch.Tensor
    level: torch.Tensor
    pixels: torch.Tensor
    num_images: int
    num_classes: int

    @staticmethod
    def of(joints: Sequence[torch.Tensor]) -> ImageConfusion:
        """Return the cells with pixels of each image's table, int64 (C, C, T + 1)."""
        cells, pixels = [], []
        for i, joint in enumerate(joints):
            place = joint.nonzero()
            place, counted = copy_together("cpu", place, joint[tuple(place.T)])
            pixels.append(counted)
            cells.append(torch.nn.functional.pad(place, (1, 0), value=i))
        image, target, argmax, level = torch.cat(cells).unbind(1)
        pixel_counts = torch.cat(pixels)
        return ImageConfusion(
            image, target, argmax, level, pixel_counts, len(joints), len(joints[0])
        )

    def count(self, stops: Sequence[int], truth: int, predicted: int) -> torch.Tensor:
        """Return the pixels of each image in one cell of the matrix, int64 (N,).

        Args:
            stops: of each class.
            truth: the true class, or ANY.
            predicted: the predicted class; C where the highest probability is not above its
                class's threshold; or ANY.
        """
        passes = self.level > torch.tensor(stops)[self.argmax]
        found = torch.where(passes, self.argmax, self.num_classes)
        counted = are(self.target, truth) & are(found, predicted)
        return torch.zeros(self.num_images, dtype=torch.int64).index_add_(
            0, self.image[counted], self.pixels[counted]
        )


def count_outcomes(counts: Counts, truth: int, predicted: int) -> torch.Tensor:
    """Return the pixels of each image in one cell of classes against their rest, int64 (N,).

    Args:
        counts: at one stop (T = 1), of the classes to pool.
        truth: 0 for the class, 1 for the rest, or ANY.
        predicted: the same for what is predicted.
    """
    outcomes = {(0, 0): counts.tp, (0, 1): counts.fn, (1, 0): counts.fp, (1, 1): counts.tn}
    chosen = [
        table
        for (true, found), table in outcomes.items()
        if truth in (true, ANY) and predicted in (found, ANY)
    ]
    return torch.stack(chosen).sum(0).sum((1, 2))


def count_on(histograms: torch.Tensor, stops: Sequence[int], predicted: int) -> torch.Tensor:
    """Return the pixels of each image that are on or off, where there are no targets, int64 (N,).

    Args:
        histograms: pixels at each level of the classes to pool, int64 (N, C, T + 1).
        stops: of each class.
        predicted: 0 for the class, 1 for the rest, or ANY.
    """
    levels = torch.arange(histograms.shape[2])
    on = levels > torch.tensor(stops)[:, None]
    chosen = on if predicted == 0 else ~on if predicted == 1 else torch.ones_like(on)
    return (histograms * chosen).sum((1, 2))
