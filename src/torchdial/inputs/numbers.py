"""Single numbers at the door."""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

import numpy as np
import torch

from torchdial.inputs.errors import describe, refusal


def to_float(value: Any) -> float:
    """Return a number as float, NaN for what is none, True and False included.

    A tensor or an array of one number is one.
    """
    if isinstance(value, (torch.Tensor, np.ndarray)):
        try:
            value = value.item()
        except Exception:  # more than one element, or none at hand
            return math.nan
    try:
        return float(value) if isinstance(value, Real) and not isinstance(value, bool) else math.nan
    except OverflowError:
        return math.nan


def to_number(name: str, value: Any, *, expected: str = "a finite number", remedy: str) -> float:
    """Return a finite number as float.

    Raises:
        ValueError: it is none.

    Example:
        >>> to_number("time", np.float32(0.5), remedy="Pass seconds.")
        0.5
    """
    number = to_float(value)
    if math.isfinite(number):
        return number
    raise refusal(name, expected=expected, got=describe(value), remedy=remedy)


def to_whole(
    name: str, value: Any, least: int | None = None, most: int | None = None, *, remedy: str
) -> int:
    """Return a whole number as int.

    Args:
        name: what to call the argument in an error.
        value: any number without a fraction, a float such as 3.0 included.
        least: the smallest, None for any that 64 bits hold.
        most: the largest, None for any that 64 bits hold.
        remedy: what to do.

    Raises:
        ValueError: it is none, or out of range.

    Example:
        >>> to_whole("epochs", 3.0, 1, remedy="Pass 1, say.")
        3
    """
    number = to_float(value)
    low, high = -(2**63) if least is None else least, 2**63 - 1 if most is None else most
    if number.is_integer() and low <= number <= high:
        whole = int(value)
        if low <= whole <= high:
            return whole
    words = "a whole number" + ("" if least is None else f" from {least:,}")
    words += "" if most is None else f" to {most:,}"
    raise refusal(name, expected=words, got=describe(value), remedy=remedy)


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
