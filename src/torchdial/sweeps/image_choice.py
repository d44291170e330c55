"""Which images a cell of a confusion matrix counts, and in which order they are shown.

A class is its index, the background the number of classes C, and ANY stands for all of these;
js/src/lib/core/image_choice.ts does the same.
"""

from __future__ import annotations

import torch

ANY = -1


def are(classes: torch.Tensor, wanted: int) -> torch.Tensor:
    """Return which classes are the wanted one, bool."""
    return torch.ones_like(classes, dtype=torch.bool) if wanted == ANY else classes == wanted


def most_first(counts: torch.Tensor) -> dict[int, int]:
    """Return the images whose count is not zero, with it, the highest first.

    Example:
        >>> most_first(torch.tensor([3, 0, 5, 3]))
        {2: 5, 0: 3, 3: 3}
    """
    order = torch.sort(counts, descending=True, stable=True).indices.tolist()
    return {i: int(counts[i]) for i in order if counts[i] > 0}


def worst_first(values: torch.Tensor, counts: torch.Tensor) -> list[int]:
    """Return the images whose count is not zero by ascending value, those with NaN last.

    Example:
        >>> worst_first(torch.tensor([0.9, 0.1, torch.nan, 0.5]), torch.tensor([4, 0, 2, 9]))
        [3, 0, 2]
    """
    order = torch.sort(values.nan_to_num(torch.inf), stable=True).indices.tolist()
    return [i for i in order if counts[i] > 0]
