"""Single numbers at the door."""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

from torchdial.inputs.refusal import describe, refusal


def to_float(value: Any) -> float:
    """Return a number as float, NaN for what is none, True and False included."""
    return float(value) if isinstance(value, Real) and not isinstance(value, bool) else math.nan


def to_fraction(name: str, value: Any, remedy: str) -> float:
    """Return a number in [0, 1].

    Raises:
        ValueError: it is none.

    Example:
        >>> to_fraction("threshold", 1, "Pass 0.5, say.")
        1.0
    """
    number = to_float(value)
    if 0 <= number <= 1:
        return number
    raise refusal(name, expected="a number in [0, 1]", got=describe(value), remedy=remedy)
