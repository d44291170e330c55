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

Cells = tuple[torch.Tensor, torch.Tensor]


def cells_of(joint: torch.Tensor) -> Cells:
    """Return where an image's table (C, C, T + 1) has pixels, (M, 3), and how many, (M,).

    Both lie in host memory. The table of 150 classes has 18 MB, so it is not kept.
    """
    place = joint.nonzero()
    place, counted = copy_together("cpu", place, joint[tuple(place.T)])
    return place, counted


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
    def of(cells: Sequence[Cells], num_classes: int) -> ImageConfusion:
        """Return the cells of all images."""
        places = [torch.nn.functional.pad(p, (1, 0), value=i) for i, (p, _) in enumerate(cells)]
        pixels = torch.cat([counted for _, counted in cells])
        image, target, argmax, level = torch.cat(places).unbind(1)
        return ImageConfusion(image, target, argmax, level, pixels, len(cells), num_classes)

    def count(self, stops: Sequence[int], truth: int, predicted: int) -> torch.Tensor:
        """Return the pixels of each image in one cell of the matrix, int64 (N,).

        Args:
            stops: of each class.
            truth: the true class, or ANY.
            predicted: the predicted class; C where the highest probability is not above its
                class's threshold; or ANY.
        """
        passes = self.level > self.level.new_tensor(stops)[self.argmax]
        found = torch.where(passes, self.argmax, self.num_classes)
        counted = are(self.target, truth) & are(found, predicted)
        return self.pixels.new_zeros(self.num_images).index_add_(
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
    levels = torch.arange(histograms.shape[2], device=histograms.device)
    on = levels > levels.new_tensor(stops)[:, None]
    chosen = on if predicted == 0 else ~on if predicted == 1 else torch.ones_like(on)
    return (histograms * chosen).sum((1, 2))
