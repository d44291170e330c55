"""The classes of a detector: its labels, which may have gaps, and their names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral

from torchdial.inputs.arguments import to_list
from torchdial.inputs.errors import describe, refusal

ClassNames = Sequence[str] | Mapping[int, str] | None
MAX_LABEL = 9_999  # at 101 × 101 stops a table of counts takes 80 kB a class


def to_classes(
    given: ClassNames, labels: Iterable[int], known: Mapping[int, str] | None = None
) -> dict[int, str]:
    """Return the name of each class by its label, in the order of the labels.

    Args:
        given: the names of labels: a list, of the labels 0 … C - 1, or a dict by label.
        labels: those that occur. Without `given` the classes are these and those `known`.
        known: names that came with the data.

    Raises:
        ValueError: labels without a name in `given`, or no names.

    Example:
        >>> to_classes({18: "dog", 17: "cat"}, [18])
        {17: 'cat', 18: 'dog'}
        >>> to_classes(None, [3, 1])
        {1: 'class 1', 3: 'class 3'}
    """
    occurring = set(labels)
    if given is None:
        return _names_of(occurring, known or {})
    names = _named(given)
    unknown = sorted(occurring - set(names))
    if unknown:
        raise refusal(
            "class_names",
            expected=f"a name for each label, such as {unknown[0]}",
            got=f"names for {describe_labels(names)}",
            remedy="Pass a dict by label; torchvision counts the background as label 0, and "
            "COCO's category ids have gaps.",
        )
    return names


def ids_of(given: ClassNames) -> dict[str, int] | None:
    """Return the label of each class name; None without names.

    Example:
        >>> ids_of(["cat", "dog"])
        {'cat': 0, 'dog': 1}
    """
    return None if given is None else {name: label for label, name in _named(given).items()}


def num_labels(given: ClassNames) -> int | None:
    """Return the largest named label + 1; None without names."""
    return None if given is None else max(_named(given)) + 1


def describe_labels(labels: Iterable[int]) -> str:
    """Return labels as short text.

    Example:
        >>> describe_labels([0, 1, 2, 5])
        '0, 1, 2, 5'
    """
    all_labels = list(labels)
    shown = ", ".join(map(str, all_labels[:8]))
    return shown if len(all_labels) <= 8 else f"{shown} … {all_labels[-1]}"


def _names_of(labels: set[int], known: Mapping[int, str]) -> dict[int, str]:
    together = sorted(labels | set(known)) or [0]
    if together == [0] and not known:
        return {0: "object"}
    return {label: known.get(label, f"class {label}") for label in together}


def _named(given: Sequence[str] | Mapping[int, str]) -> dict[int, str]:
    expected = f"a name for each label, labels from 0 to {MAX_LABEL:,}"
    remedy = "Pass a list whose index is the label, or a dict by label."
    if isinstance(given, Mapping):
        pairs = list(given.items())
    else:
        listed = to_list("class_names", given, expected=expected, remedy=remedy)
        pairs = list(enumerate(listed))
    whole = all(isinstance(label, Integral) and 0 <= label <= MAX_LABEL for label, _ in pairs)
    if not pairs or not whole:
        raise refusal("class_names", expected=expected, got=describe(given), remedy=remedy)
    return {int(label): str(name) for label, name in sorted(pairs)}
