"""Comparisons with a library: how many there were, and which of them differed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch


class Cases:
    """Counts comparisons.

    Attributes:
        number: of comparisons.
        differing: what each of those that differed was about.
    """

    def __init__(self) -> None:
        self.number = 0
        self.differing: list[str] = []

    def compare(self, about: str, ours: Any, theirs: Any) -> None:
        """Count one comparison; every number has to be the same one."""
        self.number += 1
        if not same(ours, theirs):
            self.differing.append(about)


def same(ours: Any, theirs: Any) -> bool:
    """Whether two results are equal in keys, shapes and every value, whatever their dtypes."""
    if isinstance(theirs, Mapping):
        return ours.keys() == theirs.keys() and all(same(ours[k], theirs[k]) for k in theirs)
    if isinstance(theirs, (list, tuple)):
        return len(ours) == len(theirs) and all(map(same, ours, theirs))
    a, b = _array(ours), _array(theirs)
    return a.shape == b.shape and bool(((a == b) | ((a != a) & (b != b))).all())  # NaN is NaN


def _array(value: Any) -> Any:
    return value.detach().cpu().numpy() if isinstance(value, torch.Tensor) else np.asarray(value)
