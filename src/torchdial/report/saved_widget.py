"""The data that show a widget without a kernel; js/src/lib/report/ reads them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

MAX_BYTES = 64 << 20
"""Default size limit of a report; browsers take long to open larger ones."""


def _no_picture(_index: int) -> dict[str, Any]:
    return {}


def _no_frame(_step: int) -> dict[str, Any]:
    return {}


@dataclass
class SavedWidget:
    """A widget's state, and the data that it requests from a kernel.

    Attributes:
        stem: name of the widget's JavaScript.
        state: its synced traits: plain values, and bytes anywhere among them.
        distributions: distributions of |gradient| at sampled steps, each a head and its data.
        num_pictures: number of pictures.
        picture: returns the tiles of one picture by their keys.
        frames: steps of a training whose frames may be added, the most important first.
        frame: returns the frame of a step, with the planes of all pictures.
        title: heading above the widget, may be empty.
        text: plain text below the heading, may be empty.
    """

    stem: str
    state: dict[str, Any]
    distributions: tuple[dict[str, Any], ...] = ()
    num_pictures: int = 0
    picture: Callable[[int], dict[str, Any]] = _no_picture
    frames: Sequence[int] = ()
    frame: Callable[[int], dict[str, Any]] = _no_frame
    title: str = ""
    text: str = ""
