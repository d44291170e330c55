"""A name for each channel of predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torchdial.inputs.arguments import to_list
from torchdial.inputs.errors import describe, refusal


def to_channel_names(
    given: Sequence[str] | Mapping[int, str] | None, num_classes: int
) -> tuple[str, ...]:
    """Return a name for each class, from a list or a dict by index; None gives default ones.

    Raises:
        ValueError: another number of names than of classes.
    """
    if given is None:
        return ("on",) if num_classes == 1 else tuple(f"class {c}" for c in range(num_classes))
    expected = f"a name for each of {num_classes} classes"
    remedy = "Pass a list in the order of the channels, or a dict by index."
    if isinstance(given, Mapping):
        given = [given.get(c) for c in range(num_classes)]  # type: ignore[misc]
    names = to_list("class_names", given, expected=expected, remedy=remedy)
    if len(names) != num_classes or any(name is None for name in names):
        raise refusal("class_names", expected=expected, got=describe(given), remedy=remedy)
    return tuple(str(name) for name in names)
