"""Checks the curves over a larger set that are given to a segmentation preview."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torchdial.inputs import Stops, Task
from torchdial.inputs.arguments import of_kind
from torchdial.inputs.errors import describe, refusal
from torchdial.sweeps.pixels.threshold_curves import ThresholdCurves


def curves_of_sizes(
    curves: Any,
    min_sizes: Sequence[int],
    *,
    task: Task,
    num_classes: int,
    stops: Stops,
    include_background: bool,
) -> list[ThresholdCurves | None]:
    """Return the given curves of each minimum size.

    Raises:
        ValueError: they were counted otherwise than the preview is made, or not at every size.
    """
    if curves is None:
        return [None] * len(min_sizes)
    if len(min_sizes) == 1:
        given = [curves]
    elif isinstance(curves, Mapping) and all(size in curves for size in min_sizes):
        given = [curves[size] for size in min_sizes]
    else:
        raise refusal(
            "curves",
            expected=f"a dict with the curves of each of min_sizes={tuple(min_sizes)}",
            got=describe(curves),
            remedy="Make the ThresholdSweep with these min_sizes and pass "
            "curves={size: sweep.compute(size) for size in sweep.min_sizes}.",
        )
    for one in given:
        _check(one, task, num_classes, stops, include_background)
    return given


def _check(
    curves: ThresholdCurves, task: Task, num_classes: int, stops: Stops, include_background: bool
) -> None:
    remedy = "Pass what compute() of a ThresholdSweep returns."
    of_kind("curves", curves, ThresholdCurves, expected="ThresholdCurves", remedy=remedy)
    expected = (task, num_classes, stops.values, include_background)
    found = (curves.task, curves.num_classes, curves.stops.values, curves.include_background)
    kinds = (stops.of_scores, curves.stops.of_scores)
    if expected != found or kinds[0] != kinds[1]:
        raise refusal(
            "curves",
            expected=_in_words(*expected, kinds[0]),
            got=_in_words(*found, kinds[1]),
            remedy="Make the ThresholdSweep with the preview's task, num_classes, thresholds and "
            "include_background.",
        )


def _in_words(
    task: str, num_classes: int, stops: Sequence[float], include_background: bool, of_scores: bool
) -> str:
    return (
        f"task={task!r} with {num_classes} classes, {len(stops)} stops"
        f"{' of scores' * of_scores} and "
        f"include_background={include_background}"
    )
