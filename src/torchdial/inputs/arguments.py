"""What kind of thing somebody handed in; asked at the door, in one way everywhere."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from torchdial.inputs.errors import describe, refusal


def one_of(
    name: str, value: Any, known: Sequence[str], remedy: str = "Choose one of these."
) -> None:
    """Raise ValueError for anything but one of some words.

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
    """Return what a list, a tuple, an array or another iterable holds; text is none.

    Raises:
        ValueError: it is nothing to go through.

    Example:
        >>> to_list("names", ("a", "b"), expected="names", remedy="Pass a list.")
        ['a', 'b']
    """
    try:
        if not isinstance(value, (str, bytes)):
            return list(value)
    except Exception:  # noqa: S110 - whatever it raises, it cannot be gone through
        pass
    raise refusal(name, expected=expected, got=describe(value), remedy=remedy)


def to_names(name: str, value: Any) -> list[str]:
    """Return names, from one or from several.

    Raises:
        ValueError: they are none.

    Example:
        >>> to_names("layers", "0.weight")
        ['0.weight']
    """
    if isinstance(value, str):
        return [value]
    expected, remedy = "a name, or a list of names", 'Pass ["a", "b"], say.'
    names = to_list(name, value, expected=expected, remedy=remedy)
    if not all(isinstance(one, str) for one in names):
        raise refusal(name, expected=expected, got=describe(value), remedy=remedy)
    return names


def to_dict(name: str, value: Any, *, expected: str, remedy: str) -> dict[Any, Any]:
    """Return what a mapping holds, nothing for None.

    Raises:
        ValueError: it is no mapping.
    """
    if value is None:
        return {}
    of_kind(name, value, Mapping, expected=expected, remedy=remedy)
    return dict(value)


def to_own_thresholds(value: Any) -> list[Any]:
    """Return the thresholds of classes that are given in a list.

    Raises:
        ValueError: it is no list.
    """
    remedy = "Pass a list in the order of the classes, or a dict."
    expected = "a number or None for each class"
    return to_list("class_thresholds", value, expected=expected, remedy=remedy)


def refuse_no_path(name: str, value: Any) -> None:
    """Raise ValueError for what is no path."""
    of_kind(
        name, value, (str, os.PathLike), expected="a path", remedy='Pass text such as "run.td".'
    )


def is_dense(tensor: torch.Tensor) -> bool:
    """Return whether a tensor holds numbers at hand, one for each of its elements."""
    plain = tensor.layout == torch.strided and not tensor.is_nested
    return plain and not (tensor.is_meta or tensor.is_quantized)
