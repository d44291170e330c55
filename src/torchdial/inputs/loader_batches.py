"""Batches of a loader as pairs of a model's input and its targets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from torchdial.inputs.errors import contents, describe, refusal

Unpack = Callable[[Any], Any] | Sequence[Any] | None


def pairs_of(loader: Iterable[Any], unpack: Unpack = None) -> Iterator[tuple[Any, Any]]:
    """Yield what each batch of a loader holds; see `unpack_batch`.

    Raises:
        ValueError: there is no batch, or one does not give two.
    """
    is_empty = True
    for batch in loader:
        is_empty = False
        yield unpack_batch(batch, unpack)
    if is_empty:
        raise refusal(
            "loader",
            expected="at least one batch",
            got="none",
            remedy="Pass the DataLoader itself; an iterator that was read before gives no more.",
        )


def unpack_batch(batch: Any, unpack: Unpack = None) -> tuple[Any, Any]:
    """Return what a batch holds as (images or predictions, targets).

    Args:
        batch: a tuple or list of two, or anything that `unpack` takes apart.
        unpack: a function of the batch, or the two keys or indices, such as ("image", "mask").

    Raises:
        ValueError: it does not give two.

    Example:
        >>> unpack_batch({"image": 1, "mask": 2, "path": "a.png"}, ("image", "mask"))
        (1, 2)
    """
    try:
        if callable(unpack):
            pair = unpack(batch)
        else:
            pair = batch if unpack is None else [batch[key] for key in unpack]
    except (LookupError, TypeError) as error:
        raise refusal(
            "unpack",
            expected="a function of a batch, or two of its keys or indices",
            got=f"{describe(unpack)} ({error!r:.80}) for {contents(batch)}",
            remedy=_remedy(batch),
        ) from error
    if isinstance(pair, (tuple, list)) and len(pair) == 2:
        return pair[0], pair[1]
    raise refusal(
        "loader",
        expected="batches of two, images or predictions and their targets",
        got=contents(pair),
        remedy=_remedy(batch),
    )


def _remedy(batch: Any) -> str:
    if isinstance(batch, Mapping) and len(batch) >= 2:
        return f"Say which two, such as unpack={tuple(batch)[:2]!r:.80}."
    if isinstance(batch, (tuple, list)) and len(batch) >= 2:
        return "Say which two, such as unpack=(0, 1)."
    return "Pass a loader that gives targets too, such as zip(images, targets) of batches."
