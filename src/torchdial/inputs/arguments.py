"""Checks of the type of an argument, and conversions to lists, names and dicts."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard

import numpy as np
import torch

from torchdial.inputs.errors import describe, refusal


def one_of(
    name: str, value: Any, known: Sequence[str], remedy: str = "Choose one of these."
) -> None:
    """Raise ValueError for anything but one of the known strings.

    Example:
        >>> one_of("average", "micro", ["micro", "macro"])
    """
    if not isinstance(value, str) or value not in known:
        words = " | ".join(map(repr, known))
        got = repr(value) if isinstance(value, str) and len(value) < 60 else describe(value)
        raise refusal(name, expected=words, got=got, remedy=remedy)


def of_kind(
    name: str, value: Any, kind: type | tuple[type, ...], *, expected: str, remedy: str
) -> None:
    """Raise ValueError for anything but an instance of a class."""
    if not isinstance(value, kind):
        raise refusal(name, expected=expected, got=describe(value), remedy=remedy)


def to_list(name: str, value: Any, *, expected: str, remedy: str) -> list[Any]:
    """Return the items of a list, a tuple, an array or another iterable, except of text.

    Raises:
        ValueError: it is not iterable, or text.

    Example:
        >>> to_list("names", ("a", "b"), expected="names", remedy="Pass a list.")
        ['a', 'b']
    """
    try:
        if not isinstance(value, (str, bytes)):
            return list(value)
    except Exception:  # noqa: S110 - not iterable, whatever it raises
        pass
    raise refusal(name, expected=expected, got=describe(value), remedy=remedy)


def to_names(name: str, value: Any) -> list[str]:
    """Return a list of names, from one name or several.

    Raises:
        ValueError: something else than strings.

    Example:
        >>> to_names("layers", "0.weight")
        ['0.weight']
    """
    if isinstance(value, str):
        return [value]
    expected, remedy = "a name, or a list of names", 'Pass for example ["a", "b"].'
    names = to_list(name, value, expected=expected, remedy=remedy)
    if not all(isinstance(one, str) for one in names):
        raise refusal(name, expected=expected, got=describe(value), remedy=remedy)
    return names


def to_dict(name: str, value: Any, *, expected: str, remedy: str) -> dict[Any, Any]:
    """Return a mapping as a dict, None as an empty one.

    Raises:
        ValueError: it is not a mapping.
    """
    if value is None:
        return {}
    of_kind(name, value, Mapping, expected=expected, remedy=remedy)
    return dict(value)


def to_own_thresholds(value: Any) -> list[Any]:
    """Return a list of the classes' own thresholds.

    Raises:
        ValueError: it is not a list.
    """
    remedy = "Pass a list in the order of the classes, or a dict."
    expected = "a number or None for each class"
    return to_list("class_thresholds", value, expected=expected, remedy=remedy)


def refuse_no_path(name: str, value: Any) -> None:
    """Raise ValueError for anything but a path."""
    of_kind(
        name, value, (str, os.PathLike), expected="a path", remedy='Pass text such as "run.td".'
    )


def is_masked_array(value: Any) -> TypeGuard[np.ma.MaskedArray[Any, Any]]:
    """Return whether an array is of `numpy.ma`, without importing that where nobody has."""
    masked_arrays = sys.modules.get("numpy.ma")
    return masked_arrays is not None and isinstance(value, masked_arrays.MaskedArray)


def is_dense(tensor: torch.Tensor) -> bool:
    """Return whether a tensor is strided, with data, and neither nested nor quantized."""
    plain = tensor.layout == torch.strided and not tensor.is_nested
    return plain and not (tensor.is_meta or tensor.is_quantized)
