"""Which frames of a training are kept for the step dial.

The first, the newest and the best step stay. Of the others the one goes whose neighbours are
closest in steps, so that the gaps stay nearly even without knowing how long the training will be.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torchdial.inputs.errors import refusal
from torchdial.inputs.numbers import to_whole

FEWEST = 4  # the first, the newest, the best, and one between


def check_keep(keep: int) -> int:
    """Return the number of frames to keep.

    Raises:
        ValueError: it is neither 1 nor at least 4.
    """
    remedy = "Pass for example keep=24, or keep=1 for the newest frame alone."
    keep = to_whole("keep", keep, 1, remedy=remedy)
    if 1 < keep < FEWEST:
        raise refusal("keep", expected=f"1, or at least {FEWEST}", got=repr(keep), remedy=remedy)
    return keep


def next_dropped(steps: Sequence[int], best: int | None) -> int | None:
    """Return the step whose frame goes next, None where all have to stay.

    It is the one whose neighbours are closest; of several the earliest.

    Args:
        steps: increasing, those that have a frame.
        best: the step that stays besides the first and the last.

    Example:
        >>> next_dropped([0, 10, 20, 25, 40], best=None)
        20
        >>> next_dropped([0, 10, 20, 25, 40], best=20)
        10
    """
    inner = [i for i in range(1, len(steps) - 1) if steps[i] != best]
    if not inner:
        return None
    return steps[min(inner, key=lambda i: steps[i + 1] - steps[i - 1])]


def thinned(
    steps: Sequence[int], best: int | None, is_too_much: Callable[[Sequence[int]], bool]
) -> list[int]:
    """Return the steps whose frames stay, dropping one after the other while there are too many.

    Args:
        steps: increasing, those that have a frame.
        best: the step that stays besides the first and the last.
        is_too_much: whether these frames are too many, or too large.

    Example:
        >>> thinned(range(0, 60, 10), best=20, is_too_much=lambda steps: len(steps) > 4)
        [0, 20, 40, 50]
    """
    kept = list(steps)
    while is_too_much(kept) and (step := next_dropped(kept, best)) is not None:
        kept.remove(step)
    return kept


def by_importance(steps: Sequence[int], best: int | None) -> list[int]:
    """Return steps in the order in which their frames go into limited room.

    It is the opposite of the order in which they are dropped, after the last, the best and the
    first.

    Example:
        >>> by_importance([0, 10, 20, 25, 40], best=25)
        [40, 25, 0, 10, 20]
    """
    kept = list(steps)
    dropped: list[int] = []
    while (step := next_dropped(kept, best)) is not None:
        kept.remove(step)
        dropped.append(step)
    order = [kept[-1], *(step for step in kept if step == best), *kept[:1], *dropped[::-1]]
    return list(dict.fromkeys(order))
