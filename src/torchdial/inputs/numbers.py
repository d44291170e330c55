"""Single numbers: whatever kind of number was passed becomes a float or an int, or an error."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np
import torch

from torchdial.inputs.errors import describe, refusal


def to_float(value: Any) -> float:
    """Return a number as float, NaN for anything else, True and False included.

    Args:
        value: an int, float, Decimal or Fraction, a numpy scalar, or a tensor or array that holds
            one number in any shape.

    Example:
        >>> from decimal import Decimal
        >>> [to_float(value) for value in (3, Decimal("0.5"), np.array([2]), "3", True)]
        [3.0, 0.5, 2.0, nan, nan]
    """
    number = _single(value)
    try:
        return math.nan if number is None else float(number)
    except (OverflowError, ValueError):  # an int beyond floats; a signalling NaN
        return math.nan


def to_value(name: str, value: Any, *, remedy: str) -> float:
    """Return a number that may be NaN or infinite, or True or False, as float.

    Raises:
        ValueError: it is not a number.

    Example:
        >>> to_value("loss", np.array([0.5]), remedy="Pass a number.")
        0.5
    """
    item = _item(value)
    number = int(item) if isinstance(item, bool) else _single(item)
    if number is not None:
        try:
            return float(number)
        except OverflowError:
            return math.inf if number > 0 else -math.inf
        except ValueError:
            return math.nan
    raise refusal(name, expected="a number", got=describe(value), remedy=remedy)


def flat_values(values: Mapping[Any, Any]) -> dict[str, Any]:
    """Return values by name, those of nested mappings under names joined by slashes.

    Example:
        >>> flat_values({"lr": 0.1, "train": {"loss": 0.5, "acc": {"top1": 0.9}}})
        {'lr': 0.1, 'train/loss': 0.5, 'train/acc/top1': 0.9}
    """
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            flat |= {f"{name}/{inner}": one for inner, one in flat_values(value).items()}
        else:
            flat[str(name)] = value
    return flat


def to_number(name: str, value: Any, *, expected: str = "a finite number", remedy: str) -> float:
    """Return a finite number as float.

    Raises:
        ValueError: it is not a finite number.

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
        value: any number without a fraction, such as 3, 3.0 or a tensor that holds one number.
        least: the smallest, None for any that 64 bits hold.
        most: the largest, None for any that 64 bits hold.
        remedy: the last sentence of the error.

    Raises:
        ValueError: it is not a whole number, or out of range.

    Example:
        >>> to_whole("epochs", 3.0, 1, remedy="Pass for example 1.")
        3
    """
    low, high = -(2**63) if least is None else least, 2**63 - 1 if most is None else most
    number = _single(value)
    try:
        whole = None if number is None else int(number)
    except (OverflowError, ValueError):  # infinity, NaN
        whole = None
    if whole is not None and whole == number and low <= whole <= high:
        return whole
    words = "a whole number" + ("" if least is None else f" from {least:,}")
    words += "" if most is None else f" to {most:,}"
    raise refusal(name, expected=words, got=describe(value), remedy=remedy)


def to_fraction(name: str, value: Any, remedy: str) -> float:
    """Return a number in [0, 1].

    Raises:
        ValueError: it is not a number in [0, 1].

    Example:
        >>> to_fraction("threshold", 1, "Pass for example 0.5.")
        1.0
    """
    number = to_float(value)
    if 0 <= number <= 1:
        return number
    raise refusal(name, expected="a number in [0, 1]", got=describe(value), remedy=remedy)


def _item(value: Any) -> Any:
    """Return what a tensor or array of one element holds, and other values as they are."""
    if isinstance(value, (torch.Tensor, np.ndarray, np.generic)):
        try:
            return value.item()
        except Exception:  # several elements, or none in memory
            return None
    return value


def _single(value: Any) -> Any:
    """Return the number that a value is or holds, None if it is not one."""
    item = _item(value)
    return item if isinstance(item, (Real, Decimal)) and not isinstance(item, bool) else None
