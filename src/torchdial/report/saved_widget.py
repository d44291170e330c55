"""What shows a widget where there is no kernel: js/src/lib/report/ reads it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

MAX_BYTES = 64 << 20
"""Of a report, unless somebody says otherwise: browsers take long to open more."""


def _no_picture(_index: int) -> dict[str, Any]:
    return {}


@dataclass
class SavedWidget:
    """A widget's state, and what it would ask a kernel for.

    Attributes:
        stem: which widget it is.
        state: its own synced traits; bytes anywhere among plain values.
        distributions: those of |gradient| at sampled steps, each a head and its data.
        num_pictures: how many pictures it has.
        picture: returns what belongs to one of these, by the key it is asked for by.
    """

    stem: str
    state: dict[str, Any]
    distributions: tuple[dict[str, Any], ...] = ()
    num_pictures: int = 0
    picture: Callable[[int], dict[str, Any]] = _no_picture
