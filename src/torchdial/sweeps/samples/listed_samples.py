"""Which samples a preview lists: enough for those nearest the threshold, wherever that is."""

from __future__ import annotations

import torch

ALL_SCORES = 1 << 18  # up to this many all samples are listed
NEAREST = 16  # of each truth and side, at every stop; fewer where there are many classes


def listed_samples(
    scores: torch.Tensor, truth: torch.Tensor, order: torch.Tensor, stops: torch.Tensor, count: int
) -> torch.Tensor:
    """Return the samples nearest to every stop, and those at both ends.

    At every stop these hold the `count` samples of each truth whose scores are nearest above it,
    and the `count` nearest that are not above it; and of each truth the highest and the lowest.

    Args:
        scores: float32 (N,).
        truth: uint8 (N,): 0, 1, or another mark for unknown.
        order: of the samples by increasing score, int64 (N,).
        stops: float32 (T,).
        count: how many of each.

    Returns:
        Indices without repeats, int64, in no order.

    Example:
        >>> scores, truth = torch.tensor([0.1, 0.2, 0.3, 0.6]), torch.zeros(4)
        >>> listed_samples(scores, truth, torch.arange(4), torch.tensor([0.5]), 1).tolist()
        [0, 2, 3]
    """
    found = []
    window = torch.arange(-count, count)
    for mark in torch.unique(truth):
        ranked = order[truth[order] == mark]
        above = torch.searchsorted(scores[ranked].contiguous(), stops, right=True)
        edges = torch.cat([above, above.new_tensor([0, len(ranked)])])
        near = (edges[:, None] + window).flatten()
        found.append(ranked[near[(near >= 0) & (near < len(ranked))]])
    samples: torch.Tensor = torch.unique(torch.cat(found))
    return samples
