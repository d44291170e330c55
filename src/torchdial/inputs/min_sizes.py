"""Minimum sizes of connected parts, in pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from torchdial.inputs.arguments import to_list
from torchdial.inputs.errors import describe, refusal
from torchdial.inputs.numbers import to_float, to_whole

Connectivity = Literal[4, 8]


def to_min_size(name: str, min_size: Any) -> int:
    """Return a minimum size.

    Raises:
        ValueError: it is not a whole number from 0.
    """
    remedy = "Pass a number of pixels, such as 25, or 0 to remove nothing."
    return to_whole(name, min_size, 0, remedy=remedy)


def to_min_sizes(min_sizes: Sequence[int] | None) -> tuple[int, ...]:
    """Return the positions of a dial of minimum sizes, (0,) for None.

    Raises:
        ValueError: they are not increasing whole numbers that begin with 0.

    Example:
        >>> to_min_sizes([0, 25, 100])
        (0, 25, 100)
    """
    if min_sizes is None:
        return (0,)
    expected = "increasing numbers of pixels that begin with 0"
    remedy = "Pass for example (0, 25, 100, 400); 0 removes nothing."
    given = to_list("min_sizes", min_sizes, expected=expected, remedy=remedy)
    sizes = tuple(to_min_size(f"min_sizes[{i}]", size) for i, size in enumerate(given))
    if sizes[:1] != (0,) or sorted(set(sizes)) != list(sizes):
        raise refusal("min_sizes", expected=expected, got=describe(min_sizes), remedy=remedy)
    return sizes


def to_connectivity(connectivity: Any) -> Connectivity:
    """Return 4 or 8.

    Raises:
        ValueError: it is neither.
    """
    number = to_float(connectivity)
    if number == 4:
        return 4
    if number == 8:
        return 8
    raise refusal(
        "connectivity",
        expected="4 or 8",
        got=describe(connectivity),
        remedy="4 connects pixels along edges, 8 along corners too.",
    )
