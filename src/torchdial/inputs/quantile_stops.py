"""Stops for scores of any range, at quantiles of the scores."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from numbers import Number
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from torchdial.inputs.arguments import is_dense
from torchdial.inputs.errors import describe, refusal, refuse_non_finite
from torchdial.inputs.numbers import to_whole
from torchdial.inputs.probability_maps import to_tensor
from torchdial.inputs.stops import MAX_STOPS, Stops, score_stops

SAMPLE = 1 << 20  # scores of which several batches are judged
UPPER = 0.05  # the share of the scores, the highest ones, that has half of the stops

Scores = npt.NDArray[np.float32]


def quantile_stops(scores: Any, count: int = 101, *, seed: int = 0) -> Stops:
    """Return stops for scores of any range, such as anomaly maps, distances or depth errors.

    They mark what is thresholded as scores: with them `SegmentationPreview`, `ThresholdSweep` and
    `threshold_levels` take any finite floats. The stops are quantiles of the scores, half of them
    in the upper 5 %. Where several quantiles are equal, the stops lie evenly between their
    neighbours. The first is the float32 just below the minimum, where everything is on; the last
    is the maximum, where nothing is.

    Of a tensor the quantiles are exact. Of batches they are those of a random sample of 2²⁰
    scores where there are more, with the exact minimum and maximum: with a probability of
    1 - 10⁻⁶ the share of scores up to any value is within 0.0027 of its share in the sample
    (Dvoretzky, Kiefer and Wolfowitz, with the constant of Massart, 1990). The sample takes 12 MB,
    and is the same however the scores are split into batches.

    Args:
        scores: a floating-point tensor or array of any shape, or an iterable of them, batch by
            batch.
        count: how many stops, from 2 to 255. Fewer are returned where float32 has no more numbers
            between the scores.
        seed: of the sample.

    Returns:
        The stops, for `thresholds=`.

    Raises:
        ValueError: there are no scores, they are no floats, some are not finite, or the lowest is
            the lowest float32.

    Warns:
        UserWarning: all scores are equal, and there are two stops.

    Example:
        >>> quantile_stops(torch.tensor([1.0, 2.0, 3.0, 9.0]), 5).values
        (0.9999999403953552, 2.0, 4.333333492279053, 6.666666507720947, 9.0)
    """
    remedy = "101 is the default."
    count = to_whole("count", count, 2, MAX_STOPS, remedy=remedy)
    seed = to_whole("seed", seed, 0, remedy="Pass for example 0.")
    is_whole = isinstance(scores, (torch.Tensor, np.ndarray))
    sample = _to_scores("scores", scores) if is_whole else _sample(scores, seed)
    if sample.min() == np.finfo(np.float32).min:
        raise refusal(
            "scores",
            expected="scores above the lowest float32",
            got=f"{sample.min():.6g}",
            remedy="Clamp them: scores.clamp(min=-1e38).",
        )
    found = _fill_ties(_quantiles(sample, count))
    if len(found) == 2 and np.nextafter(found[1], np.float32(-np.inf)) == found[0]:
        warnings.warn(
            f"scores: all are {found[1]:.6g}, so there are two stops: all on and all off.",
            stacklevel=2,
        )
    return score_stops(found.tolist())


def _to_scores(name: str, given: Any) -> Scores:
    tensor = to_tensor(name, given)
    if not tensor.is_floating_point() or not is_dense(tensor):
        raise refusal(
            name,
            expected="floating-point scores",
            got=describe(given),
            remedy=f"Pass torch.as_tensor({name}).float().",
        )
    values = tensor.to(torch.float32)
    refuse_non_finite(name, values)
    return values.flatten().cpu().numpy()


def _sample(batches: Any, seed: int) -> Scores:
    """Return a random sample of the scores of all batches, with their minimum and maximum.

    Every score has a random number, and those with the lowest numbers are kept.
    """
    if not isinstance(batches, Iterable) or isinstance(batches, (str, bytes)):
        raise _no_batches(batches)
    draw = np.random.default_rng(seed)
    kept, numbers = np.empty(0, np.float32), np.empty(0)
    ends: list[np.float32] = []
    for i, batch in enumerate(batches):
        if isinstance(batch, Number):
            raise _no_batches(batches)
        new = _to_scores(f"scores[{i}]", batch)
        ends = [min([*ends[:1], new.min()]), max([*ends[1:], new.max()])]
        kept = np.concatenate([kept, new])
        numbers = np.concatenate([numbers, draw.random(len(new))])
        if len(kept) > SAMPLE:
            lowest = np.argpartition(numbers, SAMPLE - 1)[:SAMPLE]
            kept, numbers = kept[lowest], numbers[lowest]
    if not ends:
        raise refusal(
            "scores", expected="at least one batch", got="none", remedy="Pass a tensor of scores."
        )
    kept[kept.argmin()], kept[kept.argmax()] = ends
    return kept


def _no_batches(given: Any) -> ValueError:
    return refusal(
        "scores",
        expected="a tensor, an array, or batches of them",
        got=describe(given),
        remedy="Pass torch.as_tensor(scores).float().",
    )


def _quantiles(scores: Scores, count: int) -> Scores:
    """Return `count` order statistics, the first the minimum and the last the maximum."""
    lower = (count + 1) // 2
    shares = [np.linspace(0, 1 - UPPER, lower), np.linspace(1 - UPPER, 1, count - lower + 1)[1:]]
    ranks = np.rint(np.concatenate(shares) * (len(scores) - 1)).astype(np.int64)
    ranks[-1] = len(scores) - 1
    return np.partition(scores, np.unique(ranks))[ranks]


def _fill_ties(quantiles: Scores) -> Scores:
    """Return increasing stops: equal quantiles are spread, the first lies below the minimum."""
    below = quantiles.copy()
    below[0] = np.nextafter(below[0], np.float32(-np.inf))
    distinct, places = np.unique(below, return_index=True)
    places[-1] = len(below) - 1  # the maximum, however often it occurs
    wide = distinct.astype(np.float64)
    filled = np.interp(np.arange(len(below)), places, wide).astype(np.float32)
    return np.unique(filled)
