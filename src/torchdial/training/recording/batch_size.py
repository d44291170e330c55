"""How many samples and tokens a batch has, where the batch tells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

TOKENS = "input_ids"
MOST_PARTS = 8  # of a batch; a longer list is one of samples


def batch_size(batch: Any) -> tuple[int, int]:
    """Return the samples and tokens of a batch, 0 for what it does not tell.

    The parts of a batch, such as images and targets, are of one length: a tensor's or an array's
    first dimension, or a list with one for each sample. A batch that is itself a list of samples
    tells nothing: its images have a first dimension, too. Tokens are the elements of "input_ids".

    Example:
        >>> import torch
        >>> batch_size((torch.zeros(32, 3, 8, 8), torch.zeros(32)))
        (32, 0)
        >>> batch_size({"input_ids": torch.zeros(4, 128), "labels": torch.zeros(4)})
        (4, 512)
        >>> batch_size([torch.zeros(3, 8, 8)] * 4), batch_size(7)
        ((0, 0), (0, 0))
    """
    try:
        return _size(batch)
    except Exception:  # of a class of the user's own, or a nested tensor, which has no shape
        return 0, 0


def _size(batch: Any) -> tuple[int, int]:
    parts = list(batch.values()) if isinstance(batch, Mapping) else batch
    parts = parts if isinstance(parts, (list, tuple)) else [parts]
    samples = 0
    if len(parts) <= MOST_PARTS and not _are_images(parts):
        lengths = {_length(part) for part in parts}
        samples = lengths.pop() if len(lengths) == 1 else 0
    tokens = _shape(batch[TOKENS]) if isinstance(batch, Mapping) and TOKENS in batch else ()
    return samples, tokens[0] * tokens[1] if len(tokens) == 2 else 0


def _are_images(parts: Sequence[Any]) -> bool:
    """Return whether parts may be one image each, all of one number of channels."""
    return len(parts) > 1 and all(len(_shape(part)) == 3 for part in parts)


def _is_sample(one: Any) -> bool:
    """Return whether this is of one sample, as in a detector's lists, and no batch of its own."""
    return isinstance(one, (str, bytes, Mapping, int, float)) or len(_shape(one)) == 3


def _shape(part: Any) -> tuple[int, ...]:
    return tuple(getattr(part, "shape", ()))


def _length(part: Any) -> int:
    if isinstance(part, Sequence) and not isinstance(part, (str, bytes)):
        alike = len(set(map(type, part))) == 1  # a pair of an image and its target is not
        return len(part) if alike and all(map(_is_sample, part)) else 0
    return next(iter(_shape(part)), 0)
