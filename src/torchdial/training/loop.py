"""`for batch in monitor.loop(loader)`: progress, pause and stop between two batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

from torchdial.training.control import Control

Batch = TypeVar("Batch")


def loop(
    control: Control, loader: Iterable[Batch], epochs: int = 1, total: int | None = None
) -> Iterator[Batch]:
    """Hand out a loader's batches, `epochs` times over."""
    _ = control, total
    for _ in range(epochs):
        yield from loader
