"""Levels: one byte a pixel that answers `p > t` for every stop of a dial."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from torchdial.inputs.arguments import of_kind
from torchdial.inputs.errors import refuse_non_finite
from torchdial.inputs.probability_maps import refuse_label_map, to_unit_interval
from torchdial.inputs.stops import Stops, to_stops

PART = 1 << 20  # probabilities at a time: memory of larger intermediate results is not used again


def threshold_levels(
    probs: torch.Tensor, thresholds: int | Sequence[float] | torch.Tensor | Stops = 101
) -> torch.Tensor:
    """Return how many stops lie strictly below each probability.

    A pixel is on at stop k exactly if its level is above k, which is p > thresholds[k].

    Args:
        probs: floating-point probabilities in [0, 1] of any shape; cast to float32 first.
        thresholds: a count T of evenly spaced stops over [0, 1], at most 255 increasing ones, or
            for scores of any range in place of probabilities `torchdial.quantile_stops(scores)`.

    Returns:
        uint8 levels 0 … T of the shape and on the device of `probs`.

    Raises:
        ValueError: a label map, values that are not finite or outside [0, 1], or stops that are
            not increasing.

    Example:
        >>> threshold_levels(torch.tensor([0.0, 0.25, 0.26, 1.0]), 5)
        tensor([0, 1, 2, 4], dtype=torch.uint8)
    """
    remedy = "Convert it with torch.as_tensor(...)."
    of_kind("probs", probs, torch.Tensor, expected="a torch tensor", remedy=remedy)
    refuse_label_map("probs", probs)
    stops = to_stops(thresholds, may_be_scores=True)
    maps = probs.detach().to(torch.float32)
    if not stops.of_scores:
        maps = to_unit_interval("probs", maps, scores_by="thresholds=td.quantile_stops(probs)")
    elif maps.numel():
        refuse_non_finite("probs", maps)
    return levels_of(maps, stops)


def levels_of(probs: torch.Tensor, stops: Stops) -> torch.Tensor:
    """Return the levels of float32 probabilities known to lie in [0, 1], or of finite scores."""
    if not probs.is_cpu or probs.numel() <= PART:
        return _levels_at_once(probs, stops)
    levels, given = torch.empty(probs.shape, dtype=torch.uint8), probs.flatten()
    for start in range(0, len(given), PART):
        part = slice(start, start + PART)
        levels.view(-1)[part] = _levels_at_once(given[part], stops)
    return levels


def _levels_at_once(probs: torch.Tensor, stops: Stops) -> torch.Tensor:
    if not stops.even:
        table = stops.tensor(probs.device)
        return torch.bucketize(probs.contiguous(), table, out_int32=True).to(torch.uint8)
    # Every stop below the nearest one is below p and every stop above it is above p, so one exact
    # comparison settles the level, ten times as fast as a binary search. The quotient is the stop
    # itself: k / (T - 1) of two whole numbers is rounded once. The divisor is a tensor because a
    # GPU may multiply by the reciprocal of a Python number.
    steps = torch.full((), float(len(stops) - 1), device=probs.device)
    nearest = (probs * steps).round_()
    return nearest.to(torch.uint8).add_(probs > nearest.div_(steps))
